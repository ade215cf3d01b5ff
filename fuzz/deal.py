"""Who judges what: the inputs of a run dealt to jobs, and the jobs to processes."""

import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec

from fuzz.target import Target
from fuzz.watch import last_input
from fuzz.worker import BLACK_BOX, REPORT, Done, Job

PROCESSES = 2
LONGEST_S = 3600.0
ENGINES = ("plain", "guided", "hypothesised")
STRATEGIES_SHARE = 200  # one more input for so many plain ones

# The long run: thousands of inputs for each target, plain and guided by coverage. What is cheap to judge gets more.
COUNTS: Mapping[str, tuple[int, int]] = {
    "answer-candidates": (500, 60),
    "answer-allocations": (1200, 30),
    "answer-providers": (1200, 30),
    "answer-inventories": (1200, 30),
    "answer-usages": (1200, 30),
    "answer-lists": (1200, 30),
    "answer-versions": (1200, 30),
    "answer-refusals": (1200, 40),
    "answer-headers": (1500, 40),
    "query": (1500, 60),
    "path": (400, 20),
    "endpoint": (1000, 40),
    "request": (200, 60),
    "request-file": (200, 20),
    "request-values": (400, 20),
    "extra-specs": (700, 60),
    "instances": (1000, 20),
    "operators": (3000, 100),
    "versions": (3000, 60),
    "queries": (500, 40),
    "ini": (15, 5),
    "hosts-json": (150, 20),
    "hosts-yaml": (15, 5),
    "policy": (15, 5),
    "key-file": (100, 5),
    "journal-row": (2000, 40),
    "record": (100, 20),
    "arguments": (40, 5),
}
EDGES = re.compile(rb"cov: (\d+) ")


def jobs_of(targets: Sequence[Target], inputs: int | None, engines: Sequence[str], seed: int) -> list[Job]:
    """Return the jobs of a run, the longest first; ``inputs`` over all targets, None for the counts of the long run."""
    planned = [(target, engine, _planned(target, engine)) for target in targets for engine in engines]
    total = sum(count for *_, count in planned)
    factor = 1.0 if inputs is None else inputs / total
    jobs = [Job(target.name, engine, max(1, round(count * factor)), seed) for target, engine, count in planned]
    return sorted(jobs, key=lambda job: (job.engine != "guided", -job.inputs))


def _planned(target: Target, engine: str) -> int:
    plain, guided = COUNTS[target.name]
    return {"plain": 1000 * plain, "guided": 1000 * guided, "hypothesised": 1000 * plain // STRATEGIES_SHARE}[engine]


def run_jobs(jobs: Sequence[Job], folder: Path) -> Iterator[Done]:
    """Run every job in a process of its own, two at a time; yield what they did in the order of the jobs."""
    stop = threading.Event()
    with ThreadPoolExecutor(PROCESSES) as pool:
        try:
            yield from pool.map(lambda job: _run(job, folder / job.name, stop), jobs)
        finally:
            stop.set()


def _run(job: Job, folder: Path, stop: threading.Event) -> Done:
    folder.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "fuzz", "--worker", msgspec.json.encode(job).decode(), "--work", str(folder)]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
        ended = _wait(process, stop)
    text = (folder / "log").read_bytes()
    report = folder / REPORT
    if ended == 0 and report.exists():
        done = msgspec.json.decode(report.read_bytes(), type=Done)
        return msgspec.structs.replace(done, edges=max(map(int, EDGES.findall(text)), default=0))
    if stop.is_set():
        return Done(job, 0, [], 0.0)
    return Done(job, 0, [(f"the process ended ({_cause(ended)})", last_input(folder / BLACK_BOX))], 0.0)


def _wait(process: "subprocess.Popen[bytes]", stop: threading.Event) -> int:
    """Return how a process ended; one that takes longer than an hour is stuck in native code, and killed."""
    waited = 0.0
    while waited < LONGEST_S and not stop.is_set():
        try:
            return process.wait(0.5)
        except subprocess.TimeoutExpired:
            waited += 0.5
    process.kill()
    return process.wait()


def _cause(status: int) -> str:
    return signal.Signals(-status).name if status < 0 else f"status {status}"


def is_available(engine: str) -> bool:
    """Tell whether an engine can be used here; atheris is for Linux and for some versions of Python."""
    needed = {"guided": "atheris", "hypothesised": "hypothesis"}.get(engine)
    command = [sys.executable, "-c", f"import {needed}"]
    return needed is None or subprocess.run(command, capture_output=True, check=False, env=os.environ).returncode == 0
