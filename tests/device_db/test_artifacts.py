import threading
from datetime import timedelta

import pytest
from sqlalchemy.exc import InvalidRequestError

import device_db
from device_db import ArtifactNotFoundError, Artifacts, DeviceKind, DeviceNotFoundError, Devices
from device_db.column_types import utc_now


def _add(session, device="phone", space="s", blob=b"\x00\xff", samples=20):
    return Artifacts(session).add(device, space, "cost_linear", samples, blob, {"seed": 1, "rows": [1, 2]})


def test_add_counts_versions_by_device_and_space(session):
    assert [_add(session).version, _add(session).version] == [1, 2]
    assert _add(session, device="board").version == 1
    assert _add(session, space="t").version == 1


def test_latest_is_the_newest_with_its_manifest_and_device(session):
    _add(session, samples=5)
    _add(session, samples=6, blob=b"new")
    session.expire_all()
    artifact = Artifacts(session).latest("phone", "s")
    assert artifact is not None
    assert (artifact.version, artifact.samples, artifact.device.name) == (2, 6, "phone")
    assert artifact.manifest == {"seed": 1, "rows": [1, 2]}
    assert Artifacts(session).load_blob(artifact) == b"new"
    assert Artifacts(session).latest_version("phone", "s") == 2


def test_blob_is_not_loaded_by_accident(session):
    _add(session)
    session.expunge_all()
    artifact = Artifacts(session).latest("phone", "s")
    assert artifact is not None
    with pytest.raises(InvalidRequestError):
        _ = artifact.blob


def test_latest_without_any_is_none(session):
    assert Artifacts(session).latest("phone", "s") is None
    assert Artifacts(session).latest_version("phone", "s") is None
    assert Artifacts(session).latest("toaster", "s") is None


def test_get_returns_an_old_version_and_refuses_an_unknown_one(session):
    _add(session, blob=b"old")
    _add(session)
    assert Artifacts(session).load_blob(Artifacts(session).get("phone", "s", 1)) == b"old"
    with pytest.raises(ArtifactNotFoundError) as caught:
        Artifacts(session).get("phone", "s", 3)
    assert caught.value.version == 3


def test_list_has_the_latest_of_each_device_by_name(session):
    _add(session)
    _add(session)
    _add(session, device="board")
    _add(session, space="t")
    found = [(artifact.device.name, artifact.version) for artifact in Artifacts(session).list("s")]
    assert found == [("board", 1), ("phone", 2)]


def test_add_for_unknown_device_is_refused(session):
    with pytest.raises(DeviceNotFoundError):
        _add(session, device="toaster")


def test_retire_takes_every_version_out_of_use_but_keeps_them_readable(session):
    _add(session)
    _add(session)
    _add(session, device="board")
    artifacts = Artifacts(session)
    assert artifacts.retire("phone", "s") == 2
    assert artifacts.retire("phone", "s") == 0
    assert artifacts.latest("phone", "s") is None
    assert artifacts.latest_version("phone", "s") is None
    assert [artifact.device.name for artifact in artifacts.list("s")] == ["board"]
    assert artifacts.get("phone", "s", 2).retired_at is not None
    assert _add(session).version == 3


def test_concurrent_adds_take_different_versions(engine):
    factory = device_db.session_factory(engine)
    with factory.begin() as session:
        Devices(session).add("phone", DeviceKind.measured)
    versions = []

    def add() -> None:
        for _ in range(5):
            with factory.begin() as session:
                versions.append(_add(session).version)

    threads = [threading.Thread(target=add) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(versions) == list(range(1, 21))


def test_prune_leaves_the_newest_and_what_is_young(session):
    for _ in range(4):
        _add(session)
    _add(session, device="board")
    _add(session, space="t")
    artifacts = Artifacts(session)
    assert artifacts.prune(1, utc_now() - timedelta(days=1)) == 0
    assert artifacts.prune(3, utc_now() + timedelta(days=1)) == 1
    assert artifacts.versions("phone", "s") == [2, 3, 4]
    artifacts.retire("phone", "s")
    assert artifacts.prune(0, utc_now() + timedelta(days=1)) == 2
    assert artifacts.versions("phone", "s") == [4]
    assert (artifacts.versions("board", "s"), artifacts.versions("phone", "t")) == ([1], [1])
    assert _add(session).version == 5
