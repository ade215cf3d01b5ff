"""What is shipped is what is here, and what is installed is pinned."""

import os
import re
import subprocess
import tomllib

import pytest

from tests.architecture.source import ROOT, sources

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PINNED = set(re.findall(r"^([\w-]+)==", (ROOT / "requirements.lock").read_text(encoding="ascii"), re.M))


def _wanted() -> list[str]:
    extras = PROJECT["project"]["optional-dependencies"].values()
    every = [*PROJECT["project"]["dependencies"], *(entry for extra in extras for entry in extra)]
    names = {re.sub(r"[_.]", "-", re.match(r"[\w.-]+", entry)[0].lower()) for entry in every}  # type: ignore[index]
    return sorted(names - {"placement-scheduler"})


def test_every_package_is_shipped() -> None:
    inits = [source for source in sources("scheduler", "placement_client") if source.path.endswith("__init__.py")]
    assert sorted(PROJECT["tool"]["setuptools"]["packages"]) == sorted(source.module for source in inits)


def test_every_directory_with_modules_is_a_package() -> None:
    directories = {source.path.rpartition("/")[0] for source in sources("scheduler", "placement_client", "demo")}
    assert [name for name in sorted(directories) if not (ROOT / name / "__init__.py").exists()] == []


@pytest.mark.parametrize("name", _wanted())
def test_every_dependency_is_pinned(name: str) -> None:
    assert name in PINNED


def test_help_names_every_target() -> None:
    quiet = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}  # make runs the tests
    done = subprocess.run(["make", "help"], cwd=ROOT, env=quiet, capture_output=True, text=True, check=True)
    listed = [line.split()[1] for line in done.stdout.splitlines()]
    assert listed == [
        "help",
        "demo",
        "demo-server",
        "test",
        "faults",
        "canaries",
        "fuzz",
        "parity",
        "bench",
        "bench-quick",
        "bench-micro",
        "bench-rules",
        "bench-burst",
        "bench-growth",
        "bench-profile",
        "soak",
        "lint",
        "sample",
        "lock",
        "security",
        "wheel",
        "sbom",
        "clean",
    ]


def test_an_old_python_is_refused_in_words(tmp_path) -> None:
    """The check comes first, so that nothing is half installed."""
    for name in ("Makefile", "pyproject.toml", "requirements.lock"):
        (tmp_path / name).write_bytes((ROOT / name).read_bytes())
    done = subprocess.run(["make", "demo", "PYTHON=false"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "Python 3.11 or newer is needed" in done.stderr
    assert not (tmp_path / ".venv").exists()
