"""What counts as a finding; each kind is planted once and found."""

import json
import math
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from fuzz import deal
from fuzz.dice import Dice
from fuzz.mutate import MAX_BYTES, mutate
from fuzz.report import told, write_json
from fuzz.target import Finding, Target, judge
from fuzz.watch import GROWTH_KIB, Watch, last_input
from fuzz.worker import Done, Job, Tally, plain
from scheduler.errors import InvalidRequest
from scheduler.model.messages import named, shown
from tests.fuzz.test_slice import fuzz

VALID = b'{"ratio":16.0,"name":"a name of a tenant"}'


def target(run: Callable[[bytes], object], **more: object) -> Target:
    return Target(name="planted", run=run, raises=(InvalidRequest,), seeds=(VALID,), **more)


def found(run: Callable[[bytes], object], data: bytes = VALID) -> str | None:
    with Watch() as watch:
        return judge(target(run), data, watch)


def refusing(*problems: str) -> Callable[[bytes], None]:
    def run(data: bytes) -> None:
        raise InvalidRequest(*problems)

    return run


def test_an_input_that_is_read_or_refused_in_words_is_no_finding() -> None:
    assert found(json.loads) is None
    assert found(refusing("flavor.vcpus: expected an integer, got a string", "name: is 'a name of a tenant'")) is None


def test_an_error_that_is_not_declared_is_found() -> None:
    assert (found(lambda data: {}[data]) or "").startswith("KeyError escaped at <lambda>:")


def test_a_declared_error_with_a_foreign_one_behind_it_is_found() -> None:
    def run(data: bytes) -> None:
        try:
            int(data)
        except ValueError:
            raise InvalidRequest("name: is no number")  # noqa: B904 - the mistake that is looked for

    assert found(run) == "InvalidRequest has a context, ValueError"


@pytest.mark.parametrize(
    ("message", "fault"),
    [
        ("", "does not name a place"),
        ("it is wrong", "does not name a place"),
        ("name: ", "does not name a place"),
        ("name: is\nwrong", "is not one line"),
        ("name: is \x1b[31mwrong", "is not one line"),
        ("name: is \u202ewrong", "is not one line"),
        ("name: is wrong" + "!" * 500, "has 514 characters"),
        ("name: a name of a tenant is wrong", "holds text of the input"),
        ("name: 'a name of a tenant and much more than forty characters of it' is wrong", "holds text of the input"),
    ],
)
def test_a_message_that_breaks_the_rule_is_found(message: str, fault: str) -> None:
    data = b'{"name":"a name of a tenant and much more than forty characters of it"}'
    assert fault in (found(refusing(message), data) or "")


def test_text_is_also_found_when_the_input_writes_it_with_escapes() -> None:
    assert "holds text" in (found(refusing("name: canary-canary"), b'"\\u0063anary-\\u0063anary"') or "")


def test_a_hang_is_found() -> None:
    def spin(data: bytes) -> None:
        while True:
            pass

    started = time.process_time()
    assert found(spin) == "took longer than allowed"
    assert time.process_time() - started < 10


def test_a_slow_regular_expression_is_found() -> None:
    assert found(lambda data: re.fullmatch(r"(a+)+b", "a" * 60)) == "took longer than allowed"


def test_growth_of_memory_is_found(tmp_path: Path) -> None:
    """In a grandchild of this process, whose peak may be high already: a child inherits it, a grandchild does not."""
    code = (
        f"import sys; from tests.fuzz.test_judge import found; print(found(lambda data: b'x' * ({GROWTH_KIB} << 11)))"
    )
    shell = ["sh", "-c", '"$0" -c "$1"; exit $?', sys.executable, code]
    done = subprocess.run(shell, capture_output=True, text=True, check=True)
    assert done.stdout == f"took more than {GROWTH_KIB >> 10} MiB\n"


def test_a_crash_that_mutations_can_reach_is_found_and_the_shortest_input_is_kept(tmp_path: Path) -> None:
    """Negative control of the whole engine: the overflow that the model of an inventory once had."""

    def capacity(data: bytes) -> None:
        try:
            document = json.loads(data)
            ratio = document["ratio"]
        except (ValueError, KeyError, TypeError, RecursionError):
            return
        if type(ratio) is float and math.isfinite(ratio):
            int(2**31 * ratio)

    with Watch() as watch:
        tally = Tally(Job("planted", "plain", 5000, 1), target(capacity), watch, tmp_path)
        plain(tally)
    ((what, data),) = tally.found.values()
    assert what.startswith("OverflowError escaped at capacity")
    assert len(data) <= len(VALID) + 10


def test_an_input_of_which_the_process_dies_is_kept(tmp_path: Path) -> None:
    code = (
        "import os, signal, sys; from pathlib import Path; from fuzz.watch import Watch\n"
        "watch = Watch(Path(sys.argv[1])); watch.begin(b'the input'); os.kill(os.getpid(), signal.SIGSEGV)"
    )
    box = tmp_path / "box"
    done = subprocess.run([sys.executable, "-c", code, str(box)], check=False)
    assert done.returncode == -signal.SIGSEGV
    assert last_input(box) == b"the input"


def test_a_finding_is_told_with_the_command_that_judges_it_again(tmp_path: Path) -> None:
    lines = list(told(Finding("versions", "what it was", b">=1")))
    assert lines[0] == "FOUND versions: what it was"
    arguments = lines[2].partition("-m fuzz ")[2].split()
    status, printed, _ = fuzz(*arguments, folder=tmp_path)
    assert (status, printed) == (0, "nothing is wrong with this input\n")


def test_the_report_holds_every_input_found(tmp_path: Path) -> None:
    done = Done(Job("ini", "plain", 10, 1), 10, [("what", b"\xff")], 1.5)
    write_json([done], tmp_path / "report.json")
    report = json.loads((tmp_path / "report.json").read_text())
    assert (report["inputs"], report["good"]) == (10, False)
    assert report["findings"] == [{"target": "ini", "what": "what", "input": "/w=="}]


def test_mutations_repeat_under_a_seed_and_mostly_stay_documents() -> None:
    one = target(json.loads)

    def mutations(seed: str) -> list[bytes]:
        dice = Dice(seed)
        return [mutate(one, VALID, dice) for _ in range(500)]

    first = mutations("1")
    assert first == mutations("1") != mutations("2")
    assert max(map(len, first)) <= MAX_BYTES
    assert len(set(first)) > 300
    assert sum(_is_json(data) for data in first) > 250


def _is_json(data: bytes) -> bool:
    try:
        json.loads(data)
    except (ValueError, RecursionError):
        return False
    return True


def test_inputs_are_dealt_in_proportion() -> None:
    targets = [Target(name=name, run=json.loads, raises=(), seeds=(VALID,)) for name in ("versions", "ini")]
    jobs = deal.jobs_of(targets, 3015, ["plain"], 1)
    assert {job.target: job.inputs for job in jobs} == {"versions": 3000, "ini": 15}


@pytest.mark.parametrize(
    ("text", "quoted"),
    [
        ("plain", "'plain'"),
        ("it's", r"'it\'s'"),
        ('"', "'\"'"),
        ("'\"", "'\\'\"'"),
        ("a\nb\u2028\ud800", r"'a\nb\u2028\ud800'"),
        ("x" * 41, "'" + "x" * 37 + "...'"),
    ],
)
def test_foreign_text_is_quoted_so_that_its_end_is_certain(text: str, quoted: str) -> None:
    assert shown(text) == quoted


def test_names_that_look_like_names_are_not_quoted() -> None:
    assert [named(name) for name in ("cmp-1.example.org", "a b", "x" * 41, "")] == [
        "cmp-1.example.org", "'a b'", "'" + "x" * 37 + "...'", "''",
    ]  # fmt: skip
