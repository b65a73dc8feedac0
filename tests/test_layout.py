"""The repository's shape: folders, import contracts, what a wheel carries, and what must not be committed."""

import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = (
    "service",
    "predictors",
    "encodings/arch_encodings",
    "device_db",
    "migrations",
    "tests",
    "spaces",
    "spaces/networks",
    "targets",
    "search",
    "benchmarks",
    "docs",
)
FILES = (
    ".ci/run",
    "CONTRIBUTING.md",
    "Dockerfile",
    "LICENSE",
    "Makefile",
    "NOTICE",
    "README.md",
    "constraints.txt",
    "docker-compose.yml",
    "pyproject.toml",
)
MAX_BYTES = 1024 * 1024
# Homes and build machines, spelled so that this file does not match itself.
MACHINE_PATH = re.compile(rb"(?<![\w.$}/-])/(?:work|root|home|Users)/[\w.-]+")


@pytest.fixture(scope="module")
def tracked_files() -> list[Path]:
    listing = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listing.returncode:
        pytest.skip(f"not a git checkout: {listing.stderr.strip()}")
    return [path for name in listing.stdout.split("\0") if name and (path := ROOT / name).is_file()]


@pytest.fixture(scope="module")
def wheel_names(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    directory = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(directory)],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    [wheel] = directory.glob("*.whl")
    return set(zipfile.ZipFile(wheel).namelist())


@pytest.mark.parametrize("folder", FOLDERS)
def test_layout_folder_exists(folder: str):
    assert (ROOT / folder).is_dir()


@pytest.mark.parametrize("name", FILES)
def test_layout_file_exists_and_says_something(name: str):
    assert (ROOT / name).stat().st_size > 100


def test_python_with_repository_on_path_starts():
    """A top-level package `encodings` would shadow Python's own and stop the interpreter."""
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, "-c", "pass"], cwd=ROOT, env=environment, check=True)
    assert not (ROOT / "encodings" / "__init__.py").exists()


def test_import_contracts_are_kept():
    command = [str(Path(sys.executable).with_name("lint-imports"))]
    report = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert report.returncode == 0, report.stdout


@pytest.mark.parametrize(
    "package",
    [
        "service",
        "service/cli",
        "predictors",
        "arch_encodings",
        "device_db",
        "migrations",
        "spaces",
        "targets",
        "search",
    ],
)
def test_wheel_carries_package(package: str, wheel_names: set[str]):
    assert f"{package}/__init__.py" in wheel_names


@pytest.mark.parametrize("pattern", ["migrations/versions/*.py", "targets/hardware/*.yaml", "device_db/timings/*"])
def test_wheel_carries_every_data_file(pattern: str, wheel_names: set[str]):
    expected = {path.relative_to(ROOT).as_posix() for path in ROOT.glob(pattern)}
    assert expected
    assert expected <= wheel_names


def test_wheel_carries_licence_and_command(wheel_names: set[str]):
    endings = ("licenses/LICENSE", "licenses/NOTICE", "entry_points.txt")
    assert all(any(name.endswith(ending) for name in wheel_names) for ending in endings)


def test_wheel_carries_no_tests(wheel_names: set[str]):
    assert not [name for name in wheel_names if name.startswith(("tests/", "benchmarks/", "encodings/"))]


def test_tracked_files_are_small(tracked_files: list[Path]):
    assert not [str(path) for path in tracked_files if path.stat().st_size > MAX_BYTES]


def test_tracked_files_name_no_path_of_a_machine(tracked_files: list[Path]):
    found = {
        path.relative_to(ROOT).as_posix(): match.group().decode()
        for path in tracked_files
        if (match := MACHINE_PATH.search(path.read_bytes()))
    }
    assert not found


def test_constraints_are_exact_versions():
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pins = [line for line in lines if line and not line.startswith("#")]
    assert not [pin for pin in pins if not re.fullmatch(r"[\w.-]+==[\w.]+", pin)]
    assert "torch==2.13.0" in pins
