"""The importer of NAS-Bench-Suite-Zero's proxies."""

import math

import pytest

from device_db import EncodingValues, ImportFormatError, StoreCounts
from device_db.importers import IMPORTERS, PUBLISHED_PROXIES, import_benchmark
from device_db.importers.zero_cost import PROXIES

_NB201 = ("|none~0|", "|skip_connect~0|", "|nor_conv_1x1~0|")


def test_zero_cost_is_stored_in_our_units_under_its_source(session, zero_cost_file, canonical):
    progress = []
    data = IMPORTERS["zero-cost"](zero_cost_file, canonical)
    report = import_benchmark(session, data, uploader="test", on_progress=lambda *counts: progress.append(counts))
    assert report.encodings == StoreCounts(inserted=4 * len(PROXIES))
    assert (report.upload_id, report.devices) == (None, 0)
    assert progress[-1] == (4 * len(PROXIES), 4 * len(PROXIES))

    def stored(space: str, name: str, keys=_NB201) -> dict[str, float]:
        return EncodingValues(session).lookup(space, name, PUBLISHED_PROXIES[space], keys)

    assert stored("nb201", "flops") == dict.fromkeys(_NB201, 2e6)
    assert stored("nb201", "params") == dict.fromkeys(_NB201, 0.25e6)
    assert stored("nb201", "synflow") == {key: 0.0 if key == _NB201[0] else math.exp(3) for key in _NB201}
    assert stored("nb201", "grasp") == {_NB201[0]: 1.5, _NB201[1]: 1.5, _NB201[2]: -7.0}
    assert math.isnan(stored("nb201", "jacov")[_NB201[0]])
    assert stored("fbnet", "synflow", ["8_8_8"]) == {"8_8_8": 1e30}
    assert stored("fbnet", "flops", ["8_8_8"]) == {"8_8_8": 2.0}


def test_zero_cost_again_changes_nothing_and_one_file_alone_will_do(session, zero_cost_file, canonical):
    for path, counts in (
        (zero_cost_file / "fbnet_zcp.json", StoreCounts(inserted=len(PROXIES))),
        (zero_cost_file, StoreCounts(inserted=3 * len(PROXIES), unchanged=len(PROXIES))),
        (zero_cost_file / "nb201_zcp.csv", StoreCounts(unchanged=3 * len(PROXIES))),
    ):
        data = IMPORTERS["zero-cost"](path, canonical)
        assert import_benchmark(session, data, uploader="test").encodings == counts


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("nb201_zcp.csv", "dataset,arch_str\ncifar10,|none~0|\n", "lacks the columns"),
        ("nb201_zcp.csv", f"dataset,arch_str,{','.join(PROXIES)}\ncifar100,|none~0|{',1' * 13}\n", "no row of the"),
        ("nb201_zcp.csv", f"dataset,arch_str,{','.join(PROXIES)}\ncifar10,|none~0|{',x' * 13}\n", "line 2, epe_nas"),
        ("nb201_zcp.csv", f"dataset,arch_str,{','.join(PROXIES)}\ncifar10,|none~0|{',inf' * 13}\n", "not finite"),
        ("fbnet_zcp.json", "[1]", "not an object"),
        ("fbnet_zcp.json", "{", "not JSON"),
        ("fbnet_zcp.json", '{"8_8_8": {"zen": 1}}', "8_8_8, epe_nas: None is not a number"),
    ],
)
def test_zero_cost_malformed_file_says_what_is_wrong(tmp_path, canonical, name, content, reason):
    (tmp_path / name).write_text(content)
    with pytest.raises(ImportFormatError, match=reason):
        IMPORTERS["zero-cost"](tmp_path / name, canonical)
