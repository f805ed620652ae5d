"""A full disk does not end the supervision of the parts."""

import errno

from limen.hub import supervisor
from limen.settings import Settings


def test_the_state_file_is_no_condition_of_supervision(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(supervisor, "replace_private", full)
    hub = supervisor.Hub(Settings(data=tmp_path), [])
    hub.start()
    hub._note()
    assert hub._thread.is_alive()
    hub.stop()
    assert not supervisor.running(Settings(data=tmp_path))
