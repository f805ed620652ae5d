"""From a model's name to a checked file, a prepared graph and a session that survives fork."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING

from limen.errors import Damaged
from limen.models.manifest import Manifest, manifest, names

if TYPE_CHECKING:
    import onnxruntime

__all__ = ["find", "load", "names", "read", "session"]

_REINSTALL = "Run scripts/setup again; if it stays, an operator must find out who changed the file."


def find(model: Manifest) -> Path:
    """Where the model's file lies. The package is located, never imported: its code does not run.

    Raises:
        Damaged: the package or the file is not installed.
    """
    spec = importlib.util.find_spec(model.package)
    for folder in (spec.submodule_search_locations or []) if spec else []:
        if (file := Path(folder) / model.path).is_file():
            return file
    raise Damaged(f"The file of model '{model.name}' is not installed (package {model.package}).", advice=_REINSTALL)


def read(name: str) -> bytes:
    """The model's file as shipped; `Damaged` if it is missing or not the one that the manifest names."""
    model = manifest(name)
    data = find(model).read_bytes()
    if hashlib.sha256(data).hexdigest() != model.sha256:
        raise Damaged(f"The file of model '{name}' is not the one that its manifest names.", advice=_REINSTALL)
    return data


def load(name: str) -> bytes:
    """The model's graph, checked and prepared, as ONNX bytes.

    Raises:
        NotFound: there is no model of that name.
        Damaged: its file is missing, changed, or cannot be prepared.
    """
    model, data = manifest(name), read(name)
    if not model.prepare:
        return data
    module, _, function = model.prepare.partition(":")
    return bytes(getattr(importlib.import_module(module), function)(data))


def session(name: str) -> onnxruntime.InferenceSession:
    """The model, ready to run on the CPU.

    Sessions are made in a zygote and used in its forked children, so none may own a thread: with one intra-op and one
    inter-op thread onnxruntime starts no pool, and the caller's thread does all the work.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.add_session_config_entry("session.inter_op.allow_spinning", "0")
    options.log_severity_level = 3  # errors only: warnings name tensors, nobody reads them
    return onnxruntime.InferenceSession(load(name), options, providers=["CPUExecutionProvider"])
