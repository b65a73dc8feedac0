"""`archcast proxies`."""

from collections.abc import Callable
from typing import Any

import pytest

Cli = Callable[..., Any]
CELL = "|nor_conv_1x1~0|+|none~0|none~1|+|skip_connect~0|none~1|none~2|"
DEAD = "|none~0|+|none~0|none~1|+|none~0|none~1|none~2|"
QUICK = ("--space", "nb201", "--batch-size", "2")


def test_proxies_prints_a_row_for_each_architecture(cli: Cli):
    outcome = cli("proxies", *QUICK, "--proxy", "params", "--proxy", "synflow", CELL, DEAD)
    assert outcome.code == 0, outcome.err
    header, live, dead = outcome.out.splitlines()
    assert header.split() == ["architecture", "params", "synflow"]
    assert live.split()[0] == CELL
    assert dead.split()[1:] == ["7.331e+04", "0"]


def test_proxies_are_computed_once(cli: Cli, monkeypatch: pytest.MonkeyPatch):
    first = cli("proxies", *QUICK, "--proxy", "jacov", "--proxy", "params", "--json", CELL, DEAD)
    assert first.code == 0, first.err
    assert first.answer["proxies"]["jacov"][1] is None
    monkeypatch.setattr("service.use_cases.compute_proxies.compute", _refuse)
    again = cli("proxies", *QUICK, "--proxy", "params", "--proxy", "jacov", "--json", DEAD, CELL)
    assert again.answer["architectures"] == [DEAD, CELL]
    assert again.answer["proxies"]["jacov"] == first.answer["proxies"]["jacov"][::-1]


def test_proxies_of_a_sample_repeat_with_the_seed(cli: Cli):
    drawn = [cli("proxies", *QUICK, "--sample", "3", "--proxy", "params", "--json", "--seed", "7") for _ in range(2)]
    assert len(set(drawn[0].answer["architectures"])) == 3
    assert drawn[0].answer == drawn[1].answer


def test_unknown_proxy_and_missing_architectures_fail_in_one_line(cli: Cli):
    unknown = cli("proxies", *QUICK, "--proxy", "luck", CELL)
    assert (unknown.code, unknown.out) == (1, "")
    assert "unknown zero-cost proxy 'luck'" in unknown.err
    assert cli("proxies", *QUICK).err == "archcast: give either architectures or --sample COUNT\n"


def test_sample_larger_than_the_space_and_a_seed_that_torch_cannot_take_are_refused(cli: Cli):
    large = cli("proxies", "--space", "tnb101_macro", "--sample", "99999", "--proxy", "params")
    assert (large.code, large.err) == (1, "archcast: tnb101_macro has 3,256 architectures, fewer than --sample 99999\n")
    assert cli("proxies", *QUICK, "--proxy", "nwot", "--seed", str(2**63), CELL).code == 2


def _refuse(space: Any, architectures: list[Any], *_: Any, **__: Any) -> None:
    assert not architectures, "computed again"
