"""Both main endpoints answer for every space that is offered."""

import numpy as np
import pytest
from fastapi.testclient import TestClient

from spaces import SPACES
from targets import hardware_names

SIMULATED = sorted(hardware_names())[0]


@pytest.mark.parametrize("name", SPACES)
def test_space_is_predicted_and_searched_on_a_simulated_device(shared: TestClient, name: str) -> None:
    space = SPACES[name]
    architectures = space.sample(3, rng=np.random.default_rng(0))
    asked = [architectures[0].key, space.decisions(architectures)[1].tolist(), architectures[2].key]
    answer = shared.post("/predict_latency", json={"space": name, "device": SIMULATED, "architectures": asked})
    assert answer.status_code == 200, answer.text
    assert [result["architecture"] for result in answer.json()["results"]] == [item.key for item in architectures]
    search = {"space": name, "device": SIMULATED, "objectives": ["macs", "latency_ms"], "budget": {"evaluations": 12}}
    answer = shared.post("/search", json=search)
    assert answer.status_code == 200, answer.text
    front = [candidate["architecture"] for candidate in answer.json()["front"]]
    assert front
    assert [space.parse(key).key for key in front] == front
