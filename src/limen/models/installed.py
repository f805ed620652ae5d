"""From a model's name to a checked file, a prepared graph and a session that survives fork."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING

from limen.errors import Damaged
from limen.models.catalogue import manifest, names
from limen.models.manifest import Manifest
from limen.models.trial import checked_graph

if TYPE_CHECKING:
    import onnxruntime

__all__ = ["bytes_of", "find", "graph_of", "load", "names", "open_session", "read", "session"]

_REINSTALL = "Run scripts/setup again; if it stays, an operator must find out who changed the file."
_OPERATORS = "Put the file back that the manifest names, or correct the manifest and give the model a new name."


def find(model: Manifest) -> Path:
    """Where the model's file lies. A package is located, never imported: its code does not run.

    Raises:
        Damaged: the package or the file is not installed.
    """
    if model.folder is not None:
        if (file := model.folder / model.path).is_file():
            return file
        raise Damaged(f"The file of model '{model.name}' is not there: {file}.", advice=_OPERATORS)
    spec = importlib.util.find_spec(model.package)
    for folder in (spec.submodule_search_locations or []) if spec else []:
        if (file := Path(folder) / model.path).is_file():
            return file
    raise Damaged(f"The file of model '{model.name}' is not installed (package {model.package}).", advice=_REINSTALL)


def bytes_of(model: Manifest) -> bytes:
    """The model's file; `Damaged` if it is missing or not the one that the manifest names."""
    data = find(model).read_bytes()
    if hashlib.sha256(data).hexdigest() != model.sha256:
        raise Damaged(
            f"The file of model '{model.name}' is not the one that its manifest names.",
            advice=_REINSTALL if model.folder is None else _OPERATORS,
        )
    return data


def read(name: str) -> bytes:
    """The file of a model, as `bytes_of`."""
    return bytes_of(manifest(name))


def load(name: str) -> bytes:
    """The model's graph, checked and prepared, as ONNX bytes.

    Raises:
        NotFound: there is no model of that name.
        Damaged: its file is missing, changed, or cannot be prepared.
    """
    return graph_of(manifest(name))


def graph_of(model: Manifest) -> bytes:
    """As `load`, of a model whose manifest is at hand."""
    data = read(model.name) if model.folder is None else bytes_of(model)
    if model.folder is not None:
        return checked_graph(model, data)
    if not model.prepare:
        return data
    module, _, function = model.prepare.partition(":")
    return bytes(getattr(importlib.import_module(module), function)(data))


def session(name: str) -> onnxruntime.InferenceSession:
    """The model, ready to run on the CPU; raises as `load`."""
    return open_session(load(name))


def open_session(graph: bytes) -> onnxruntime.InferenceSession:
    """A graph, ready to run on the CPU.

    Sessions are made in a zygote and used in its forked children, so none may own a thread: with one intra-op and one
    inter-op thread onnxruntime starts no pool, and the caller's thread does all the work. None may own an arena either:
    what a fork writes into pages of its zygote is copied page by page; from the heap it gets fresh ones (0400).
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    options.enable_cpu_mem_arena = options.enable_mem_pattern = False
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.add_session_config_entry("session.inter_op.allow_spinning", "0")
    options.log_severity_level = 3  # errors only: warnings name tensors, nobody reads them
    return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
