"""Options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

MAX_SEED = 2**63 - 1  # what torch's generators take

DataDir = Annotated[
    Path | None,
    typer.Option(
        "--data-dir",
        file_okay=False,
        help="Folder of the embedded database; default ARCHCAST_DATA_DIR or ./archcast-data. "
        "ARCHCAST_DATABASE_URL names another database.",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print the JSON that the HTTP API answers.")]
DeviceOption = Annotated[str, typer.Option("--device", help="Name of a registered device.")]
SpaceOption = Annotated[str, typer.Option("--space", help="Name of a search space, for example nb201 or fbnet.")]
Interval = Annotated[
    float, typer.Option("--interval", min=0.01, max=0.99, help="Probability that the latency lies between the bounds.")
]
