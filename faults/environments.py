"""Virtual environments of their own, each made once: with Nova from PyPI, and with what the library itself requires."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FOLDER = Path(".faults")
NOVA = FOLDER / "nova-venv"
LIBRARY = FOLDER / "library-venv"
PEER = "nova==34.*"
LOCK = ROOT / "runtime.lock"
INSTALL_S = 1200.0


class CannotInstall(Exception):
    """Something could not be installed; the text says why."""


def nova_installed(directory: Path = NOVA) -> Path:
    """Return the interpreter of an environment with Nova, made when it is missing. Raises CannotInstall."""
    return _made(directory, PEER, [PEER])


def library_installed(directory: Path = LIBRARY) -> Path:
    """Return the interpreter of an environment as in production, made again with each lock. Raises CannotInstall.

    The library itself is not in it.
    """
    return _made(
        directory, LOCK.read_text(), ["--require-hashes", "--only-binary", ":all:", "--requirement", str(LOCK)]
    )


def _made(directory: Path, holds: str, install: Sequence[str]) -> Path:
    python = (directory / "bin" / "python").absolute()
    stamp = directory / "installed.stamp"
    if not stamp.exists() or stamp.read_text() != holds:
        _call([sys.executable, "-m", "venv", "--clear", str(directory)])
        _call([str(python), "-m", "pip", "install", "-q", *install])
        stamp.write_text(holds)
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
