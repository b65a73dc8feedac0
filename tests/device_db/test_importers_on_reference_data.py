"""The importers on upstream's own files, with the real spaces."""

import numpy as np
import pytest

import device_db
import migrations
import spaces
from device_db import Accuracies, Devices, Measurements, StoreCounts
from device_db.importers import IMPORTERS, BenchmarkData, import_benchmark
from device_db.importers.hw_nas_bench import SHARED_DEVICES

pytestmark = pytest.mark.data


def _read(name: str, path) -> BenchmarkData:
    return IMPORTERS[name](path, lambda space, notation: spaces.get_space(space).parse(notation).key)


def test_help_fbnet_is_stored_and_importing_it_again_changes_nothing(data_dir, tmp_path):
    url = f"sqlite:///{tmp_path / 'test.db'}"
    migrations.upgrade(url)
    engine = device_db.create_engine(url)
    with device_db.session_factory(engine).begin() as session:
        for counts in (StoreCounts(inserted=135_000), StoreCounts(unchanged=135_000)):
            report = import_benchmark(session, _read("help", data_dir / "help" / "fbnet"), uploader="test")
            assert report.measurements == counts
        assert Devices(session).counts() == {device.name: {"fbnet": 5000} for device in Devices(session).list()}
        keys, values = Measurements(session).latencies("gold_6226", "fbnet")
    engine.dispose()
    assert len(keys) == 5000
    np.testing.assert_allclose([values.min(), values.max()], [33.24867522403598, 244.3954573089257])


def test_help_whole_folder_has_27_devices_in_two_spaces_and_12_in_the_third(data_dir):
    data = _read("help", data_dir / "help")
    assert data.row_count == 27 * 15_625 + 27 * 5_000 + 12 * 5_000
    assert len(data.devices) == 32 + 6  # 2080ti and titan_rtx are in all three, ofa alone calls one titan_xp
    assert len(data.orders["nb201"]) == 15_625
    assert not data.notes


def test_help_ofa_names_5000_distinct_networks_each_at_its_own_resolution(data_dir):
    data = _read("help", data_dir / "help" / "ofa")
    assert len(data.devices) == 12
    rows = list(data.measurements)
    assert len(rows) == len({(row.device, row.architecture) for row in rows}) == 12 * 5_000
    assert all(row.architecture.startswith(row.input_shape.split("x")[1] + ":") for row in rows)
    assert {row.batch_size for row in rows} == {1, 32, 64}


def test_accuracy_and_help_number_the_architectures_alike(data_dir):
    assert _read("accuracy", data_dir / "accuracy").orders == _read("help", data_dir / "help" / "nasbench201").orders


def test_accuracy_values_are_those_published(data_dir, session):
    import_benchmark(session, _read("accuracy", data_dir / "accuracy"), uploader="test")
    _, cifar10 = Accuracies(session).table("nb201", "cifar10")
    assert cifar10.shape == (15_625,)
    assert cifar10.max() == pytest.approx(94.37, abs=0.005)  # NAS-Bench-201, the optimum on CIFAR-10


def test_devices_of_help_and_hw_nas_bench_are_the_same_rows(data_dir):
    from_help = {
        row for row in _read("help", data_dir / "help" / "nasbench201").measurements if row.device in SHARED_DEVICES
    }
    from_hw = {
        row
        for row in _read("hw-nas-bench", data_dir / "hw_nas_bench").measurements
        if row.device in SHARED_DEVICES and row.metric == "latency_ms"
    }
    assert from_help == from_hw
    assert len(from_hw) == 4 * 15_625


def test_eagle_leaves_out_only_what_upstream_did_not_measure(data_dir):
    data = _read("eagle", data_dir / "eagle")
    assert len(data.devices) == 15
    assert sum(1 for _ in data.measurements) == 228_645


def test_zero_cost_covers_nb201_cells_and_fbnet_in_our_units(data_dir):
    nb201, fbnet = _read("zero-cost", data_dir / "zero_cost").encodings
    assert (nb201.space, fbnet.space) == ("nb201", "fbnet")
    assert {len(values) for values in nb201.values.values()} == {9_445}
    assert {len(values) for values in fbnet.values.values()} == {5_000}
    for table in (nb201, fbnet):
        space = spaces.get_space(table.space)
        for key in list(table.values["params"])[:50]:
            params = space.workload(space.parse(key)).params
            np.testing.assert_allclose(table.values["params"][key], params, atol=0.1)
    assert sum(np.isnan(list(nb201.values["jacov"].values()))) == 1
