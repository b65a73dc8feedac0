"""What a server loads while it already answers, so that no request has to wait for it."""

import logging
from importlib.util import find_spec

_log = logging.getLogger(__name__)


def warm_up() -> None:
    """Imports torch and reads the networks that come with archcast; seconds. Does nothing where torch is missing."""
    if find_spec("torch") is None:
        return
    try:
        from predictors.graph.pretrained_accuracy import load_transfer_network
        from predictors.graph.shipped import has_pretrained, load_pretrained
        from spaces import SPACES

        for space in SPACES.values():
            if has_pretrained(space, "trunk"):
                load_pretrained(space, "trunk")
        load_transfer_network()
    except Exception:
        # The request that needs it will say what is wrong.
        _log.warning("the networks that come with archcast cannot be loaded", exc_info=True)
