"""One log record a request."""

from scheduler.events import EventLog
from scheduler.events.table import REQUEST_DECIDED, REQUEST_NOT_DECIDED, TROUBLE
from scheduler.model import DecisionRecord, Round


class RequestLog:
    """An observer that logs one record for each request, whatever its outcome."""

    def __init__(self, log: EventLog) -> None:
        self._log = log

    def __call__(self, record: DecisionRecord) -> None:
        """Log how a request ended: codes, counts and times; what a tenant may have chosen becomes a pseudonym."""
        last = record.rounds[-1] if record.rounds else Round(candidates=0, hosts=0)
        self._log(
            REQUEST_NOT_DECIDED if record.outcome in TROUBLE else REQUEST_DECIDED,
            request=record.request_id,
            project=record.project_id,
            outcome=record.outcome,
            reason=record.reason,
            instances=len(record.instances),
            rounds=len(record.rounds),
            candidates=last.candidates,
            hosts=last.hosts,
            verified_providers=sum(round_.verified_providers for round_ in record.rounds),
            probes=len(record.probes),
            placement_calls=record.placement_calls,
            total_ms=record.timings.total_ms,
            candidates_ms=record.timings.candidates_ms,
            select_ms=record.timings.select_ms,
            claim_ms=record.timings.claim_ms,
        )
