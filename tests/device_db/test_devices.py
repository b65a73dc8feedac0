import pytest

from device_db import (
    ConstraintError,
    DeviceExistsError,
    DeviceKind,
    DeviceNotFoundError,
    Devices,
    Measurements,
)


def test_add_then_get_returns_what_was_given(session):
    config = {"macs_per_cycle": 256, "nested": {"list": [1, 2.5, None, "x"]}}
    Devices(session).add("npu", DeviceKind.simulated, "a small NPU", target="roofline", config=config)
    session.expire_all()
    device = Devices(session).get("npu")
    assert (device.kind, device.description, device.target) == (DeviceKind.simulated, "a small NPU", "roofline")
    assert device.config == config


def test_add_with_taken_name_is_refused_and_leaves_the_transaction_usable(session):
    with pytest.raises(DeviceExistsError, match="phone"):
        Devices(session).add("phone", DeviceKind.onnx)
    assert Devices(session).get("phone").kind is DeviceKind.measured


def test_add_without_name_breaks_a_constraint(session):
    with pytest.raises(ConstraintError):
        Devices(session).add("", DeviceKind.measured)


def test_get_of_unknown_name_is_refused(session):
    with pytest.raises(DeviceNotFoundError) as caught:
        Devices(session).get("Phone")
    assert caught.value.name == "Phone"


def test_add_missing_counts_only_new_devices_and_changes_no_other(session):
    assert Devices(session).add_missing({"phone": "other text", "tv": "a set"}) == 1
    assert Devices(session).add_missing({"phone": "other text", "tv": "a set"}) == 0
    assert Devices(session).add_missing({}) == 0
    assert Devices(session).get("phone").description == ""


def test_list_is_sorted_in_byte_order_and_filters(session, row):
    Devices(session).add("Zebra", DeviceKind.simulated)
    Devices(session).add("a_b", DeviceKind.simulated)
    measurements = Measurements(session)
    measurements.store(measurements.begin_upload("u", "s"), [row(device="board", space="x")])
    names = [device.name for device in Devices(session).list()]
    assert names == sorted(names) == ["Zebra", "a_b", "board", "phone"]
    assert [device.name for device in Devices(session).list(DeviceKind.simulated)] == ["Zebra", "a_b"]
    assert [device.name for device in Devices(session).list(space="x")] == ["board"]
    assert Devices(session).list(DeviceKind.simulated, space="x") == []


def test_counts_are_of_current_measurements_of_one_metric(session, row):
    measurements = Measurements(session)
    energy = row("a", device="board", metric="energy_mj", unit="mJ")
    first = measurements.begin_upload("u", "s")
    measurements.store(first, [row("a"), row("b"), row("a", space="t"), row("a", device="board"), energy])
    measurements.store(measurements.begin_upload("u", "s"), [row("a", 2.0)])
    assert Devices(session).counts() == {"phone": {"s": 2, "t": 1}, "board": {"s": 1}}
    assert Devices(session).counts(["board"], metric="energy_mj") == {"board": {"s": 1}}
    assert Devices(session).counts([]) == {}
    measurements.undo(first.id)
    assert Devices(session).counts() == {"phone": {"s": 1}}
