"""The command, with a Nova that is played."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

import parity.__main__ as command
from faults.environments import CannotInstall
from parity.ours.answers import answer_of


class Played:
    """Answers as we do; ``changed`` may make another answer of it."""

    def __init__(self, changed: Any) -> None:
        self._changed = changed

    def send(self, cases: list[Any]) -> None:
        self._answers = [self._changed(case, answer_of(case)) for case in cases]

    def receive(self) -> list[Any]:
        return self._answers

    def ask(self, case: Any) -> Any:
        self.send([case])
        return self.receive()[0]


def play(monkeypatch: pytest.MonkeyPatch, changed: Any) -> None:
    @contextmanager
    def started(python: object) -> Iterator[Played]:
        yield Played(changed)

    monkeypatch.setattr(command, "nova_installed", lambda: sys.executable)
    monkeypatch.setattr(command, "started", started)


def test_the_same_answers_end_well(monkeypatch, capsys) -> None:
    play(monkeypatch, lambda case, answer: answer)
    assert command.main(["--rule", "IoOpsFilter", "--cases", "30"]) == 0
    shown = capsys.readouterr()
    assert "IoOpsFilter     30" in shown.out
    assert "Left out:" in shown.out
    assert shown.err == "filter IoOpsFilter: 30 cases\n"


def test_an_unlisted_difference_is_shown_small_and_ends_with_1(monkeypatch, capsys) -> None:
    """A Nova that lets every host pass."""
    play(monkeypatch, lambda case, answer: {"passed": [True] * len(case["hosts"])})
    assert command.main(["--rule", "IoOpsFilter", "--cases", "30"]) == 1
    first = capsys.readouterr().out.partition("IoOpsFilter: Nova true, ours false, host ")[2].splitlines()[1]
    assert first.startswith('  {"kind": "filter", "rule": "IoOpsFilter", "request": {}, "hosts": [{"num_io_ops": ')


def test_without_nova_it_says_so(monkeypatch, capsys) -> None:
    def refuse() -> None:
        raise CannotInstall("no network")

    monkeypatch.setattr(command, "nova_installed", refuse)
    assert command.main([]) == 2
    assert capsys.readouterr().err == "Nova could not be installed: no network\n"


def test_an_unknown_rule_is_refused(capsys) -> None:
    with pytest.raises(SystemExit):
        command.main(["--rule", "RAMFilter"])
    assert "invalid choice: 'RAMFilter'" in capsys.readouterr().err
