"""Reads an ONNX file into an `ImportedModel`, in this process or in one of its own with limits on memory and time."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from spaces.onnx_model import errors
from spaces.onnx_model.errors import ModelRefusedError, ModelTooLargeError, printable
from spaces.onnx_model.imported import ImportedModel
from spaces.onnx_model.limits import Limits

_DEFAULT: Final = Limits()


def import_here(content: bytes, bindings: Mapping[str, int] | None = None, limits: Limits = _DEFAULT) -> ImportedModel:
    """The network in an ONNX file, read in this process: for files of one's own making.

    Args: bindings: a number for each dynamic dimension, by its name; one without is called `input.axis`.
    Raises: ModelRefusedError and its kinds.
    """
    # They bring onnx, which a server that hands files to workers need not load.
    from spaces.onnx_model.canonical import canonical_key
    from spaces.onnx_model.layers import LayerReader
    from spaces.onnx_model.reading import read_model
    from spaces.onnx_model.shapes import type_graph

    model = read_model(content, limits)
    name = printable(model.graph.name, 200)
    graph = type_graph(model, bindings or {}, limits)
    reader = LayerReader(graph, limits)
    layers = reader.read()
    shapes = tuple(graph.shapes[name] for name in graph.inputs)
    return ImportedModel(canonical_key(graph), name, layers, shapes, reader.unsupported)


def import_apart(content: bytes, bindings: Mapping[str, int] | None = None, limits: Limits = _DEFAULT) -> ImportedModel:
    """The same in a process of its own: what takes too long or too much memory is refused, as is what crashes it.

    Raises: ModelRefusedError and its kinds.
    """
    if len(content) > limits.size_bytes:  # before it is copied to the worker
        raise ModelTooLargeError(f"the file has {len(content):,} bytes, the most is {limits.size_bytes:,}")
    bounds = {name: getattr(limits, name) for name in Limits.__dataclass_fields__}
    order = json.dumps({"bindings": dict(bindings or {}), "limits": bounds}).encode()
    # Absolute, as the worker runs elsewhere.
    modules = os.pathsep.join(str(Path(entry).resolve()) for entry in sys.path)
    environment = {"PYTHONPATH": modules, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    try:
        worker = subprocess.run(
            [sys.executable, "-m", "spaces.onnx_model.worker"],
            input=order + b"\n" + content,
            capture_output=True,
            env=environment,
            cwd=Path(sys.executable).anchor,
            timeout=limits.wall_s,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise ModelTooLargeError(f"reading it takes more than {limits.wall_s:g} s") from None
    if worker.returncode != 0:
        raise ModelTooLargeError("reading it takes more memory or time than a model may, or breaks the ONNX library")
    answer: dict[str, Any] = json.loads(worker.stdout)
    if "refused" in answer:
        raise _refusal(answer["refused"])
    return ImportedModel.from_json(answer["model"])


def refusal_document(error: ModelRefusedError) -> dict[str, Any]:
    """An error as the worker hands it on."""
    return {
        "kind": type(error).__name__,
        "reason": error.reason,
        **{name: getattr(error, name) for name in ("names", "name", "known") if hasattr(error, name)},
    }


def _refusal(document: Mapping[str, Any]) -> ModelRefusedError:
    kind = document["kind"]
    if kind == "DynamicDimensionsError":
        return errors.DynamicDimensionsError(document["names"])
    if kind == "UnknownBindingError":
        return errors.UnknownBindingError(document["name"], document["known"])
    return (ModelTooLargeError if kind == "ModelTooLargeError" else ModelRefusedError)(document["reason"])
