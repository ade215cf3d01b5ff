"""Reading a decision record: from the directory, by whom the policy lets, and never without leaving a trace."""

import sys

from oslo_config import cfg

from scheduler.bootstrap import records_of
from scheduler.cli.operator import operator, require
from scheduler.config import settings_from
from scheduler.errors import InvalidSettings
from scheduler.explain.observers import Reader
from scheduler.model import DecisionRecord
from scheduler.model.admission import owner_of


def read_record(conf: cfg.ConfigOpts, request_id: str | None, command: str) -> DecisionRecord | None:
    """Return the record of a request, the latest when none is named; None when there is none, which is said.

    Raises InvalidSettings without a directory, NotPermitted, DamagedRecord, AccessNotRecorded.
    """
    settings = settings_from(conf).explain
    if settings.record_dir is None:
        raise InvalidSettings(
            "[explain] record_dir: not set, so records are gone when the process that made them ends; "
            f"set it to a directory, schedule again, then {command}"
        )
    store = records_of(settings)
    record = store.get(request_id) if request_id else store.last()
    require(conf, "explain:read", owner_of(record))
    found = record.request_id if record else request_id or ""
    store.put_down(Reader(operator(conf).user_id, command), found)
    if record is None:
        print(f"There is no record of {request_id or 'any request'} in {settings.record_dir}.", file=sys.stderr)
    return record
