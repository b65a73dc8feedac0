"""The image and the composition: what they run must exist as commands, and the compose file must hold together."""

import os
import re
import shutil
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
import typer.main
import yaml

from service.cli import app

ROOT = Path(__file__).resolve().parents[1]
OUR_SERVICES = ("migrate", "api", "worker")


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    return yaml.safe_load((ROOT / "docker-compose.yml").read_text())


@pytest.fixture(scope="module")
def dockerfile() -> str:
    return (ROOT / "Dockerfile").read_text()


def options_of(command: str) -> set[str]:
    """Long options of a command; fails if there is no such command."""
    group: Any = typer.main.get_command(app)
    return {
        option for parameter in group.commands[command].params for option in parameter.opts + parameter.secondary_opts
    }


def test_image_runs_the_installed_command(dockerfile: str):
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]
    assert 'ENTRYPOINT ["archcast"]' in dockerfile
    assert "archcast" in scripts


def test_image_default_command_exists(dockerfile: str):
    [command] = re.findall(r'^CMD \["(\w+)"\]$', dockerfile, flags=re.MULTILINE)
    assert options_of(command)


def test_image_does_not_run_as_root_and_is_pinned(dockerfile: str):
    assert re.search(r"^USER archcast$", dockerfile, flags=re.MULTILINE)
    assert "PIP_CONSTRAINT=/src/constraints.txt" in dockerfile
    assert "HEALTHCHECK" in dockerfile


def test_image_spools_uploads_to_its_volume(dockerfile: str):
    [volume] = re.findall(r"^VOLUME (\S+)$", dockerfile, flags=re.MULTILINE)
    assert f"TMPDIR={volume} " in dockerfile


def test_image_copies_every_package_of_the_wheel():
    kept = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    build = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert {package.partition("/")[0] for package in build["packages"]} <= kept


@pytest.mark.parametrize("service", OUR_SERVICES)
def test_compose_command_exists(service: str, compose: dict[str, Any]):
    command, *options = compose["services"][service]["command"]
    assert set(options) <= options_of(command)


@pytest.mark.parametrize("service", OUR_SERVICES)
def test_compose_service_shares_image_without_privileges(service: str, compose: dict[str, Any]):
    described = compose["services"][service]
    assert described["image"] == compose["services"]["api"]["image"]
    assert described["user"] == "archcast"
    assert described["cap_drop"] == ["ALL"]
    assert described["read_only"] is True


def test_compose_health_check_of_worker_exists(compose: dict[str, Any]):
    kind, program, command, *options = compose["services"]["worker"]["healthcheck"]["test"]
    assert (kind, program) == ("CMD", "archcast")
    assert set(options) <= options_of(command)


@pytest.mark.parametrize("service", ["api", "worker"])
def test_compose_service_starts_after_database_and_migration(service: str, compose: dict[str, Any]):
    conditions = {name: value["condition"] for name, value in compose["services"][service]["depends_on"].items()}
    assert conditions == {"postgres": "service_healthy", "migrate": "service_completed_successfully"}


def test_compose_volumes_are_declared(compose: dict[str, Any]):
    used = {volume.partition(":")[0] for service in compose["services"].values() for volume in service["volumes"]}
    assert used == set(compose["volumes"])


def test_compose_variables_are_explained_and_no_password_is_committed(compose: dict[str, Any]):
    used = set(re.findall(r"\$\{(\w+)", (ROOT / "docker-compose.yml").read_text()))
    example = (ROOT / ".env.example").read_text()
    assert not {name for name in used if name not in example}
    assert re.search(r"^POSTGRES_PASSWORD=$", example, flags=re.MULTILINE)
    assert compose["services"]["postgres"]["environment"]["POSTGRES_PASSWORD"].startswith("${POSTGRES_PASSWORD:?")


def test_compose_file_is_accepted_by_docker():
    docker = shutil.which("docker")
    if docker is None:
        pytest.skip("docker is not installed")
    if subprocess.run([docker, "compose", "version"], capture_output=True, check=False).returncode:
        pytest.skip("docker has no compose plugin")
    environment = os.environ | {"POSTGRES_PASSWORD": "not-a-secret"}
    report = subprocess.run(
        [docker, "compose", "--file", str(ROOT / "docker-compose.yml"), "config", "--quiet"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert report.returncode == 0, report.stderr
