"""``placement-scheduler pseudonym``: under which names known identifiers appear in the log."""

from argparse import Namespace
from collections.abc import Iterator

from scheduler.cli.exits import ExitStatus
from scheduler.cli.output import print_json, print_table, printable
from scheduler.config import LoggingSettings, load_config, logging_from
from scheduler.errors import InvalidSettings
from scheduler.events import EVENTS, Pseudonyms
from scheduler.events.fields import Pseudonym
from scheduler.logs import key_from_file

COLUMNS = ("key", "pseudonym", "identifier")
KINDS = sorted(
    {field.kind for event in EVENTS.values() for field in event.fields.values() if isinstance(field, Pseudonym)}
)


def pseudonym(asked: Namespace) -> ExitStatus:
    """Print the pseudonym of each identifier under the key of the log, with --all under the previous keys too.

    Raises InvalidSettings when no key file is configured, or one cannot be used.
    """
    settings = logging_from(load_config(asked.config_file))
    rows = [
        (pseudonyms.key_id, pseudonyms(asked.kind, one), printable(one))
        for pseudonyms in _under(settings, previous_too=asked.all)
        for one in asked.identifiers
    ]
    if asked.json:
        print_json([dict(zip(COLUMNS, row, strict=True)) for row in rows])
    else:
        print_table(COLUMNS, rows)
    return ExitStatus.OK


def _under(settings: LoggingSettings, *, previous_too: bool) -> Iterator[Pseudonyms]:
    """Give the pseudonyms of the present key, then those of the previous ones."""
    if settings.pseudonym_key_file is None:
        raise InvalidSettings(
            "[logging] pseudonym_key_file: not set, so every process makes pseudonyms with a key of its own, which is "
            "gone when it ends"
        )
    yield Pseudonyms(key_from_file(settings.pseudonym_key_file))
    if previous_too:
        for path in settings.previous_pseudonym_key_files:
            yield Pseudonyms(key_from_file(path, "previous_pseudonym_key_files"))
