"""A loaded server that stays, with a configuration and requests to try the command line with."""

import fcntl
import json
import shutil
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

from demo.commands import commands
from demo.run import StopRule, run
from demo.screen import Tally, shown
from demo.session import Session, session
from demo.workload import workload

DIRECTORY = Path(".demo")
_JOBS = 50

REQUEST = {
    "flavor": {
        "name": "two-gpus",
        "vcpus": 12,
        "memory_mb": 49152,
        "extra_specs": {"resources:PGPU": "1", "trait:CUSTOM_GPU_T4": "required"},
    },
    "project_id": "project-1",
    "user_id": "user-1",
    "num_instances": 2,
    "instance_group": {"policy": "anti-affinity"},
}
REFUSED = {
    "flavor": {
        "name": "eight-gpus",
        "vcpus": 64,
        "memory_mb": 262144,
        "extra_specs": {"resources:PGPU": "8", "trait:CUSTOM_GPU_A10": "required"},
    },
    "project_id": "project-1",
    "user_id": "user-1",
}


def serve(seed: int) -> int:
    """Serve until Ctrl-C or SIGTERM; return the exit status."""
    with _sole_user(DIRECTORY), session(seed, DIRECTORY / "server") as running:
        _fill(running, seed)
        _write_requests(running, DIRECTORY)
        stop = _stop_requests()
        print("\n".join(["", *commands(DIRECTORY), "", "The server runs until Ctrl-C."]), flush=True)
        while running.server.running() and not stop.wait(0.5):
            pass
    return 0 if stop.is_set() else 1


def _stop_requests() -> threading.Event:
    """Return an event that Ctrl-C and SIGTERM set from now on."""
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    return stop


@contextmanager
def _sole_user(directory: Path) -> Iterator[None]:
    """Hold the directory, emptied, against a second server. Raises RuntimeError when there is one."""
    directory.mkdir(mode=0o700, exist_ok=True)
    with (directory / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise RuntimeError("a demo server is running already; stop it first") from None
        shutil.rmtree(directory / "server", ignore_errors=True)
        yield


def _fill(running: Session, seed: int) -> None:
    """Put the first requests of the demo on the fleet, so that it is not empty."""
    answers = run(running.scheduler, islice(workload(seed, running.hosts), _JOBS), StopRule())
    for _ in shown("requests", answers, _JOBS, Tally()):
        pass


def _write_requests(running: Session, directory: Path) -> None:
    shutil.copyfile(running.ini, directory / "scheduler.ini")
    for name, request in (("request.json", REQUEST), ("refused.json", REFUSED)):
        (directory / name).write_text(json.dumps(request, indent=2) + "\n", encoding="utf-8")
