"""``placement-scheduler replay``: the same decision again, from its record alone."""

from argparse import Namespace
from collections.abc import Iterator

from scheduler.bootstrap import plugins_of
from scheduler.cli.exits import ExitStatus
from scheduler.cli.output import print_json, printable
from scheduler.cli.reading import read_record
from scheduler.config import load_config, settings_from
from scheduler.errors import InvalidSettings
from scheduler.filters.registry import from_outside as outside_filters
from scheduler.model import DecisionRecord, Rules
from scheduler.replay import Replayed
from scheduler.replay import replay as replayed_with
from scheduler.settings import SchedulerSettings
from scheduler.weighers.registry import from_outside as outside_weighers

STATUSES = {
    "identical": ExitStatus.OK,
    "different": ExitStatus.FINDINGS,
    "impossible": ExitStatus.NO_VALID_HOST,
}


def replay(asked: Namespace) -> ExitStatus:
    """Print whether a decision comes out the same under the rules in its record, or where it does not; asks nobody.

    Raises InvalidSettings, NotPermitted, DamagedRecord, AccessNotRecorded.
    """
    conf = load_config(asked.config_file)
    record = read_record(conf, asked.request_id, "replay")
    if record is None:
        return ExitStatus.NO_VALID_HOST
    replayed = _replayed(record, settings_from(conf))
    if asked.json:
        print_json(replayed)
    else:
        print(printable_lines(replayed))
    return STATUSES[replayed.verdict]


def printable_lines(replayed: Replayed) -> str:
    """Return what a replay came to, a line each; names in it are not ours."""
    return "\n".join(map(printable, _lines(replayed)))


def _replayed(record: DecisionRecord, settings: SchedulerSettings) -> Replayed:
    rules = record.inputs.rules if record.inputs else Rules()
    gone = sorted(_from_outside(rules) - _enabled(settings))
    if gone:
        raise InvalidSettings(
            f"[filter_scheduler]: {', '.join(gone)} took part in the decision and must be enabled to replay it"
        )
    return replayed_with(record, plugins_of(rules))


def _from_outside(rules: Rules) -> set[str]:
    """Return the plugins that come by entry point; a record does not get code loaded that the ini does not name."""
    return {*outside_filters(rules.filters), *outside_weighers(rules.weighers)}


def _enabled(settings: SchedulerSettings) -> set[str]:
    return {*settings.filters.enabled_filters, *settings.weighers.enabled_weighers}


def _lines(replayed: Replayed) -> Iterator[str]:
    yield f"Request {replayed.request_id}: {_verdict(replayed)}"
    if replayed.difference:
        yield f"  the record: {replayed.difference.recorded}"
        yield f"  the replay: {replayed.difference.found}"
    for change in replayed.changes:
        yield f"Not as it was then: {change.where} was {change.recorded}, is {change.found}"


def _verdict(replayed: Replayed) -> str:
    if replayed.verdict == "impossible":
        return f"cannot be replayed. {replayed.problem}"
    if replayed.difference is None:
        return f"identical ({replayed.rounds} rounds, {replayed.instances} decisions)"
    because = ", perhaps because not all is as it was then" if replayed.changes else ""
    return f"different at {replayed.difference.where}{because}"
