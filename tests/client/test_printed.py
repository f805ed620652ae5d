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


def _ended(kind: str, receipt: dict[str, object] | None) -> str:
    out = io.StringIO()
    answer = {
        "answer": kind, "reasons": [], "next": [], "samples": [], "matches": [], "claim": None,
        "gallery": {"records": 3}, "sealed": True, "receipt": receipt and {"receipt": receipt},
    }  # fmt: skip
    printed.show(answer, Console(file=out, width=200))
    return out.getvalue()


def test_what_became_of_the_capture_is_what_the_receipt_says() -> None:
    assert "sealed, deleted;" in _ended("no-hit", {"deleted": ["capture", "pixels"]})
    held = _ended("hit", {"deleted": ["pixels"]})
    assert "kept sealed for the examiners" in held
    assert "deleted" not in held


def test_without_a_receipt_nothing_is_claimed_of_a_hits_capture() -> None:
    assert "sealed, deleted;" in _ended("no-hit", None)
    assert "deleted" not in _ended("refer", None)
