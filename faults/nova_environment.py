"""The virtual environment with Nova from PyPI, made once and used by everything that asks Nova."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

PACKAGE = "nova==34.*"
DIRECTORY = Path(".faults/nova-venv")
INSTALL_S = 1200.0


class CannotInstall(Exception):
    """Nova could not be installed; the text says why."""


def installed(directory: Path) -> Path:
    """Return the interpreter of a virtual environment with Nova, made when it is missing. Raises CannotInstall."""
    python = (directory / "bin" / "python").absolute()
    stamp = directory / "installed.stamp"
    if not stamp.exists():
        _call([sys.executable, "-m", "venv", str(directory)])
        _call([str(python), "-m", "pip", "install", "-q", PACKAGE])
        stamp.write_text(PACKAGE)
    return python


def _call(command: Sequence[str]) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=INSTALL_S, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        problem = type(error).__name__
    else:
        if not done.returncode:
            return
        problem = " ".join(done.stderr.split())[-300:]
    raise CannotInstall(problem)
