"""pyproject.toml, constraints.txt and environment.yml describe one and the same environment."""

import importlib.metadata
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
REQUIREMENTS = {
    canonicalize_name(wanted.name): wanted
    for wanted in map(
        Requirement, sum(PROJECT["optional-dependencies"].values(), PROJECT["dependencies"])
    )
    if wanted.name != "hgteach"  # the test tools name the extra for the site
}
PINS = {
    canonicalize_name(line.split("==")[0]): line.split("==")[1]
    for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    if line and not line.startswith("#")
}
ELSEWHERE = {"appnope", "colorama", "pywinpty"}  # installed on macOS or Windows only


@pytest.mark.parametrize("name", sorted(REQUIREMENTS))
def test_every_package_that_the_course_names_is_pinned_within_its_range(name: str) -> None:
    assert name in PINS, f"pin {name} in constraints.txt"
    assert REQUIREMENTS[name].specifier.contains(PINS[name])


def test_torch_is_at_its_pin() -> None:
    assert PINS["torch"] == "2.13.0"


@pytest.mark.parametrize("python", ["3.11.0", "3.12.0", "3.13.0", "3.14.0"])
def test_every_pin_takes_the_first_release_of_every_python_that_the_readme_names(python) -> None:
    assert python.removesuffix(".0") in (ROOT / "README.md").read_text(encoding="utf-8")
    refused = {
        name: wanted
        for name in everything_installed()
        if (wanted := importlib.metadata.metadata(name).get("Requires-Python"))
        and not SpecifierSet(wanted).contains(python)
    }
    assert not refused


def test_conda_users_get_the_same_packages_under_the_same_pins() -> None:
    conda = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    (by_pip,) = [entry["pip"] for entry in conda["dependencies"] if isinstance(entry, dict)]
    options = {line for line in by_pip if line.startswith("-")}
    assert options == {"-c constraints.txt", "-e .[test]"}
    assert {canonicalize_name(line) for line in by_pip if line not in options} == set(REQUIREMENTS)


def everything_installed() -> dict[str, str]:
    """Return the versions of all packages that hgteach and its test tools bring, at any remove."""
    todo, seen, versions = [("hgteach", frozenset({"test"}))], set(), {}
    while todo:
        name, extras = todo.pop()
        seen.add((name, extras))
        distribution = importlib.metadata.distribution(name)
        versions[name] = distribution.version.split("+")[0]  # 2.13.0+cpu is a build of 2.13.0
        for wanted in map(Requirement, distribution.requires or []):
            used = not wanted.marker or any(
                wanted.marker.evaluate({"extra": extra}) for extra in extras | {""}
            )
            step = (canonicalize_name(wanted.name), frozenset(wanted.extras))
            if used and step not in seen:
                todo.append(step)
    return versions


def test_what_is_installed_is_what_is_pinned_down_to_the_last_package() -> None:
    if Path(sys.prefix).resolve() != ROOT / ".venv":
        pytest.skip("only the environment that course.py makes is held to the pins")
    versions = everything_installed()
    del versions["hgteach"]
    # A CUDA build of torch pins its own companions.
    ours = {n: v for n, v in versions.items() if not n.startswith(("nvidia-", "cuda-", "triton"))}
    assert {n: v for n, v in ours.items() if PINS.get(n) != v} == {}, "installed, not as pinned"
    only_older = {"overrides"}  # asked for below Python 3.12
    assert set(PINS) - set(versions) - ELSEWHERE - only_older == set(), "pinned, not used"
