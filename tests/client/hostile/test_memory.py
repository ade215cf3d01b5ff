"""What a server can make the client keep in memory, measured from outside of Python."""

import contextlib
import subprocess
import sys
from pathlib import Path

import pytest

from tests.architecture.source import ROOT
from tests.client.conftest import Serve
from tests.client.hostile.corpus import BODY, BOMB, CORPUS, MEGABYTE, Stage, on_stage
from tests.client.scripted import VERSION, Authority, http, reply

LIMIT = 8 * MEGABYTE
KINDS = ("endless", "content encoding", "10,000", "99 headers", "header of", "nesting", "long")
BOMBS = [name for name in CORPUS if name.startswith(KINDS)]

pytestmark = pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="the peak is read from Linux")


def growth(who: str, cafile: str, good: str, *urls: str) -> list[tuple[int, str]]:
    """Return by how much a process grew while it called each URL, and the name of the error in which that ended."""
    program = [sys.executable, "-m", "tests.client.hostile.measured", who, cafile, good, *urls]
    done = subprocess.run(program, cwd=ROOT, capture_output=True, text=True, timeout=110, check=True)
    return [(int(number), kind) for number, kind in (line.split() for line in done.stdout.splitlines())]


@pytest.fixture
def good(server: Serve) -> str:
    return server(reply(200, BODY, VERSION)).url


def test_no_answer_takes_eight_megabytes(
    authority: Authority, stranger: Authority, tmp_path: Path, server: Serve, stop, good: str
) -> None:
    stage = Stage(authority, stranger, tmp_path, server(reply(200, {})), stop)
    with contextlib.ExitStack() as stack:
        urls = [stack.enter_context(on_stage(CORPUS[name], stage)).url for name in BOMBS]
        measured = dict(zip(BOMBS, growth("ours", authority.cafile, good, *urls), strict=True))
    assert {name: kind for name, (_, kind) in measured.items()} == {n: CORPUS[n].read.__name__ for n in BOMBS}
    assert [(name, grown) for name, (grown, _) in measured.items() if grown >= LIMIT] == []


def test_control_requests_unpacks_a_bomb_and_keeps_whatever_comes(
    server: Serve, good: str, authority: Authority
) -> None:
    bomb = server(lambda connection, seen: connection.sendall(http(200, BOMB, {"Content-Encoding": "gzip"})) or True)
    long = server(reply(200, b" " * (16 * MEGABYTE)))
    (unpacked, _), (kept, _) = growth("requests", authority.cafile, good, bomb.url, long.url)
    assert min(unpacked, kept) > LIMIT


def test_control_requests_keeps_all_headers(server: Serve, good: str, authority: Authority) -> None:
    flood = {f"X-{number}": "a" * 60_000 for number in range(90)}
    [(grown, kind)] = growth("requests", authority.cafile, good, server(reply(200, b"{}", flood)).url)
    assert kind == "None"
    assert grown > LIMIT
