"""Tables on a terminal and elsewhere."""

from uuid import UUID

from placement_client.models import AllocationRequest, Resources
from scheduler.cli.output import aligned, printable, rows_of
from scheduler.model import Selection
from tests.cli.terminal import seen_on_terminal

UUIDS = [str(UUID(int=number << 64 | number)) for number in (0x5B1B2E1E, 0x7A1A1A11)]
PROGRAM = f"from scheduler.cli.output import print_table; print_table(['a', 'b'], [{UUIDS!r}])"


def test_columns_are_as_wide_as_their_widest_cell() -> None:
    assert aligned([("a", "bb"), ("ccc", "d")]) == ["a    bb", "ccc  d"]


def test_there_is_a_row_for_each_provider() -> None:
    root, device = UUID(int=1), UUID(int=2)
    held = {root: Resources({"VCPU": 2, "MEMORY_MB": 64}), device: Resources({"PGPU": 1})}
    selection = Selection(
        instance_uuid=UUID(int=3),
        service_host="h\x1b[2J1",
        nodename="n1",
        compute_node_uuid=root,
        allocation_request=AllocationRequest(allocations=held),
        allocation_request_version="1.39",
        claimed=True,
    )
    assert [row[1:] for row in rows_of([selection])] == [
        ("h\ufffd[2J1", "n1", str(root), "MEMORY_MB 64, VCPU 2"),
        ("h\ufffd[2J1", "n1", str(device), "PGPU 1"),
    ]


def test_what_commands_a_terminal_is_not_printed() -> None:
    assert printable("rack é-1\n\x1b\x07") == "rack é-1\ufffd\ufffd\ufffd"


def test_a_terminal_gets_a_drawn_table() -> None:
    seen = seen_on_terminal(PROGRAM, columns=100)
    assert "┃" in seen
    assert all(identifier in seen for identifier in UUIDS)


def test_a_narrow_terminal_cuts_nothing_off() -> None:
    seen = seen_on_terminal(PROGRAM, columns=40)
    assert "…" not in seen
    assert sum(character.isalnum() for character in seen) == sum(len(text.replace("-", "")) for text in UUIDS) + 2
