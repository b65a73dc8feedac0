"""What a job's front can be had as: events while it grows, pages, files, networks."""

import asyncio
import csv
import io
import json
import zipfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack
from typing import Any

import onnx
import pyarrow.parquet as pq
import pytest
from fastapi.testclient import TestClient

from device_db import Job, Jobs
from service.held_stream import HeldStream
from service.slots import Slots
from targets import hardware_names

SIMULATED = hardware_names()[0]
BODY = {"space": "nb201", "device": SIMULATED, "algorithm": "random", "budget": {"evaluations": 300}}


@pytest.fixture(scope="module")
def ended(shared: TestClient) -> dict[str, Any]:
    answer = shared.post("/search", json=BODY | {"devices": ["bitmod-lossy"]})
    assert answer.status_code == 200, answer.text
    return answer.json()


def events(text: str) -> Iterator[dict[str, str]]:
    for block in text.strip().split("\n\n"):
        if not block.startswith(":"):
            yield dict(line.split(": ", 1) for line in block.split("\n"))


def test_events_of_a_running_search_end_with_its_end(client: TestClient):
    body = {"space": "fbnet", "device": SIMULATED, "budget": {"seconds": 2}}
    job = client.post("/search", json=body, headers={"Prefer": "respond-async"}).json()["job"]
    answer = client.get(f"/jobs/{job}/events")
    assert answer.headers["content-type"].startswith("text/event-stream")
    seen = list(events(answer.text))
    assert len(seen) > 2
    assert [event["event"] for event in seen] == ["progress"] * (len(seen) - 1) + ["end"]
    assert len({event["id"] for event in seen}) == len(seen)
    evaluations = [json.loads(event["data"])["progress"].get("evaluations", 0) for event in seen]
    assert evaluations == sorted(evaluations)
    last = json.loads(seen[-1]["data"])
    assert (last["state"], last["job"]) == ("succeeded", job)
    assert last["front_size"] == client.get(f"/jobs/{job}").json()["result"]["front_size"]


def test_events_resumed_after_the_last_one_tell_only_what_is_new(shared: TestClient, ended: dict[str, Any]):
    path = f"/jobs/{ended['job']}/events"
    (end,) = events(shared.get(path).text)
    assert end["event"] == "end"
    assert shared.get(path, headers={"Last-Event-ID": end["id"]}).status_code == 204
    (again,) = events(shared.get(path, headers={"Last-Event-ID": "running-1-32"}).text)
    assert again == end


def test_events_of_more_clients_than_there_are_streams_are_refused_until_one_leaves(serve: Callable[..., TestClient]):
    client = serve(embedded_workers=0, event_streams=1)
    job = client.post("/search", json=BODY, headers={"Prefer": "respond-async"}).json()["job"]
    path = f"/jobs/{job}/events"
    state = client.app.state.archcast  # type: ignore[attr-defined]
    with state.event_streams.slot():
        refused = client.get(path)
    assert (refused.status_code, refused.json()["type"]) == (503, "urn:archcast:problem:overloaded")
    assert "event streams" in refused.json()["detail"]
    assert int(refused.headers["Retry-After"]) >= 1
    client.delete(f"/jobs/{job}")
    for _ in range(3):  # each gives its slot back
        (end,) = events(client.get(path).text)
        assert end["event"] == "end"
    assert client.get("/jobs/none/events").status_code == 404
    with state.event_streams.slot():
        pass


def test_events_of_a_client_that_leaves_give_their_slot_back():
    slots = Slots("streams", 1, 0.0)

    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield b": ping"
            await asyncio.sleep(0.01)

    async def receive() -> dict[str, str]:
        return {"type": "http.disconnect"}

    async def send(_: Any) -> None:
        pass

    held = ExitStack()
    held.enter_context(slots.slot())
    response = HeldStream(endless(), held)
    asyncio.run(asyncio.wait_for(response({"type": "http", "asgi": {"spec_version": "2.0"}}, receive, send), 10))
    with slots.slot():
        pass


def test_events_are_followed_without_reading_the_front(client: TestClient, monkeypatch: pytest.MonkeyPatch):
    body = {"space": "fbnet", "device": SIMULATED, "budget": {"seconds": 1}}
    job = client.post("/search", json=body, headers={"Prefer": "respond-async"}).json()["job"]
    read = []
    get = Jobs.get

    def counted(jobs: Jobs, job_id: str) -> Job:
        read.append(job_id)
        return get(jobs, job_id)

    monkeypatch.setattr(Jobs, "get", counted)
    seen = list(events(client.get(f"/jobs/{job}/events").text))
    assert len(seen) > 2
    assert len(read) == 1
    assert json.loads(seen[-2]["data"])["front_size"] > 1


def test_progress_of_an_ended_job_is_what_its_result_says(client: TestClient):
    answer = client.post("/search", json=BODY).json()
    progress = client.get(f"/jobs/{answer['job']}").json()["progress"]
    (end,) = events(client.get(f"/jobs/{answer['job']}/events").text)
    for told in (progress, json.loads(end["data"])["progress"]):
        for name in ("evaluations", "seconds", "failed", "front_size"):
            assert told[name] == answer[name]


def test_events_of_an_unknown_job_are_404(shared: TestClient):
    assert shared.get("/jobs/none/events").status_code == 404


def test_front_pages_put_together_are_the_front(shared: TestClient, ended: dict[str, Any]):
    path, found, offset = f"/jobs/{ended['job']}/front", [], 0
    while offset is not None:
        page = shared.get(path, params={"offset": offset, "limit": 3}).json()
        found += page["front"]
        assert page["total"] == len(ended["front"])
        offset = page["next_offset"]
    assert found == ended["front"]
    assert shared.get(path, params={"offset": 10_000}).json()["front"] == []


def test_front_files_hold_the_same_rows(shared: TestClient, ended: dict[str, Any]):
    path = f"/jobs/{ended['job']}/front"
    assert shared.get(f"{path}.json").json() == ended["front"]
    text = shared.get(f"{path}.csv")
    assert text.headers["content-type"].startswith("text/csv")
    assert ended["job"] in text.headers["content-disposition"]
    rows = list(csv.DictReader(io.StringIO(text.text)))
    table = pq.read_table(io.BytesIO(shared.get(f"{path}.parquet").content)).to_pylist()
    assert len(rows) == len(table) == len(ended["front"])
    for entry, row, typed in zip(ended["front"], rows, table, strict=True):
        assert row["architecture"] == typed["architecture"] == entry["architecture"]
        assert float(row["lower_ms"]) == typed["lower_ms"] == entry["lower_ms"]
        of_device = entry["devices"]["bitmod-lossy"]["latency_ms"]
        assert float(row["devices.bitmod-lossy.latency_ms"]) == typed["devices.bitmod-lossy.latency_ms"] == of_device
    assert len(list(csv.DictReader(io.StringIO(shared.get(f"{path}.csv?limit=2").text)))) == 2


def test_front_networks_are_onnx_models_named_in_a_table(shared: TestClient, ended: dict[str, Any]):
    answer = shared.get(f"/jobs/{ended['job']}/front.zip", params={"limit": 2})
    assert answer.status_code == 200, answer.text
    archive = zipfile.ZipFile(io.BytesIO(answer.content))
    rows = list(csv.DictReader(io.StringIO(archive.read("front.csv").decode())))
    assert [row["architecture"] for row in rows] == [entry["architecture"] for entry in ended["front"][:2]]
    for row in rows:
        model = onnx.load_from_string(archive.read(row["file"]))
        onnx.checker.check_model(model)
        assert model.graph.name == row["architecture"]
    assert len(archive.namelist()) == 3
    assert answer.headers["Front-Total"] == str(len(ended["front"]))
    assert answer.headers["Content-Length"] == str(len(answer.content))


def test_front_networks_that_one_archive_does_not_take_come_in_the_next(shared: TestClient, ended: dict[str, Any]):
    path = f"/jobs/{ended['job']}/front.zip"
    answer = shared.get(path, params={"offset": 1, "limit": 1})
    archive = zipfile.ZipFile(io.BytesIO(answer.content))
    (row,) = csv.DictReader(io.StringIO(archive.read("front.csv").decode()))
    assert row["architecture"] == ended["front"][1]["architecture"]
    refused = shared.get(path, params={"limit": 101})
    assert refused.status_code == 422
    assert "100 networks at most" in refused.json()["errors"][0]["reason"]
    beyond = shared.get(path, params={"offset": 5_000})
    assert (beyond.status_code, beyond.json()["type"]) == (409, "urn:archcast:problem:no-front")
    rest = shared.get(f"/jobs/{ended['job']}/front.json", params={"offset": 2})
    assert rest.json() == ended["front"][2:]


def test_front_of_several_kinds_of_hardware_is_one_table(shared: TestClient):
    body = {"device": "bitmod-lossy", "objectives": ["latency_ms", "quantisation_sqnr_db"]}
    options = {"precision": {"weight_format": ["bitmod3", "int6"]}, "hardware": {"rows": [16, 32]}}
    answer = shared.post("/search", json=BODY | body | options).json()
    table = pq.read_table(io.BytesIO(shared.get(f"/jobs/{answer['job']}/front.parquet").content)).to_pylist()
    assert {row["precision.weight_format"] for row in table} <= {"bitmod3", "int6"}
    assert {row["hardware.rows"] for row in table} <= {16, 32}


def test_file_of_a_job_without_a_front_is_409_and_of_another_kind_422(shared: TestClient):
    state = shared.app.state.archcast  # type: ignore[attr-defined]
    with state.sessions.begin() as session:
        job = Jobs(session).create("search", BODY)
        Jobs(session).cancel(job.id)
    answer = shared.get(f"/jobs/{job.id}/front.csv")
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:archcast:problem:no-front")
    assert shared.get(f"/jobs/{job.id}/front.xlsx").status_code == 422
    assert shared.get(f"/jobs/{job.id}/front").json()["front"] == []
