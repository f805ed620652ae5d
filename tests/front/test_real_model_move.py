"""A whole hub moves its gallery to another face model while officers search; a swapped model file stops it."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest
from tests.face import variant
from tests.front.real_hub import RealHub, real_hub, samples

from limen import models
from limen.errors import LimenError, Unavailable
from limen.hub.supervisor import Hub
from limen.models import in_use
from limen.records.database import open_database
from limen.records.tables import Sample
from limen.terms import Modality

pytestmark = pytest.mark.slow


class Officer(threading.Thread):
    """Searches the wanted person's face again and again."""

    def __init__(self, hub: RealHub) -> None:
        super().__init__(daemon=True)
        self._hub, self._over = hub, threading.Event()
        self.answers: list[str] = []

    def run(self) -> None:
        probe = samples({"face": self._hub.wanted["face"]})
        with self._hub.client() as client:
            while not self._over.wait(0.05):
                try:
                    answer = client.search(probe, "border-control")
                except LimenError as error:
                    self.answers.append(f"error {error.code}")
                    continue
                names = [match["names"][0] for match in answer["matches"]]
                why = [reason["code"] for reason in answer["reasons"] if answer["answer"] == "cannot-tell"]
                self.answers.append(f"{answer['answer']} {names or why}")
                if answer["matches"]:
                    client.end(answer["id"])

    def end(self) -> list[str]:
        self._over.set()
        self.join(60)
        return self.answers


def faces(hub: RealHub) -> set[str]:
    """Models of the faces in the database."""
    database = open_database(hub.settings)
    try:
        with database.reading() as session:
            return {row.model for row in session.query(Sample) if row.modality == Modality.FACE and row.template}
    finally:
        database.close()


def test_a_gallery_moves_while_officers_search(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LIMEN_OFFER_SECONDS", "3")  # of the command: how long it lets earlier searches end
    with real_hub(tmp_path) as hub:
        assert faces(hub) == {"sface"}
        hub.limen("models", "add", str(variant.write(tmp_path / "given")))
        officer = Officer(hub)
        officer.start()
        while not officer.answers:
            officer.join(0.2)
        capsys.readouterr()
        hub.limen("records", "reextract", "--model", variant.NAME, "--json")
        result = json.loads(capsys.readouterr().out)
        assert (result["records"], result["photos"], result["not_moved"]) == (1, 1, 0)
        assert result["in_use"] == [variant.NAME]
        assert faces(hub) == {variant.NAME}
        seen = len(officer.answers)
        while len(officer.answers) < seen + 3:
            officer.join(0.2)
        answers = officer.end()
        assert set(answers) == {"refer ['Adrian Velk']"}, answers
        assert len(answers) >= 6
        hub.limen("records", "import", str(tmp_path / "fra"), "--country", "FRA")  # what comes now has the new model
        settings = hub.settings
    assert in_use.chosen(models.folder_of(settings.data)) == [variant.NAME]
    file = settings.data / "models" / f"{variant.NAME}.onnx"
    file.write_bytes(models.read("sface"))
    with pytest.raises(Unavailable, match="not the one that its manifest names"):
        Hub(settings).start()
    models.look_in(None)
