"""``placement-scheduler audit``: what in Placement nobody owns or nothing explains, and releasing what is ours."""

from argparse import Namespace
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from uuid import UUID

from placement_client.clock import SYSTEM_CLOCK
from placement_client.redaction import install_guards
from scheduler.bootstrap import journal_of, placement_of
from scheduler.claims.audit import (
    Amounts,
    AuditReport,
    HiddenConsumer,
    Orphan,
    OverCapacity,
    UnownedReservation,
    owned_consumers,
)
from scheduler.claims.survey import Healed, Healing, heal
from scheduler.claims.survey import audit as read_all
from scheduler.cli.exits import ExitStatus
from scheduler.cli.log import set_up_log
from scheduler.cli.operator import require
from scheduler.cli.output import print_json, print_table, printable
from scheduler.cli.progress import Progress
from scheduler.config import load_config, settings_from
from scheduler.settings import SchedulerSettings

DEFAULT_TTL_S = 3600.0
WHAT_TO_DO = 'What to do about each is in docs/operations.md, "A reservation that stays".'

RESERVATION_COLUMNS = ("consumer", "node", "age", "minted", "holds")
ORPHAN_COLUMNS = ("provider", "name", "class", "used", "explained")
HIDDEN_COLUMNS = ("provider", "name", "consumer")
OVER_COLUMNS = ("provider", "name", "class", "used", "capacity")
HEALED_COLUMNS = ("consumer", "outcome", "reason")


@dataclass(frozen=True, slots=True)
class Table:
    """One kind of finding, ready to be printed."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def audit(asked: Namespace) -> ExitStatus:
    """Print what was found and, when asked to heal, what became of it. Raises SchedulerError, PlacementError."""
    install_guards()
    conf = load_config(asked.config_file)
    set_up_log(conf)
    require(conf, "audit:read")
    if asked.heal:
        require(conf, "audit:heal")
    settings, placement = settings_from(conf), placement_of(conf, None, SYSTEM_CLOCK)
    progress = Progress()
    try:
        report = read_all(placement, settings.claims, lambda: _owned(settings), progress)
        healed = heal(placement, settings.claims, report.reservations, asked.ttl, progress) if asked.heal else ()
    finally:
        progress.clear()
    if asked.json:
        print_json({"report": report, "healed": healed})
    else:
        _print(report, healed)
    return ExitStatus.OK if is_clean(report, healed) else ExitStatus.FINDINGS


def is_clean(report: AuditReport, healed: Sequence[Healed]) -> bool:
    """Tell whether nothing is left of what was found."""
    gone = {one.consumer for one in healed if one.outcome in (Healing.RELEASED, Healing.GONE)}
    left = [one for one in report.reservations if one.consumer not in gone]
    return not (left or report.orphans or report.hidden or report.over_capacity)


def tables_of(report: AuditReport) -> Iterator[Table]:
    """Yield a table for each kind of finding that there is."""
    reservations, orphans, hidden, over = report.reservations, report.orphans, report.hidden, report.over_capacity
    tables = (
        Table("Reservations nobody owns", RESERVATION_COLUMNS, tuple(map(_reservation_row, reservations))),
        Table("Orphans: usage that no consumer explains", ORPHAN_COLUMNS, tuple(map(_orphan_row, orphans))),
        Table("Hidden: consumers listed that do not show it", HIDDEN_COLUMNS, tuple(map(_hidden_row, hidden))),
        Table("Over capacity", OVER_COLUMNS, tuple(map(_over_row, over))),
    )
    yield from (table for table in tables if table.rows)


def _owned(settings: SchedulerSettings) -> frozenset[UUID]:
    """Return the consumers that unsettled claims of the journal name, whoever owns them. Raises JournalUnavailable."""
    journal = journal_of(settings.journal, settings.claims.node_id, SYSTEM_CLOCK)
    try:
        return owned_consumers(journal.unsettled())
    finally:
        journal.close()


def _print(report: AuditReport, healed: Sequence[Healed]) -> None:
    for table in tables_of(report):
        print(f"{table.title} ({len(table.rows)})")
        print_table(table.columns, table.rows)
        print()
    if healed:
        print(f"Healed ({sum(one.outcome is Healing.RELEASED for one in healed)} of {len(healed)} released)")
        print_table(HEALED_COLUMNS, [(str(one.consumer), one.outcome, one.reason) for one in healed])
        print()
    print(f"Read {report.providers} providers and {report.consumers} consumers.")
    if report.unsteady:
        print(f"{len(report.unsteady)} providers changed at every reading and were not searched for orphans.")
    print("Nothing is wrong." if report.clean else WHAT_TO_DO)


def _reservation_row(one: UnownedReservation) -> tuple[str, ...]:
    return (
        str(one.consumer),
        printable(one.node_id or "-"),
        "unknown" if one.age_s is None else f"{one.age_s:.0f} s",
        "yes" if one.minted else "no",
        "; ".join(f"{provider}: {_amounts(amounts)}" for provider, amounts in one.allocations.items()),
    )


def _orphan_row(one: Orphan) -> tuple[str, ...]:
    return str(one.provider), printable(one.name), one.resource_class, str(one.used), str(one.explained)


def _hidden_row(one: HiddenConsumer) -> tuple[str, ...]:
    return str(one.provider), printable(one.name), str(one.consumer)


def _over_row(one: OverCapacity) -> tuple[str, ...]:
    return str(one.provider), printable(one.name), one.resource_class, str(one.used), str(one.capacity)


def _amounts(amounts: Amounts) -> str:
    return ", ".join(f"{name} {amount}" for name, amount in sorted(amounts.items()))
