"""`archcast synthesise`: what a layer takes when it is unrolled on FPGA fabric, counted by a synthesis tool."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from service.cli.options import DataDir
from service.cli.output import print_answer, print_table, say

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from service.schemas.synthesis import SynthesisAnswer, SynthesisRequest

_FORMATS = ("table", "csv", "json")
_COLUMNS = (
    "flow",
    "luts",
    "arithmetic_cells",
    "flip_flops",
    "depth",
    "logic_cells",
    "fmax_mhz",
    "seconds",
    "tool",
    "tool_version",
)
_CIRCUIT_COLUMNS = ("circuit_hash", "latency_cycles", "initiation_interval", "output_bits")


def synthesise(
    primitive: Annotated[str, typer.Argument(help="For example gemmt-fu, conv1d-pw or conv2d-rp.")],
    rows: Annotated[int | None, typer.Option("--rows", help="Of activations, of a matrix product.")] = None,
    inner: Annotated[int | None, typer.Option("--inner", help="Values that an output of it sums.")] = None,
    columns: Annotated[int | None, typer.Option("--columns", help="Of its weights.")] = None,
    width: Annotated[int | None, typer.Option("--width", help="Of a convolution's input.")] = None,
    height: Annotated[int | None, typer.Option("--height")] = None,
    channels: Annotated[int | None, typer.Option("--channels")] = None,
    filter_size: Annotated[int | None, typer.Option("--filter")] = None,
    out_channels: Annotated[int | None, typer.Option("--out-channels")] = None,
    stride: Annotated[int | None, typer.Option("--stride")] = None,
    weights: Annotated[
        Path | None,
        typer.Option("--weights", exists=True, dir_okay=False, help="Quantised weights as a .npy file."),
    ] = None,
    sparsity: Annotated[float, typer.Option("--sparsity", help="Fraction of zeros among seeded weights.")] = 0.0,
    seed: Annotated[int, typer.Option("--seed", min=0)] = 0,
    weight_bits: Annotated[int, typer.Option("--weight-bits", "--w-bits")] = 4,
    activation_bits: Annotated[int, typer.Option("--activation-bits", "--a-bits")] = 4,
    signed: Annotated[bool, typer.Option("--signed", help="Activations in two's complement.")] = False,
    encoding: Annotated[str, typer.Option("--encoding", help="csd or plain.")] = "csd",
    combinational: Annotated[bool, typer.Option("--combinational", help="Without pipeline registers.")] = False,
    flows: Annotated[
        list[str] | None,
        typer.Option("--flow", help="lut4, lut5, lut6, ice40, xc7, intel_alm or ice40_route; repeatable."),
    ] = None,
    verilog: Annotated[
        Path | None,
        typer.Option("--verilog", dir_okay=False, help="Write the circuit; without --flow no tool runs."),
    ] = None,
    output_format: Annotated[str, typer.Option("--format", help="table, csv or json.")] = "table",
    data_dir: DataDir = None,
) -> None:
    """Synthesise a layer of Kratos with constant weights. The database keeps the result, so that it runs once."""
    if output_format not in _FORMATS:
        raise typer.BadParameter(f"{output_format!r} is none of {', '.join(_FORMATS)}", param_hint="--format")

    from service.cli.failures import CommandError
    from service.cli.requests import build
    from service.schemas.synthesis import SynthesisRequest
    from service.use_cases.build_circuit import build_circuit, primitive_of
    from service.use_cases.synthesise import answer_of

    sizes = {
        "rows": rows,
        "inner": inner,
        "columns": columns,
        "width": width,
        "height": height,
        "channels": channels,
        "filter": filter_size,
        "out_channels": out_channels,
        "stride": stride,
    }
    given = _read_weights(weights) if weights else None
    request = build(
        SynthesisRequest,
        primitive=primitive,
        **sizes,
        weights=None if given is None else given.ravel().tolist(),
        sparsity=sparsity,
        seed=seed,
        weight_bits=weight_bits,
        activation_bits=activation_bits,
        signed_activations=signed,
        encoding=encoding,
        pipelined=not combinational,
        flows=flows or ["lut6"],
    )
    if given is not None and given.ndim > 1 and given.shape != (shape := primitive_of(request).weight_shape):
        raise CommandError(f"{weights} holds an array of shape {given.shape}; weights of {primitive} have {shape}")
    if verilog:
        circuit = build_circuit(request)
        verilog.write_text(circuit.verilog, encoding="utf-8")
        if not flows:
            _print_written(verilog, answer_of(request, circuit, []), output_format)
            return
    _print(_run(request, data_dir), output_format)


def _run(request: SynthesisRequest, data_dir: Path | None) -> SynthesisAnswer:
    from service.cli.progress import progress
    from service.cli.workspace import open_workspace
    from service.use_cases.synthesise import check_tools
    from service.use_cases.synthesise import synthesise as run

    check_tools(request)
    with open_workspace(data_dir) as workspace, progress("flows") as show:

        def report(done: int, total: int) -> bool:
            show(done, total)
            return False

        return run(workspace.sessions, workspace.settings, request, on_progress=report)


def _read_weights(path: Path) -> NDArray[np.int64]:
    import numpy as np

    from service.cli.failures import CommandError

    try:
        array = np.load(path, allow_pickle=False)
    except (ValueError, EOFError) as error:
        raise CommandError(f"{path} is no .npy file of numbers") from error
    if not isinstance(array, np.ndarray) or array.dtype.kind not in "iuf":
        raise CommandError(f"{path} holds no array of numbers")
    if not np.isfinite(array).all() or np.abs(array.astype(np.float64)).max(initial=0) > np.iinfo(np.int32).max:
        raise CommandError(f"{path} holds numbers that are too large for a weight, or none at all")
    if not np.array_equal(array, np.trunc(array)):
        raise CommandError(f"{path} holds fractions; weights must be quantised to integers")
    return array.astype(np.int64)


def _print_written(path: Path, answer: SynthesisAnswer, output_format: str) -> None:
    """The file with its circuit, where no flow runs."""
    if output_format == "json":
        print_answer(answer)
        return
    row = {"verilog": path, **{column: getattr(answer, column) for column in _CIRCUIT_COLUMNS}}
    if output_format == "csv":
        _print_csv([list(row), list(row.values())])
    else:
        print_table(list(row), [list(row.values())])


def _print_csv(rows: Iterable[Sequence[object]]) -> None:
    import csv
    import sys

    csv.writer(sys.stdout, lineterminator="\n").writerows(rows)


def _print(answer: SynthesisAnswer, output_format: str) -> None:
    if output_format == "json":
        print_answer(answer)
        return
    rows = [result.model_dump() for result in answer.results]
    if output_format == "csv":
        found = ([answer.primitive, answer.circuit_hash, *(row[column] for column in _COLUMNS)] for row in rows)
        _print_csv([["primitive", "circuit_hash", *_COLUMNS], *found])
        return
    shown = [column for column in _COLUMNS if any(row[column] is not None for row in rows)]
    print_table(shown, [["" if row[column] is None else row[column] for column in shown] for row in rows])
    say(
        f"{answer.primitive}: {answer.nonzero_weights:,} weights other than zero with {answer.csd_digits:,} digits, "
        f"{answer.multiply_cores:,} sums of products; {answer.latency_cycles:,} cycles to the last output, a layer "
        f"every {answer.initiation_interval:,}"
    )
