"""How answers look: a table on a terminal that rich can draw on, aligned columns elsewhere, JSON for machines."""

import importlib.util
import sys
from collections.abc import Sequence

import msgspec

from scheduler.model import Selection

COLUMNS = ("instance", "host", "node", "provider", "resources")


def rows_of(selections: Sequence[Selection]) -> list[tuple[str, ...]]:
    """Return one row for each provider of each selection."""
    return [
        (
            str(selection.instance_uuid),
            printable(selection.service_host),
            printable(selection.nodename),
            str(provider),
            ", ".join(f"{name} {amount}" for name, amount in sorted(held.resources.items())),
        )
        for selection in selections
        for provider, held in selection.allocation_request.allocations.items()
    ]


def printable(text: str) -> str:
    """Return text that cannot command a terminal."""
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)


def print_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table."""
    if sys.stdout.isatty() and importlib.util.find_spec("rich"):
        _print_rich(columns, rows)
    else:
        print("\n".join(aligned([columns, *rows])))


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return the rows as lines whose columns are as wide as their widest cell."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def print_json(value: object) -> None:
    """Print a value as one JSON document."""
    print(msgspec.json.format(msgspec.json.encode(value), indent=2).decode())


def _print_rich(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    from rich.console import Console  # noqa: PLC0415  (an extra)
    from rich.table import Table  # noqa: PLC0415  (an extra)
    from rich.text import Text  # noqa: PLC0415  (an extra)

    table = Table()
    for column in columns:
        table.add_column(column, overflow="fold")  # an identifier that is cut is of no use
    for row in rows:
        table.add_row(*map(Text, row))
    Console().print(table)
