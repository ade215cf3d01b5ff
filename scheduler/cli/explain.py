"""``placement-scheduler explain``: a decision in words."""

from argparse import Namespace

from msgspec import structs

from scheduler.cli.exits import ExitStatus
from scheduler.cli.output import print_json
from scheduler.cli.reading import read_record
from scheduler.config import load_config
from scheduler.explain import in_words


def explain(asked: Namespace) -> ExitStatus:
    """Print the record of a request, the latest when none is named; its inputs, which are large, are for replay.

    Raises InvalidSettings without a directory, NotPermitted, DamagedRecord, AccessNotRecorded.
    """
    record = read_record(load_config(asked.config_file), asked.request_id, "explain")
    if record is None:
        return ExitStatus.NO_VALID_HOST
    if asked.json:
        print_json(structs.replace(record, inputs=None))
    else:
        print(in_words(record))
    return ExitStatus.OK
