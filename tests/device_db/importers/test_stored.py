"""What the importers store of small files in upstream's formats."""

import gzip
import json

import pytest
import torch
from sqlalchemy import select

from device_db import (
    Accuracies,
    ArchitectureIndices,
    ArchitectureOrderError,
    Devices,
    Measurements,
    StoreCounts,
)
from device_db.importers import IMPORTERS
from device_db.models import Device, Measurement

_NB201 = ("|none~0|", "|skip_connect~0|", "|nor_conv_1x1~0|")


def test_help_stores_each_list_in_its_order_with_provenance(session, store, help_folder):
    report = store("help", help_folder)
    assert (report.measurements, report.devices, report.orders) == (StoreCounts(inserted=11), 4, ("nb201",))
    assert "ofa" in report.notes[0]
    measurements = Measurements(session)
    assert measurements.lookup("titan_rtx_256", "nb201", _NB201) == dict(zip(_NB201, (1.5, 2.0, 3.5), strict=True))
    assert measurements.lookup("gold_6226", "fbnet", ["0_1_2", "8_8_8"]) == {"0_1_2": 7.0, "8_8_8": 8.0}
    assert ArchitectureIndices(session).order("nb201") == list(_NB201)
    assert ArchitectureIndices(session).order("fbnet") is None
    upload = measurements.list_uploads()[0]
    assert (upload.source, upload.uploader, upload.inserted) == ("HELP", "tester", 11)


def test_help_reads_the_batch_size_from_gpu_names_only(session, store, help_folder):
    store("help", help_folder)
    query = select(Device.name, Measurement.batch_size).join(Measurement, Measurement.device_id == Device.id).distinct()
    found = dict(session.execute(query).all())
    assert found == {"titan_rtx_256": 256, "essential_ph_1": None, "raspi4": None, "gold_6226": None}


def test_help_reads_one_spaces_folder(store, help_folder):
    report = store("help", help_folder / "fbnet")
    assert (report.measurements, report.orders, report.notes) == (StoreCounts(inserted=2), (), ())


def test_eagle_leaves_out_what_was_not_measured(session, store, eagle_file):
    assert store("eagle", eagle_file).measurements == StoreCounts(inserted=3)
    assert Measurements(session).lookup("mobile_dsp_int8", "nb201", _NB201) == {_NB201[0]: 1.25}
    rows = session.scalars(select(Measurement).order_by(Measurement.id)).all()
    assert [(row.statistic, row.precision, row.input_shape) for row in rows] == [
        ("mean", "int8", "3x32x32"),
        ("mean", "", ""),
        ("mean", "", ""),
    ]


def test_eagle_reads_the_gzipped_table_alike(store, eagle_file, tmp_path):
    packed = tmp_path / "packed" / "nb201_latency_ms.csv.gz"
    packed.parent.mkdir()
    packed.write_bytes(gzip.compress(eagle_file.read_bytes()))
    store("eagle", eagle_file)
    assert store("eagle", packed.parent).measurements == StoreCounts(unchanged=3)


def test_hw_nas_bench_gives_each_dataset_its_devices_and_each_metric_its_unit(session, store, hw_nas_bench_file):
    report = store("hw-nas-bench", hw_nas_bench_file)
    assert report.measurements == StoreCounts(inserted=9 * 4 - 3)
    measurements = Measurements(session)
    assert measurements.lookup("edgetpu", "nb201", _NB201) == {_NB201[1]: 0.5}
    assert measurements.lookup("fpga", "nb201", _NB201, metric="energy_mj")[_NB201[2]] == 30.0
    assert measurements.lookup("raspi4_imagenet16_120", "nb201", _NB201) == {_NB201[0]: 9.0}
    units = set(session.execute(select(Measurement.metric, Measurement.unit).distinct()).all())
    assert units == {("latency_ms", "ms"), ("energy_mj", "mJ")}


def test_help_and_hw_nas_bench_share_equal_devices_without_a_change(store, help_folder, hw_nas_bench_file):
    store("help", help_folder)
    assert store("hw-nas-bench", hw_nas_bench_file).measurements == StoreCounts(inserted=30, unchanged=3)


def test_accuracy_stores_three_datasets_and_the_order(session, store, accuracy_file):
    report = store("accuracy", accuracy_file)
    assert (report.upload_id, report.accuracies, report.orders) == (None, StoreCounts(inserted=9), ("nb201",))
    assert Accuracies(session).datasets("nb201") == ["cifar10", "cifar100", "imagenet16-120"]
    assert Accuracies(session).lookup("nb201", "cifar100", [_NB201[1]]) == {_NB201[1]: 71.5}
    assert ArchitectureIndices(session).order("nb201") == list(_NB201)


@pytest.mark.parametrize("name", IMPORTERS)
def test_second_import_changes_nothing(store, row_counts, request, name):
    path = request.getfixturevalue("help_folder" if name == "help" else f"{name.replace('-', '_')}_file")
    first = store(name, path)
    before = row_counts()
    second = store(name, path)
    assert second.measurements == StoreCounts(unchanged=first.measurements.total)
    assert second.accuracies == StoreCounts(unchanged=first.accuracies.total)
    assert second.encodings == StoreCounts(unchanged=first.encodings.total)
    assert (second.devices, second.orders) == (0, ())
    before[1] += second.upload_id is not None
    assert row_counts() == before


def test_undo_takes_an_import_back(session, store, help_folder):
    report = store("help", help_folder)
    assert report.upload_id is not None
    assert Measurements(session).undo(report.upload_id).removed == 11
    assert Devices(session).counts() == {}


def test_progress_ends_at_the_rows_done(store, help_folder):
    reports = []
    store("help", help_folder, on_progress=lambda done, total: reports.append((done, total)))
    assert reports == [(11, 11)]


def test_orders_that_disagree_are_refused_and_nothing_is_stored(store, row_counts, help_folder, accuracy_file):
    store("accuracy", accuracy_file)
    before = row_counts()
    torch.save({_NB201[1]: 0, _NB201[0]: 1, _NB201[2]: 2}, help_folder / "nasbench201" / "str_arch2idx.pt")
    with pytest.raises(ArchitectureOrderError):
        store("help", help_folder)
    assert row_counts() == before


def test_help_ofa_records_in_json_are_stored_with_their_resolution(help_folder):
    records = [{"ks": [3], "e": [6], "d": [2], "r": resolution} for resolution in (128, 224)]
    (help_folder / "ofa" / "ofa_archs.json").write_text(json.dumps(records))
    torch.save([9.0, 10.0], help_folder / "ofa" / "latency" / "titan_xp_64.pt")
    data = IMPORTERS["help"](help_folder / "ofa", lambda space, notation: f"{space} {notation['r']}")
    assert [(row.architecture, row.value, row.batch_size, row.input_shape) for row in data.measurements] == [
        ("ofa 128", 9.0, 64, "3x128x128"),
        ("ofa 224", 10.0, 64, "3x224x224"),
    ]
    assert (data.notes, data.orders) == ((), {})
    assert "Titan Xp" in data.devices["titan_xp_64"]
