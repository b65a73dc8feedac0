"""Plain lists and dictionaries that were saved with torch, read without running code."""

import warnings
from pathlib import Path
from typing import Any

from device_db.errors import ImportFormatError


def load_plain(path: Path) -> Any:
    """The object in a `.pt` file, which may consist of lists, dictionaries, strings and numbers only.

    Raises: ImportFormatError for a file that is absent, damaged, or asks to run code.
    """
    import torch  # takes seconds; only these files need it

    if not path.is_file():
        raise ImportFormatError(path, "no such file")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return torch.load(path, weights_only=True, map_location="cpu")
    except Exception as error:  # a damaged file fails anywhere in torch's reader
        reason = f"not lists and numbers saved by torch, or damaged ({type(error).__name__})"
        raise ImportFormatError(path, reason) from error
