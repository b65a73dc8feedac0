"""What the packages import and what the project declares are the same."""

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
PACKAGES = [ROOT / package for package in PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]]
_PARTS = {"pydantic-core": "pydantic"}  # distributions that belong to another
_USED_OTHERWISE = {
    "fastapi-offline",  # its files are served
    "sympy",  # ONNX Runtime's quantiser imports it without asking for it
    "torch-geometric",  # for graphs of different size, which no space has yet
}


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def declared() -> set[str]:
    project = PROJECT["project"]
    extras = project["optional-dependencies"]
    requirements = [*project["dependencies"], *extras["measure"], *extras["plots"], *extras["server"]]
    return {normal(re.split(r"[^\w.-]", requirement)[0]) for requirement in requirements}


def imported() -> set[str]:
    """Distributions of the modules that our packages import anywhere, also inside functions."""
    modules: set[str] = set()
    for path in (path for package in PACKAGES for path in package.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                modules |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                modules.add(node.module.partition(".")[0])
    modules -= set(sys.stdlib_module_names) | {package.name for package in PACKAGES}
    distributions = packages_distributions()
    names = {normal(distributions[module][0]) for module in modules}
    return {_PARTS.get(name, name) for name in names}


def test_every_import_is_declared_and_every_declared_package_imported():
    assert imported() | _USED_OTHERWISE == declared()
