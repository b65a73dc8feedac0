"""`archcast accuracies` into the database at hand."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from fastapi.testclient import TestClient

Cli = Callable[..., Any]
HEADER = "space,dataset,architecture,accuracy\n"


def test_command_stores_and_lists_them_as_http_does(deployed: Cli, client: TestClient, deployment: Any, tmp_path: Path):
    path = tmp_path / "accuracies.csv"
    path.write_text(HEADER + "".join(f"nb201,cifar10,0-0-0-0-0-{last},{80 + last}\n" for last in range(3)))
    assert "would be stored: 3 inserted" in deployed("accuracies", "add", "--dry-run", str(path)).err
    assert deployed("accuracies", "add", str(path), "--json").answer["inserted"] == 3
    listed = client.get("/admin/accuracies", headers=deployment.bearer("upload")).json()
    assert deployed("accuracies", "--json").answer == listed
    assert [table["source"] for table in listed["tables"]] == ["cli"]
    path.write_text(f"{HEADER}nb201,cifar10,0-0-0-0-0-0,-1\n")
    refused = deployed("accuracies", "add", str(path))
    assert (refused.code, refused.out) == (1, "")
    assert "line 2, accuracy: '-1' is not within 0 to 100 %" in refused.err
