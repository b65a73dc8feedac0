"""What a server loads before a request asks for it."""

import logging
import subprocess
import sys

import pytest

from service.warm_up import warm_up

PROGRAM = """
import sys
from service.app import create_app
from service.settings import Settings
from service.warm_up import warm_up

create_app(Settings())
assert "torch" not in sys.modules
warm_up()
assert "torch" in sys.modules
from predictors.graph.shipped import _load
assert _load.cache_info().currsize == 2
"""


def test_networks_are_loaded_by_the_warm_up_and_not_before():
    subprocess.run([sys.executable, "-c", PROGRAM], check=True)


def test_what_cannot_be_loaded_is_logged(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture):
    def fail(*_: object) -> None:
        raise OSError("no such file")

    monkeypatch.setattr("predictors.graph.pretrained_accuracy.load_transfer_network", fail)
    with caplog.at_level(logging.WARNING):
        warm_up()
    assert "cannot be loaded" in caplog.text
