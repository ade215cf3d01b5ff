"""Very many records: every declared event with markers in every field, of the right type and of wrong ones.

A request logs a few records and costs milliseconds; this is how a million of them is reached. The event log is the one
of a scheduler, in the form it has in production.
"""

import logging
from collections.abc import Iterator
from functools import partial
from typing import get_args
from uuid import UUID

from canaries.markers import Mint
from canaries.stage import Stage
from placement_client.redaction import PREFIXES
from scheduler.events import EVENTS, EventLog
from scheduler.events.fields import Field, Pseudonym, TypeName, Words
from scheduler.logs import RequestLog
from scheduler.model import DecisionRecord, FilterStep, InstanceDecision, Outcome, Round, ScoredHost

PATH = "events"


def pour(stage: Stage, log: EventLog, records: int) -> None:
    """Log until the sinks have seen so many records."""
    turns = 0
    while stage.sinks.records < records:
        stage.play(PATH, partial(_round, log, _things(stage.mint), turns))
        turns += 1


def _round(log: EventLog, said: list[object], turn: int) -> None:
    """Log every event, a request of every outcome, and what libraries would say."""
    for at, event in enumerate(EVENTS.values()):
        values = {name: _value(field, said, turn + at + n) for n, (name, field) in enumerate(event.fields.items())}
        log(event, **values, **({"undeclared": said[0]} if (turn + at) % 5 == 0 else {}))
    for record in _records(said):
        RequestLog(log)(record)
    for at in range(8):
        library = logging.getLogger(f"{PREFIXES[at % len(PREFIXES)]}part{turn % 7}")
        library.warning("failed: %s", said[at % len(said)], exc_info=ValueError(said[0]))


def _things(mint: Mint) -> list[object]:
    """Return markers as text, bytes, UUIDs, in containers and in errors."""
    host, token, instance = mint.word("host"), mint.word("token"), mint.uuid("instance")
    words = f"{mint.word('server text')} {mint.uuid('project')}"
    return [words, instance, f"req-{instance}", {"token": token}, [host, token], f"{host}\n{token}", ValueError(token)]


def _value(field: Field, said: list[object], turn: int) -> object:
    """Return something for a field; what names a class or is our own sentence by its type is given as that."""
    if isinstance(field, TypeName):
        return ValueError
    if isinstance(field, Words):
        return "[logging] something: is not as it should be"
    if isinstance(field, Pseudonym) and turn % 3:
        return said[turn % 3]
    return said[turn % len(said)]


def _records(said: list[object]) -> Iterator[DecisionRecord]:
    """Yield a decision record of every outcome, with markers wherever it has text."""
    text = str(said[0])
    step = FilterStep(name=text, reason=text, hosts_in=3, removed=1)
    instance = UUID(str(said[1]))
    decision = InstanceDecision(instance_uuid=instance, steps=(step,), best_hosts=(ScoredHost(host=text, total=1.0),))
    for outcome in get_args(Outcome):
        yield DecisionRecord(
            request_id=str(said[2]),
            outcome=outcome,
            reason=text,
            detail=text,
            seed=text,
            project_id=text,
            asked={text: 1},
            rounds=(Round(candidates=1, hosts=1, instances=(decision,), answer=text),),
        )
