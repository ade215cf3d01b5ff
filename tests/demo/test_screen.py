"""What people see while the demo works, and at its end."""

from demo.proof import Proof
from demo.screen import proof_lines, shown
from tests.cli.terminal import seen_on_terminal

PROGRAM = "from demo.screen import shown; print(list(shown('hosts', [3, 4], 2, lambda item: f'at {item}')))"


def test_plain_lines_come_every_fifty_and_at_the_end(capsys) -> None:
    items = list(shown("hosts", range(102), 102, lambda item: f"at {item}"))
    assert items == list(range(102))
    assert capsys.readouterr().out.splitlines() == [
        "hosts          50  at 49",
        "hosts         100  at 99",
        "hosts         102  at 101",
    ]


def test_words_are_asked_for_every_item(capsys) -> None:
    counted: list[int] = []
    list(shown("hosts", range(102), 102, lambda item: counted.append(item) or ""))
    assert counted == list(range(102))


def test_a_terminal_gets_a_bar() -> None:
    seen = seen_on_terminal(PROGRAM, columns=100)
    assert "━" in seen
    assert "2/2" in seen
    assert "at 4" in seen
    assert "[3, 4]" in seen


def test_a_statement_that_does_not_hold_is_seen_as_such() -> None:
    lines = list(proof_lines([Proof("all is well", holds=True), Proof("nothing is left", holds=False)]))
    assert lines == ["PROOF ok   all is well", "PROOF FAIL nothing is left"]
