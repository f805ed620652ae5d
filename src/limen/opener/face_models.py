"""The zygote's face models follow `limen records reextract` while the hub runs.

The list of models in use is a file that seldom changes (`models.in_use`). The zygote looks at its stamp before it gives
a worker away, and loads what is new in the meantime of a capture; workers that it forks from then on have it.
"""

from __future__ import annotations

import structlog

from limen import models
from limen.errors import LimenError
from limen.models import in_use
from limen.opener.tools import Tools
from limen.settings import Settings

log = structlog.get_logger("opener")


class FaceModels:
    """Keeps the tools' face models those that are in use."""

    def __init__(self, settings: Settings, tools: Tools) -> None:
        """tools: loaded for the models that are in use now."""
        self._folder = models.folder_of(settings.data)
        self._tools = tools
        self._stamp = in_use.stamp(self._folder)

    def changed(self) -> bool:
        """Load what came into use; whether there was a change. What cannot be loaded changes nothing, and is logged."""
        if (now := in_use.stamp(self._folder)) == self._stamp:
            return False
        self._stamp = now
        try:
            models.look_in(self._folder)  # anew: a manifest may have come since
            self._tools.face.use(in_use.chosen(self._folder))
            self._tools.face.warm()
            self._tools.settle()
        except LimenError as error:
            log.error("the face models in use were not changed", why=error.code)
            return False
        log.info("face models in use", models=self._tools.face.names)
        return True
