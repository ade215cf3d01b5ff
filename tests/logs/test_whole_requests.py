"""Every record of whole requests, whatever becomes of them, holds what the table declares and no identifier."""

import logging
import re
from contextlib import suppress
from uuid import uuid4

import pytest

from placement_client.testing import MockPlacement, faults
from placement_client.testing.faults import every, no_faults, when
from scheduler import InvalidRequest, SchedulerError
from scheduler.events import EVENTS
from scheduler.events.log import LOGGER, REDACTED
from tests.flow.fleet import CONTEXT, SPEC, add_hosts, scheduler_on

HOST = "c4n4ry-host"
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-")


def writes(call) -> bool:
    return call.method == "POST"


def reads_back(call) -> bool:
    return call.method == "GET" and "/allocations/" in call.path


class Doubtful:
    """Lose the answer to the confirmation, and let nobody look what became of it."""

    written = 0

    def __call__(self, call):
        self.written += writes(call)
        if self.written < 2:
            return None
        return faults.timeout_after_apply if writes(call) else faults.unavailable if reads_back(call) else None


SCRIPTS = {
    "nothing": no_faults,
    "an outage": every(faults.unavailable),
    "a token that is not accepted": every(faults.unauthorized),
    "no room at the claim": when(writes, faults.capacity_exceeded),
    "a race": when(writes, faults.provider_conflict),
    "lost answers": when(writes, faults.timeout_after_apply),
    "lost requests": when(writes, faults.reset_before_apply),
    "a confirmation in doubt": Doubtful(),
    "an interrupt": when(writes, faults.raises(KeyboardInterrupt(HOST))),
    "garbage": every(faults.garbage_body),
}

EXPECTED = {
    "nothing": {"log_started", "hosts_refreshed", "claim_reserved", "claim_confirmed", "request_decided"},
    "an outage": {"request_not_decided"},
    "a token that is not accepted": {"request_not_decided"},
    "no room at the claim": {"claim_not_reserved", "request_decided"},
    "a race": {"claim_not_reserved", "request_decided"},
    "lost answers": {"claim_not_reserved", "hold_quarantined", "request_not_decided"},
    "lost requests": {"claim_not_reserved", "hold_quarantined", "request_not_decided"},
    "a confirmation in doubt": {"claim_reserved", "claim_in_doubt", "request_not_decided"},
    "an interrupt": {"hold_quarantined", "request_decided"},
    "garbage": {"request_not_decided"},
}


def broken(record):
    raise ValueError(HOST)


@pytest.mark.parametrize("script", SCRIPTS)
def test_records_of_whole_requests_are_declared_ones_without_identifiers(script, caplog):
    caplog.set_level(1)
    mock = MockPlacement()
    hosts = [str(host) for host in add_hosts(mock.client(), 3)]
    instance = uuid4()
    with scheduler_on(mock, observers=(broken,)) as scheduler:
        mock.faults.play(SCRIPTS[script])
        with suppress(SchedulerError, KeyboardInterrupt):
            scheduler.select_destinations(CONTEXT, SPEC, [instance])
        mock.faults.play(no_faults)
    ours = [record for record in caplog.records if record.name == LOGGER]
    names = [record.getMessage().partition(" ")[0] for record in ours]
    assert names[0] == "log_started"
    assert EXPECTED[script] <= set(names) <= EVENTS.keys()
    assert sum(name.startswith("request_") for name in names) == 1
    assert "record_not_delivered" in names
    text = "\n".join(f"{record.getMessage()} {vars(record)}" for record in ours)
    assert REDACTED not in text
    for secret in (HOST, str(instance), *hosts, "tenant", "somebody", "h0", CONTEXT.request_id or HOST):
        assert secret not in text
    assert not UUID.search(text)


def test_a_request_that_is_refused_says_so_without_its_words(caplog):
    caplog.set_level(logging.INFO, logger=LOGGER)
    mock = MockPlacement()
    add_hosts(mock.client(), 1)
    with scheduler_on(mock) as scheduler, pytest.raises(InvalidRequest):
        scheduler.select_destinations(CONTEXT, SPEC, [HOST])
    assert HOST not in caplog.text
