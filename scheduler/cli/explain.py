"""``placement-scheduler explain``: a decision in words."""

import sys
from argparse import Namespace

from scheduler.bootstrap import records_of
from scheduler.cli.exits import ExitStatus
from scheduler.cli.output import print_json
from scheduler.config import load_config, settings_from
from scheduler.errors import InvalidSettings
from scheduler.explain import in_words


def explain(asked: Namespace) -> ExitStatus:
    """Print the record of a request, the latest when none is named. Raises InvalidSettings without a directory."""
    settings = settings_from(load_config(asked.config_file)).explain
    if settings.record_dir is None:
        raise InvalidSettings(
            "[explain] record_dir: not set, so records are gone when the process that made them ends; "
            "set it to a directory, schedule again, then explain"
        )
    store = records_of(settings)
    record = store.get(asked.request_id) if asked.request_id else store.last()
    if record is None:
        print(f"There is no record of {asked.request_id or 'any request'} in {settings.record_dir}.", file=sys.stderr)
        return ExitStatus.NO_VALID_HOST
    if asked.json:
        print_json(record)
    else:
        print(in_words(record))
    return ExitStatus.OK
