"""Bring in the public ONNX files that archcast's own timings are of, so that these timings mean something."""

from __future__ import annotations

import importlib.resources
from collections.abc import Mapping

from sqlalchemy.orm import Session, sessionmaker

from device_db import UploadedModels
from service.settings import Settings
from service.use_cases.add_model import store_model
from spaces.onnx_model import import_here

# The ONNX package ships well-known networks as the files of its own tests, their weights left out.
_PACKAGE = "onnx"
_FOLDER = ("backend", "test", "data", "light")


def add_timed_models(sessions: sessionmaker[Session], settings: Settings, names: Mapping[str, str]) -> int:
    """Store those of the networks that are not there yet; returns how many were new.

    A file that the installed ONNX package lacks, or has another network in, is left out.

    Args: names: hash -> file name.
    """
    with sessions() as session:
        stored = set(UploadedModels(session).keys())
    folder = importlib.resources.files(_PACKAGE).joinpath(*_FOLDER)
    files = {key: folder / name for key, name in names.items() if key not in stored}
    found = {key: file.read_bytes() for key, file in files.items() if file.is_file()}
    models = [(content, import_here(content)) for content in found.values()]
    wanted = [(content, model) for content, model in models if model.key in found]
    with sessions.begin() as session:
        return sum(store_model(session, settings, content, model, "cli")[1] for content, model in wanted)
