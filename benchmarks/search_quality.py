"""What a search is worth: against peers, against the true front, under limits. `--part all --write` for the whole page.

fbnet: hypervolume by evaluations and by seconds, of our algorithms, pymoo's and Optuna's (if it is installed), on
FBNet, with a front of a million evaluations as reference. front: NAS-Bench-201's true front from known accuracies or
from 78 of them, and 20 timings. limits: the best network under HELP's limits, and how often limits are broken.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before NumPy is loaded

from report import write_section
from search_fbnet import fbnet
from search_front import front
from search_limits import limits

_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


def main() -> None:
    """Prints JSON, a line per result, or rewrites a page of docs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--part", choices=["fbnet", "front", "limits", "all"], default="all")
    parser.add_argument("--data", type=Path, default=_DATA)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--reference", type=int, default=1_000_000, help="evaluations of FBNet's reference")
    parser.add_argument("--write", action="store_true")
    arguments = parser.parse_args()
    parts: dict[str, Callable[[argparse.Namespace], str]] = {"fbnet": fbnet, "front": front, "limits": limits}
    for name, part in parts.items():
        if arguments.part in (name, "all"):
            body = part(arguments)
            if arguments.write:
                write_section(f"search_{name}", body)
            print(body, flush=True)


if __name__ == "__main__":
    main()
