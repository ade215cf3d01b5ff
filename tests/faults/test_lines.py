"""Questions to a program and its answers."""

import sys

import pytest

from faults.lines import lines

ECHO = """
import json, sys
print("noise before", flush=True)
print("ready", flush=True)
for line in sys.stdin:
    print("noise between")
    print(json.dumps({"heard": json.loads(line)}), flush=True)
"""


def test_noise_is_passed_over_and_answers_come_in_order() -> None:
    with lines([sys.executable, "-c", ECHO]) as program:
        assert program.ask({"number": 1}) == {"heard": {"number": 1}}
        program.send({"number": 2})
        program.send({"number": 3})
        assert [program.receive()["heard"]["number"] for _ in range(2)] == [2, 3]


def test_a_program_that_ends_is_no_answer(tmp_path) -> None:
    errors = tmp_path / "errors"
    program = "import sys; print('ready', flush=True); sys.stdin.readline(); sys.exit('what went wrong')"
    with (
        errors.open("w") as file,
        lines([sys.executable, "-c", program], errors=file) as asked,
        pytest.raises(RuntimeError, match="ended before it answered"),
    ):
        asked.ask({})
    assert "what went wrong" in errors.read_text()


def test_a_program_that_never_gets_ready_is_told_at_once() -> None:
    with pytest.raises(RuntimeError), lines([sys.executable, "-c", "print('hello')"]):
        pass


def test_the_program_ends_with_the_block() -> None:
    with lines([sys.executable, "-c", ECHO]) as program:
        process = program._process
        assert process.poll() is None
    assert process.poll() is not None
