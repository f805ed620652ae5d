"""What an operator's graph must be before anything runs on it: whole in one file, and of the shape that is stated."""

from __future__ import annotations

from collections.abc import Sequence

from limen.errors import Damaged
from limen.models.manifest import Manifest

_MOST_BYTES = 1 << 30  # of a model's file; the largest face models have 500 MB


def checked_graph(model: Manifest, data: bytes) -> bytes:
    """The graph itself, if it takes what its manifest says and gives a template of the stated dimension.

    Raises:
        Damaged: it is no ONNX graph, keeps weights in other files (which the hash does not cover), or has another input
            or output.
    """
    import onnx

    if len(data) > _MOST_BYTES:
        raise _wrong(model, f"is larger than {_MOST_BYTES >> 20} MiB")
    try:
        graph = onnx.load_from_string(data).graph
    except Exception:  # protobuf's own, by the kind of damage
        raise _wrong(model, "is no ONNX graph") from None
    if any(tensor.data_location == onnx.TensorProto.EXTERNAL for tensor in graph.initializer):
        raise _wrong(model, "keeps weights in other files, which its hash does not cover; save it as one file")
    weights = {tensor.name for tensor in graph.initializer}
    inputs = {value.name: value for value in graph.input if value.name not in weights}
    if list(inputs) != [model.input]:
        raise _wrong(model, f"has the inputs {', '.join(inputs) or 'none'}, not {model.input} alone")
    side = model.width
    image = (3, side, side) if model.layout == "NCHW" else (side, side, 3)
    if not _fits(_shape(inputs[model.input]), (1, *image)):
        raise _wrong(model, f"takes {_shape(inputs[model.input])}, not one or more of {image}")
    if len(graph.output) < 1 or not _fits(_shape(graph.output[0]), (1, model.dimension)):
        raise _wrong(model, f"does not give templates of {model.dimension} numbers")
    return data


def _shape(value: object) -> list[int]:
    """Extents of a tensor; 0 where the graph leaves one open."""
    return [axis.dim_value for axis in value.type.tensor_type.shape.dim]  # type: ignore[attr-defined]


def _fits(stated: Sequence[int], wanted: Sequence[int]) -> bool:
    """Whether a shape is the wanted one, as far as it is stated. What is not, is tried by running it."""
    return not stated or (
        len(stated) == len(wanted) and all(one in (0, other) for one, other in zip(stated, wanted, strict=True))
    )


def _wrong(model: Manifest, what: str) -> Damaged:
    return Damaged(f"The file of model '{model.name}' {what}.", advice="Correct the manifest: docs/models.md.")
