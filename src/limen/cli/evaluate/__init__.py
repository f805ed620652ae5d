"""`limen evaluate`: one module a measurement."""

import sys

from limen.cli.lazy import group

COMMANDS = {
    "ridge": "Accuracy and speed of fingers on FVC-named images.",
    "marks": "Crime-scene marks: do they find their prints, and prints the marks that they left?",
    "face": "Accuracy and speed of faces on identity/image folders.",
    "fused": "Accuracy of face and fingers together, on chimeric persons.",
    "border": "The whole hub from outside: two countries, real samples, who is found and who wrongly.",
    "search": "1:N search: memory, load time, search times, loss against exhaustive comparison.",
    "load": "How long a hub takes from its start until its whole gallery answers.",
    "forgetting": "The forgetting drill: what searches leave behind in memory and on disk.",
}

_called = next((word for word in sys.argv[2:] if not word.startswith("-")), None)
app = group("evaluate", "limen.cli.evaluate", COMMANDS, _called)
