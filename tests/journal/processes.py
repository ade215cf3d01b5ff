"""What tests let other processes do with a journal: python -m tests.journal.processes NAME URL key=value ..."""

import os
import resource
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from faults.written import a_claim, a_journal
from placement_client.clock import SYSTEM_CLOCK
from scheduler.errors import JournalUnavailable, RequestInProgress

ROOT = Path(__file__).parents[2]


def run(name: str, url: str, **arguments) -> subprocess.CompletedProcess:
    """Run one of the functions below in a process of its own, and return how it ended and what it printed."""
    words = [f"{key}={value}" for key, value in arguments.items()]
    command = [sys.executable, "-m", "tests.journal.processes", name, url, *words]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)


def begin_and_die(url: str, lease_s: str) -> None:
    claim = a_claim()
    a_journal(url, "another", lease_s=float(lease_s)).begin(claim)
    print(claim.claim_id, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)


def begin_the_same(url: str, threads: str, requests: str) -> None:
    journal = a_journal(url, f"node-{os.getpid()}")

    def begin(number: int) -> bool:
        try:
            journal.begin(a_claim(f"req-{number}"))
        except RequestInProgress:
            return False
        return True

    with ThreadPoolExecutor(int(threads)) as pool:
        done = list(pool.map(begin, [number for number in range(int(requests)) for _ in range(int(threads))]))
    print(sum(done))


def open_and_count(url: str) -> None:
    journal = a_journal(url, f"node-{os.getpid()}")
    journal.begin(a_claim())
    journal.close()
    print("opened")


def begin_fork_and_die(url: str) -> None:
    """Leave a child behind that has everything of its parent, and lives on for a while."""
    claim = a_claim()
    journal = a_journal(url, "another")
    journal.begin(claim)
    if os.fork() == 0:
        for standard in range(3):
            os.close(standard)
        SYSTEM_CLOCK.sleep(10)
        os._exit(0)
    print(claim.claim_id, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)


def fill_the_disk(url: str, allowed: str) -> None:
    """Begin claims until no file may grow any more, then go on without a limit; print what was begun and refused."""
    journal = a_journal(url, "another")
    limit = Path(url.removeprefix("sqlite:///")).stat().st_size + int(allowed)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    for number in range(400):
        claim = a_claim(holds=3)
        try:
            journal.begin(claim)
            print("begun", claim.claim_id)
        except JournalUnavailable as error:
            print("refused", claim.claim_id, error.reason)
        if number == 300:
            resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    journal.close()


if __name__ == "__main__":
    globals()[sys.argv[1]](sys.argv[2], **dict(word.split("=") for word in sys.argv[3:]))
