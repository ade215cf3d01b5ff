"""Tracebacks show type, file, line and function, and nothing of messages, locals or lines of source."""

import json
import subprocess
import sys
import traceback
from itertools import pairwise

import pytest

from scheduler.logs import safe_traceback
from scheduler.logs.tracebacks import MAX_CAUSES, MAX_FRAMES
from tests.architecture.source import ROOT

CANARY = "c4n4ry"


def fails(secret: str) -> None:
    token = f"token {secret}"
    raise RuntimeError(token)


def caught(call, *arguments) -> BaseException:
    with pytest.raises(BaseException) as info:  # noqa: PT011  (any)
        call(*arguments)
    return info.value


def test_it_shows_where_and_what_kind_but_nothing_else():
    error = caught(fails, CANARY)
    error.add_note(f"note {CANARY}")
    shown = safe_traceback(error)
    line = fails.__code__.co_firstlineno + 2
    assert shown.splitlines()[-2:] == [f"  tests/logs/test_tracebacks.py:{line} in fails", "builtins.RuntimeError"]
    assert CANARY not in shown
    assert "raise RuntimeError(token)" not in shown
    assert str(ROOT) not in shown


def test_the_traceback_of_python_shows_the_message():
    """The control."""
    assert CANARY in "".join(traceback.format_exception(caught(fails, CANARY)))


def test_what_led_to_an_error_comes_first():
    def wrapped():
        try:
            fails(CANARY)
        except RuntimeError as error:
            raise KeyError(CANARY) from error

    shown = safe_traceback(caught(wrapped))
    assert [line for line in shown.splitlines() if not line.startswith(" ")] == [
        "builtins.RuntimeError",
        "builtins.KeyError",
    ]
    assert CANARY not in shown


def test_a_suppressed_context_is_left_out():
    def wrapped():
        try:
            fails(CANARY)
        except RuntimeError:
            raise KeyError(CANARY) from None

    assert "RuntimeError" not in safe_traceback(caught(wrapped))


def test_deep_recursion_and_endless_chains_are_cut():
    def deep(levels: int) -> None:
        if not levels:
            raise ValueError
        deep(levels - 1)

    shown = safe_traceback(caught(deep, 200)).splitlines()
    assert len(shown) == MAX_FRAMES + 2
    assert shown[0].endswith("calls left out)")
    first, second = ValueError(), KeyError()
    first.__cause__, second.__cause__ = second, first
    assert safe_traceback(first).splitlines() == ["builtins.KeyError", "builtins.ValueError"]
    chain = [ValueError() for _ in range(100)]
    for one, cause in pairwise(chain):
        one.__context__ = cause
    assert len(safe_traceback(chain[0]).splitlines()) == MAX_CAUSES


def test_names_that_somebody_else_chose_stay_on_their_line():
    names: dict = {}
    exec(compile("def call():\n raise type('Evil\\n\\x1b[2J', (Exception,), {})", "a\nfile\u202e.py", "exec"), names)
    shown = safe_traceback(caught(names["call"]))
    assert len(shown.splitlines()) == 3
    assert shown.replace("\n", "").isprintable()


WAYS = {
    "main": "raise RuntimeError(TEXT)",
    "thread": "import threading\none = threading.Thread(target=fails, name=TEXT)\none.start()\none.join()",
    "unraisable": "class Dying:\n    def __del__(self):\n        fails()\nDying()",
}
SCRIPT = """
import sys
from scheduler.logs import install_hooks
TEXT = sys.argv[1]
def fails():
    raise RuntimeError(TEXT)
"""


HOSTILE = """
class Hostile(type):
    def __getattribute__(self, name):
        raise LookupError
raise Hostile('Error', (Exception,), {})(TEXT)
"""


def uncaught(way: str, hooks: str) -> str:
    script = f"{SCRIPT}\n{hooks}\n{WAYS[way]}\n"
    done = subprocess.run(
        [sys.executable, "-c", script, CANARY], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert "RuntimeError" in done.stderr
    return done.stderr


@pytest.mark.parametrize("way", WAYS)
def test_with_hooks_what_nobody_catches_shows_nothing(way):
    assert CANARY not in uncaught(way, "install_hooks()")


@pytest.mark.parametrize("way", WAYS)
def test_without_hooks_python_shows_the_message(way):
    """The control."""
    assert CANARY in uncaught(way, "")


def test_a_hook_that_fails_does_not_bring_back_what_it_hides():
    script = f"{SCRIPT}\ninstall_hooks()\n{HOSTILE}"
    done = subprocess.run([sys.executable, "-c", script, CANARY], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, "")


DEFECT = """
import json, os, stat, sys, threading
from scheduler.cli import main as cli

def broken(asked):
    with open(sys.argv[1], "w") as made:
        made.write("x")
    one = threading.Thread(target=lambda: [][1])
    one.start()
    one.join()
    raise RuntimeError("c4n4ry")

cli.check = broken
status = cli.main(["--config-file", "c4n4ry.ini", "check"])
print(json.dumps([status, stat.S_IMODE(os.stat(sys.argv[1]).st_mode)]))
"""


def test_a_defect_of_the_command_is_70_and_whatever_it_made_is_private(tmp_path):
    """Also in its threads, and although the umask of the caller is open."""
    done = subprocess.run(
        [sys.executable, "-c", DEFECT, str(tmp_path / "made")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
        umask=0,
    )
    assert json.loads(done.stdout) == [70, 0o600]
    assert done.stderr.startswith("In a thread:\n")
    assert "This is a defect, please report it:" in done.stderr
    assert done.stderr.endswith("builtins.RuntimeError\n")
    assert CANARY not in done.stderr.replace("c4n4ry.ini", "")
