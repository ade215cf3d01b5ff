"""The command line as a process of its own, at DEBUG, against a real Placement over TLS.

What a command prints is for the operator who asked, so identifiers may be there; in its log they may not.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path

from canaries.errors import Telling
from canaries.paths import Step
from canaries.stage import Stage, of_process
from placement_client.testing import PlacementServer
from placement_client.testing.ini import TOKEN, ini_text

LOUD = (
    "keystoneauth",
    "keystoneauth1",
    "urllib3",
    "requests",
    "sqlalchemy",
    "stevedore",
    "scheduler",
    "placement_client",
)
ROOT = Path(__file__).resolve().parents[1]
NOBODY = "req-00000000-0000-4000-8000-000000000000"


def of_commands(stage: Stage, server: PlacementServer) -> Iterator[Step]:
    """Yield commands that succeed, find nothing, are asked wrongly, or have no server or no right to it."""
    sound = _ini(stage, server, "sound")
    request = json.dumps(_document(stage))
    for words in (["schedule", "-"], ["schedule", "-", "--json"]):
        yield partial(_run, stage, sound, words, request)
    yield partial(_run, stage, sound, ["schedule", "-"], json.dumps(_document(stage, vcpus=10**6)))
    yield partial(
        _run, stage, sound, ["schedule", "-"], json.dumps(_document(stage, memory_mb=stage.mint.word("token")))
    )
    for words in (["explain"], ["explain", "--json"], ["replay"], ["explain", NOBODY], ["check"], ["audit", "--heal"]):
        yield partial(_run, stage, sound, words)
    yield partial(_run, stage, sound, ["pseudonym", "host", stage.mint.word("host")])
    for fault in ("down", "forbidden"):
        wrong = _ini(stage, server, fault)
        for words in (["schedule", "-"], ["check"], ["audit"], ["recover", "--deadline", "1"]):
            yield partial(_run, stage, wrong, words, request)


def _run(stage: Stage, ini: Path, words: list[str], text: str = "") -> None:
    """Run a command to its end and look at everything that it leaves."""
    command = [sys.executable, "-m", "scheduler.cli", "--config-file", str(ini), *words]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, env=environment, **pipes) as process:  # type: ignore[call-overload]  # many forms
        more = _more_than(environment, process.pid) + of_process(process.pid, "cmdline")
        output, errors = process.communicate(text, timeout=60)
    stage.play(f"command: {words[0]}, {ini.stem}", partial(_look, stage, ini, more, output, errors))


def _look(stage: Stage, ini: Path, more: str, output: str, errors: str) -> None:
    """Look at what a command told: its process, what it printed, its log, and the files it left."""
    stage.sinks.look(Telling("command line and environment", more, identifiers_allowed=True))
    stage.sinks.look(Telling("standard output of a command", output, identifiers_allowed=True))
    stage.sinks.look(Telling("standard error of a command", errors, identifiers_allowed=True))
    log = ini.with_suffix(".log")
    for line in log.read_text().splitlines() if log.exists() else ():
        stage.sinks.records += 1
        stage.sinks.look(Telling("log file of a command", line))
    log.unlink(missing_ok=True)
    stage.read_files(*(file for file in ini.with_suffix("").rglob("*") if file.is_file()))


def _more_than(given: Mapping[str, str], pid: int) -> str:
    """Return what is in the environment of a process that it was not given."""
    entries = of_process(pid, "environ").split("\0")
    sent = {f"{name}={value}" for name, value in given.items()}
    return "\n".join(entry for entry in entries if entry not in sent)


def _ini(stage: Stage, server: PlacementServer, name: str) -> Path:
    """Write a configuration whose log tells all it may, with a file for it and a directory for what is kept."""
    file = stage.world.directory / f"{name}.ini"
    kept = file.with_suffix("")
    kept.mkdir()
    token = {"forbidden": f"nobody:{stage.mint.word('token')}"}.get(name, f"{TOKEN}:{stage.mint.word('token')}")
    text = server.ini().replace(f"token = {TOKEN}", f"token = {token}")
    if name == "down":
        text = text.replace(server.url, "https://127.0.0.1:1")
    levels = ",".join(f"{logger}=DEBUG" for logger in LOUD)
    sections = {
        "DEFAULT": {"debug": "true", "log_file": str(file.with_suffix(".log")), "default_log_levels": levels},
        "journal": {"connection": f"sqlite:///{kept}/journal/claims.sqlite"},
        "explain": {"record_dir": str(kept / "records")},
        "logging": {"pseudonym_key_file": str(stage.world.directory / "key")},
    }
    file.write_text(f"{text}\n{ini_text(sections)}")
    return file


def _document(stage: Stage, **flavor: object) -> Mapping[str, object]:
    """Return a request document with a marker wherever it has text."""
    mint = stage.mint
    return {
        "flavor": {"name": mint.word("flavor"), "vcpus": 1, "memory_mb": 64} | flavor,
        "project_id": mint.word("project"),
        "user_id": mint.word("user"),
        "image": {"id": mint.word("image"), "properties": {f"os_{mint.word('image property')}": "x"}},
        "ignore_hosts": [mint.word("host")],
        "instance_uuids": [str(mint.uuid("instance"))],
    }
