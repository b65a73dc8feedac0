"""Fits the model of areas to the synthesised circuits: `python benchmarks/kratos_fit.py --write`."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime
from pathlib import Path

from report import markdown_table, write_section

from targets.fpga.area import AreaModel, model_to_json
from targets.fpga.area_fit import fit_area_model, read_samples, samples_digest

_FOLDER = Path(__file__).resolve().parents[1] / "targets" / "fpga"
_SAMPLES, _MODEL = _FOLDER / "synthesis_samples.csv", _FOLDER / "area_model.json"


def main() -> None:
    """Prints the errors; with --write keeps the model and rewrites docs/benchmarks.md."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=Path, default=_SAMPLES)
    parser.add_argument("--write", action="store_true")
    arguments = parser.parse_args()
    facts = {
        "samples_sha256": samples_digest(arguments.samples),
        "command": "python benchmarks/kratos_fit.py --write",
        "date": datetime.now(UTC).date().isoformat(),
    }
    model = fit_area_model(read_samples(arguments.samples), facts)
    body = _section(model)
    print(body)
    if arguments.write:
        _MODEL.write_text(model_to_json(model), encoding="utf-8")
        write_section("kratos_fit", body)


def _section(model: AreaModel) -> str:
    names = ("circuits", "median", "mean", "median_of_larger", "within_90_percent")
    rows = [
        [flow, f"{error['circuits']}", *(f"{error[name]:.0%}" for name in names[1:])]
        for flow, error in model.provenance["errors"].items()
    ]
    header = ["cells", "circuits", "median error", "mean error", "median, larger", "90 % intervals hold"]
    return f"""### Area of unrolled layers: the fitted model

Relative error of the model of LUTs and flip-flops (`targets.fpga.area`) on circuits that it was not fitted to, five
folds of circuits; `larger`: fitted to the smaller two thirds of the circuits, asked for the others. The
{model.provenance["samples"]} rows were synthesised by {" and ".join(model.provenance["tools"])}.

{markdown_table(header, rows)}"""


if __name__ == "__main__":
    main()
