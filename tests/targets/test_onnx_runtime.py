"""The timing program: its statistics against what is known of them, its timings against each other."""

import json
import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from targets import onnx_runtime
from targets.onnx_runtime import TimingSettings, UntimedError, median_ranks, summarise, time_model

QUICK = {"warmup_s": 0.0, "max_s": 0.05, "half_width": 0.5, "profiled_runs": 3}


def conv_model(path: Path, size: int, batch: int | str = 1) -> Path:
    rng = np.random.default_rng(0)
    weights = {name: rng.standard_normal((16, 16, 3, 3)).astype(np.float32) for name in ("w", "v")}
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["a"], name="first", pads=[1] * 4),
        helper.make_node("Relu", ["a"], ["b"], name="relu"),
        helper.make_node("Conv", ["b", "v"], ["y"], name="second", pads=[1] * 4),
    ]
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [batch, 16, size, size])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [batch, 16, size, size])],
        [numpy_helper.from_array(value, name) for name, value in weights.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    path.write_bytes(model.SerializeToString())
    return path


@pytest.mark.parametrize("count", [20, 51, 200, 1001])
def test_interval_of_the_median_holds_as_often_as_it_says(count: int):
    """Of a skewed distribution: the binomial probability that the median lies between the two ranks."""
    low, high = median_ranks(count)
    inside = sum(math.comb(count, below) for below in range(low + 1, high + 1)) / 2**count
    assert 0.95 <= inside < 0.999
    assert 0 <= low < high <= count - 1


def test_interval_of_few_runs_is_all_of_them():
    assert median_ranks(5) == (0, 4)


def test_summary_of_runs_has_their_order_statistics():
    runs = [float(value) for value in np.random.default_rng(0).permutation(101)]
    summary = summarise(runs, 0.5)
    assert (summary["median_ms"], summary["mean_ms"], summary["runs"]) == (50.0, 50.0, 101)
    assert (summary["p10_ms"], summary["p90_ms"]) == (10.0, 90.0)
    assert summary["lower_ms"] < 50 < summary["upper_ms"]
    assert summary["is_settled"]
    assert not summarise(runs, 0.01)["is_settled"]


def test_timing_has_its_conditions_and_the_parts_of_its_kernels(tmp_path: Path):
    timing = time_model(conv_model(tmp_path / "m.onnx", 16), TimingSettings(**QUICK, min_runs=20))
    assert timing["lower_ms"] <= timing["median_ms"] <= timing["upper_ms"]
    assert timing["runs"] >= 20
    assert timing["input_shapes"] == {"x": [1, 16, 16, 16]}
    assert sum(kernel["latency_ms"] for kernel in timing["kernels"]) == pytest.approx(timing["median_ms"])
    assert [kernel["op"] for kernel in timing["kernels"]].count("Conv") == 2
    assert timing["machine"]["runtime"] == "onnxruntime-cpu"
    assert {"cpu", "cores", "governor", "load_1min", "load_1min_after", "runtime_version"} <= timing["machine"].keys()
    assert timing["settings"]["threads"] == 1
    assert [path.name for path in tmp_path.iterdir()] == ["m.onnx"]
    json.dumps(timing)


def test_larger_network_takes_longer(tmp_path: Path):
    """Sixty-four times the work; on the busiest machine the least of the runs still tell."""
    least = [
        min(
            time_model(conv_model(tmp_path / f"{size}.onnx", size), TimingSettings(**QUICK))["p10_ms"] for _ in range(2)
        )
        for size in (16, 128)
    ]
    assert least[1] > 2 * least[0]


def test_int8_runs_quantised_kernels(tmp_path: Path):
    timing = time_model(conv_model(tmp_path / "m.onnx", 16), TimingSettings(**QUICK, precision="int8"))
    assert "QLinearConv" in {kernel["op"] for kernel in timing["kernels"]}


def test_int8_of_an_old_file_that_lists_its_weights_as_inputs(tmp_path: Path):
    """And makes them of equal constants, as the ONNX package's light models do."""
    shapes = [helper.make_tensor(name, TensorProto.INT64, [4], [16, 16, 3, 3]) for name in ("s", "t")]
    value = helper.make_tensor("value", TensorProto.FLOAT, [1], [0.5])
    graph = helper.make_graph(
        [
            helper.make_node("ConstantOfShape", ["s"], ["v"], value=value),
            helper.make_node("ConstantOfShape", ["t"], ["w"], value=value),
            helper.make_node("Conv", ["x", "v"], ["a"], pads=[1, 1, 1, 1]),
            helper.make_node("Conv", ["a", "w"], ["y"], pads=[1, 1, 1, 1]),
        ],
        "old",
        [
            helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 16, 16, 16]),
            *(helper.make_tensor_value_info(shape.name, TensorProto.INT64, [4]) for shape in shapes),
        ],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 16, 16, 16])],
        shapes,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 9)], ir_version=3)
    (tmp_path / "old.onnx").write_bytes(model.SerializeToString())
    timing = time_model(tmp_path / "old.onnx", TimingSettings(**QUICK, precision="int8"))
    assert "QLinearConv" in {kernel["op"] for kernel in timing["kernels"]}


def test_open_dimension_is_bound_or_refused(tmp_path: Path):
    path = conv_model(tmp_path / "m.onnx", 8, batch="batch")
    with pytest.raises(UntimedError, match="batch"):
        time_model(path, TimingSettings(**QUICK))
    bound = time_model(path, TimingSettings(**QUICK, dimensions={"batch": 3}))
    assert bound["input_shapes"] == {"x": [3, 16, 8, 8]}


def test_program_by_itself_answers_json_and_says_what_it_cannot_time(tmp_path: Path):
    """From its file alone, in a folder of its own, with nothing of this project on the path."""
    program = tmp_path / "copied.py"
    program.write_bytes(Path(onnx_runtime.__file__).read_bytes())

    def run(file: Path) -> dict[str, Any]:
        command = [sys.executable, "-P", str(program), str(file)]
        settings = json.dumps(QUICK)
        environment = {"PATH": "/usr/bin:/bin"}
        done = subprocess.run(
            command, input=settings, capture_output=True, text=True, cwd=tmp_path, env=environment, check=True
        )
        return json.loads(done.stdout)

    assert run(conv_model(tmp_path / "m.onnx", 8))["median_ms"] > 0
    (tmp_path / "bad.onnx").write_bytes(b"no model")
    assert "ONNX Runtime refuses bad.onnx" in run(tmp_path / "bad.onnx")["error"]
