"""Cell counts of Yosys, and the limits of its process."""

import csv
import os
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from targets.fpga import yosys
from targets.fpga.circuit import Circuit
from targets.fpga.errors import SynthesisCancelledError, SynthesisError, ToolMissingError
from targets.fpga.options import Options
from targets.fpga.primitives import GemmTreeFullyUnrolled
from targets.fpga.synthesis import FLOWS, synthesise
from targets.fpga.verilog import generate
from targets.fpga.weights import csd_digits, popcount, seeded_weights

pytest.importorskip("pyosys")


def _tree(sparsity: float, options: Options | None = None, inner: int = 8, columns: int = 1) -> Circuit:
    layer = GemmTreeFullyUnrolled(1, inner, columns)
    options = options or Options(weight_bits=2, activation_bits=2)
    rng = np.random.default_rng(0)
    weights = seeded_weights(layer.weight_shape, bits=options.weight_bits, sparsity=sparsity, rng=rng)
    return generate(layer, weights, options)


@pytest.mark.parametrize("flow", ["lut4", "ice40", "intel_alm"])
def test_registers_of_a_pipelined_tree_are_those_of_its_stages(flow: str):
    layer = GemmTreeFullyUnrolled(1, 2, 1)
    result = synthesise(generate(layer, [[1], [1]], Options(2, 2)), flow)
    assert result.flip_flops == 2 * 2 + 2 * 2 + 3  # inputs, products, their sum
    assert result.luts + result.arithmetic_cells > 0


def test_combinational_tree_has_no_registers_and_smaller_luts_take_more():
    circuit = _tree(0.0, Options(3, 3, pipelined=False))
    small, large = (synthesise(circuit, flow) for flow in ("lut4", "lut6"))
    assert small.flip_flops == large.flip_flops == 0
    assert small.luts > large.luts
    assert small.depth >= large.depth > 1


def test_weights_of_zero_take_nothing():
    dense, sparse, empty = (synthesise(_tree(sparsity), "lut6") for sparsity in (0.0, 0.5, 1.0))
    assert dense.luts > sparse.luts > 0
    assert dense.flip_flops > sparse.flip_flops > 0
    assert (empty.luts, empty.flip_flops, empty.depth) == (0, 0, 0)


def test_synthesis_beyond_its_time_is_ended_with_its_children(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    child = "import subprocess; p = subprocess.Popen(['sleep', '60']); print(p.pid, flush=True); p.wait()"
    monkeypatch.setattr(yosys, "_CHILD", child)
    with pytest.raises(SynthesisError, match="within 1 s"):
        yosys.run_yosys(tmp_path, "", timeout_s=1)
    pid = int((tmp_path / "log.txt").read_text())
    deadline = time.monotonic() + 10
    while _is_running(pid) and time.monotonic() < deadline:
        threading.Event().wait(0.02)
    assert not _is_running(pid)


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except (ProcessLookupError, FileNotFoundError):
        return False


def test_synthesis_is_stopped_when_somebody_says_so(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(yosys, "_CHILD", "import time; time.sleep(60)")
    with pytest.raises(SynthesisCancelledError):
        synthesise(_tree(0.5), "lut6", is_cancelled=lambda: True)


def test_faulty_script_tells_what_yosys_said(tmp_path: Path):
    with pytest.raises(SynthesisError, match="no_such_command"):
        yosys.run_yosys(tmp_path, "no_such_command\n")


def test_missing_yosys_names_the_extra(monkeypatch: pytest.MonkeyPatch):
    def missing(name: str) -> str:
        raise yosys.PackageNotFoundError(name)

    monkeypatch.setattr(yosys, "version", missing)
    with pytest.raises(ToolMissingError, match=r"archcast\[fpga\]"):
        synthesise(_tree(0.5), next(iter(FLOWS)))


@pytest.mark.data
@pytest.mark.parametrize(("bits", "sparsity"), [(2, 0.0), (4, 0.5), (4, 0.9)])
@pytest.mark.parametrize("flow", ["lut4", "lut6"])
def test_luts_per_digit_are_at_most_those_measured_with_plain_sums(
    goldens_dir: Path, flow: str, bits: int, sparsity: float
):
    """The golden circuits, without signs folded into the adders, were mapped by an older Yosys: within a half."""
    with (goldens_dir / "fpga_yosys_unrolled.csv").open(newline="") as file:
        (golden,) = [
            row
            for row in csv.DictReader(file)
            if (row["N_out"], row["L_in"], row["act_bits=w_bits"]) == ("2", "32", str(bits))
            and (float(row["sparsity"]), row["flow"], row["pipelined"]) == (sparsity, flow, "False")
        ]
    circuit = _tree(sparsity, Options(bits, bits, pipelined=False), inner=32, columns=2)
    assert popcount(circuit.weights) >= csd_digits(circuit.weights)
    found = synthesise(circuit, flow).luts / csd_digits(circuit.weights)
    expected = float(golden["luts"]) / float(golden["csd_digits"])
    assert 0.5 < found / expected < 1.2
