"""Where the time of an import goes: what Python says of each module, by package."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from statistics import median

from benchmarks.profile.rooms import ELSEWHERE, added_up
from benchmarks.results import ROOT

START = "import time:"


def by_package(python: Path, rounds: int) -> Mapping[str, float]:
    """Return the milliseconds that modules of each package take without what they import, the most first; medians.

    ``python`` is the interpreter that imports the library.
    """
    found = [packages_of(_said(python)) for _ in range(rounds)]
    packages = {package for one in found for package in one}
    return added_up((package, median(one.get(package, 0.0) for one in found)) for package in packages)


def packages_of(said: str) -> Mapping[str, float]:
    """Return the milliseconds of each package in what ``python -X importtime`` said."""
    return added_up(_shares(said))


def _shares(said: str) -> Iterator[tuple[str, float]]:
    for line in said.splitlines():
        own, _, module = line.removeprefix(START).partition("|")
        if line.startswith(START) and own.strip().isdigit():
            package = module.rpartition("|")[2].strip().partition(".")[0]
            yield ELSEWHERE if package in sys.stdlib_module_names else package, int(own) / 1000


def _said(python: Path) -> str:
    command = [str(python), "-X", "importtime", "-c", "import scheduler"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True, check=True)
    return done.stderr
