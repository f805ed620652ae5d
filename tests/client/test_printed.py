"""What the command line says of an answer."""

from __future__ import annotations

import io

from rich.console import Console

from limen.client import printed


def _printed(sample: dict[str, object]) -> str:
    answer = {
        "answer": "no-hit", "reasons": [], "next": [], "samples": [sample], "matches": [], "claim": None,
        "gallery": {"records": 3}, "sealed": True, "receipt": None,
    }  # fmt: skip
    out = io.StringIO()
    printed.show(answer, Console(file=out, width=200))
    return out.getvalue()


def test_several_faces_are_listed_with_the_way_to_search_another() -> None:
    face = {"modality": "face", "position": "unknown", "used": "yes", "quality": 70, "reasons": []}
    boxes = [
        {"x": 0.5, "y": 0.2, "width": 0.2, "height": 0.4, "searched": True},
        {"x": 0.0, "y": 0.2, "width": 0.1, "height": 0.2, "searched": False},
    ]
    text = _printed(face | {"faces": boxes})
    assert "1 at 60 % from the left and 40 % from the top (searched)" in text
    assert "2 at 5 % from the left" in text and "--face NUMBER" in text
    assert "--face" not in _printed(face | {"faces": []})
