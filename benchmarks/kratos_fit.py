"""Fits the model of areas to synthesised and routed circuits: `python benchmarks/kratos_fit.py --write`."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime
from pathlib import Path

from report import markdown_table, write_section

from targets.fpga.area import AreaModel, model_to_json
from targets.fpga.area_fit import fit_area_model, read_samples, samples_digest, with_unknown_weights

_FOLDER = Path(__file__).resolve().parents[1] / "targets" / "fpga"
_SAMPLES, _ROUTED, _MODEL = (
    _FOLDER / name for name in ("synthesis_samples.csv", "routed_samples.csv", "area_model.json")
)
_HEADER = ["of", "left out", "rows", "median", "90 % below", "bias", "90 % intervals hold"]


def main() -> None:
    """Prints the errors; with --write keeps the model and rewrites docs/benchmarks.md."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=Path, default=_SAMPLES)
    parser.add_argument("--routed", type=Path, default=_ROUTED)
    parser.add_argument("--write", action="store_true")
    arguments = parser.parse_args()
    facts = {
        "samples_sha256": samples_digest(arguments.samples, arguments.routed),
        "command": "python benchmarks/kratos_fit.py --write",
        "date": datetime.now(UTC).date().isoformat(),
    }
    samples, routed = read_samples(arguments.samples), read_samples(arguments.routed)
    model = with_unknown_weights(fit_area_model(samples, routed, facts), samples)
    body = _section(model)
    print(body)
    if arguments.write:
        _MODEL.write_text(model_to_json(model), encoding="utf-8")
        write_section("kratos_fit", body)


def _section(model: AreaModel) -> str:
    known = model.provenance
    rows = [
        [
            name,
            scheme,
            f"{error['rows']}",
            *(f"{error[part]:.1%}" for part in ("median", "ninety")),
            f"{error['bias']:+.1%}",
            f"{error['within_90_percent']:.0%}",
        ]
        for name, errors in known["errors"].items()
        for scheme, error in errors.items()
    ]
    return f"""### Unrolled layers: the fitted model

Relative errors of the model of cells, levels and delays (`targets.fpga.area`) on circuits that it was not fitted to:
five folds of `circuits`; `primitives` and `weight widths`, each left out in turn; the `largest third`, asked of a fit
to the others. `weights unknown` are predictions from shape, width and sparsity alone. LUTs are by flow, pipelined
unless they are called combinational; `levels` are LUTs on the longest path, `delay_ns` is that of circuits that nextpnr
routed on an iCE40 HX8K. The interval is the same for all: what the folds left. {known["samples"]} rows were
synthesised, {known["routed"]} routed, by {" and ".join(known["tools"])}.

{markdown_table(_HEADER, rows)}"""


if __name__ == "__main__":
    main()
