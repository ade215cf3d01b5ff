"""The commands to try next."""

import os
import sys
from pathlib import Path


def commands(directory: Path) -> list[str]:
    """Return the commands for a server that runs with its files in this directory."""
    call = f"{_program()} --config-file {directory}/scheduler.ini"
    return [
        "Try, in another terminal:",
        f"  {call} check",
        f"  {call} schedule {directory}/request.json",
        f"  {call} explain",
        f"  {call} schedule {directory}/refused.json",
        f"  {call} explain",
    ]


def _program() -> str:
    """Return how to call the command of this environment from here."""
    program = Path(sys.executable).with_name("placement-scheduler")
    if not program.exists():
        return f"{sys.executable} -m scheduler.cli"
    return os.path.relpath(program) if program.is_relative_to(Path.cwd()) else str(program)
