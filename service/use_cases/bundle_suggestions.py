"""The networks that are suggested for timing as one archive, with what an upload of their timings is to say."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping
from typing import BinaryIO, Final

from sqlalchemy.orm import Session

from device_db import ModelNotFoundError
from service.errors import FieldError, InvalidRequestError
from service.onnx_bundle import add_networks
from service.schemas.devices import SuggestionList
from service.uploads.columns import PROVENANCE, REQUIRED
from service.use_cases.export_network import export_network
from spaces import SearchSpace

MANIFEST: Final = "manifest.json"
MOST_NETWORKS: Final = 50  # each takes up to a second to write


def bundle_suggestions(
    session: Session, spaces: Mapping[str, SearchSpace], suggested: SuggestionList, into: BinaryIO
) -> None:
    """Writes a ZIP archive: an ONNX file for each suggested architecture, and a manifest that says which is which.

    An uploaded network whose file was not kept is left out, which the manifest tells.

    Raises: InvalidRequestError for more networks, or larger ones, than is sensible to send.
    """
    if len(suggested.architectures) > MOST_NETWORKS:
        reason = f"an archive has {MOST_NETWORKS} networks at most"
        raise InvalidRequestError([FieldError(reason, parameter="count")])

    def export(key: str) -> bytes | None:
        try:
            return export_network(session, spaces, suggested.space, key, 1)
        except ModelNotFoundError:
            return None

    with zipfile.ZipFile(into, "w", zipfile.ZIP_STORED) as archive:
        names = add_networks(archive, suggested.architectures, export, "count")
        manifest = {
            "device": suggested.device,
            "space": suggested.space,
            "networks": [{"architecture": key, "file": name} for key, name in names.items()],
            "without_file": [key for key in suggested.architectures if key not in names],
            "upload": {
                "to": "/admin/measurements",
                "columns": list(REQUIRED),
                "optional_columns": list(PROVENANCE),
            },
        }
        archive.writestr(MANIFEST, json.dumps(manifest, indent=1))
