"""The JSON manifest in the header of a safetensors file: what an artifact says of itself."""

from __future__ import annotations

import json
from typing import Any

from predictors.errors import InvalidArtifactError


def read_manifest(blob: bytes) -> dict[str, Any]:
    """The manifest of an artifact; 8 bytes of length come first, then JSON. Raises: InvalidArtifactError."""
    try:
        header = json.loads(blob[8 : 8 + int.from_bytes(blob[:8], "little")])
        manifest = json.loads(header["__metadata__"]["manifest"])
    except (ValueError, KeyError, TypeError) as error:
        raise InvalidArtifactError("no manifest found") from error
    if not isinstance(manifest, dict):
        raise InvalidArtifactError("its manifest is no object")
    return manifest
