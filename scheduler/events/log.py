"""The only writer of log records: an event of the table and values for its fields, one line each."""

import logging
import secrets
from collections.abc import Iterator, Mapping
from contextlib import suppress

from placement_client.clock import SYSTEM_CLOCK, Clock
from placement_client.redaction import outside_exceptions
from placement_client.secret import Secret
from scheduler.events.event import Event
from scheduler.events.limits import RateLimits
from scheduler.events.pseudonyms import Pseudonyms
from scheduler.events.table import EVENTS, UNDECLARED

LOGGER = "scheduler"
REDACTED = "<redacted>"
KEY_BYTES = 32
MAX_RECORD = 8192  # characters


class EventLog:
    """Writes events to the standard logger ``scheduler``; whoever set that up decides where they go.

    Called with an event and its fields. What the table does not declare is a defect: ``strict`` raises TypeError for
    it, for tests; otherwise it is redacted. Nothing else is ever raised. Without ``pseudonyms`` they are made with a
    key that this log alone knows.
    """

    def __init__(self, pseudonyms: Pseudonyms | None = None, clock: Clock = SYSTEM_CLOCK, *, strict: bool = False):
        self._pseudonyms = pseudonyms or Pseudonyms(Secret(secrets.token_bytes(KEY_BYTES)))
        self._logger = logging.getLogger(LOGGER)
        self._limits = RateLimits(clock)
        self._strict = strict

    @property
    def key_id(self) -> str:
        """Which key the pseudonyms are made with."""
        return self._pseudonyms.key_id

    def __call__(self, event: Event, /, **values: object) -> None:
        """Log an event."""
        if not self._strict and not self._logger.isEnabledFor(event.level):
            return
        declared = EVENTS.get(event.name) is event
        if self._strict and not declared:
            raise TypeError("an event that is not declared")
        if not declared:
            event, values = UNDECLARED, {}
        words = [event.name, *self._fields(event, values)]
        held_back = self._limits.admit(event)
        if held_back is not None:
            self._write(event.level, " ".join([*words, *([f"held_back={held_back}"] if held_back else [])]))

    def _fields(self, event: Event, values: Mapping[str, object]) -> Iterator[str]:
        """Give "name=value" for each declared field, and one word for all that are not declared."""
        for name in event.fields:
            yield f"{name}={self._text(event, name, values)}"
        if not values.keys() <= event.fields.keys():
            if self._strict:
                raise TypeError("a field that is not declared")
            yield f"undeclared={REDACTED}"

    def _text(self, event: Event, name: str, values: Mapping[str, object]) -> str:
        try:
            return event.fields[name].text(values.get(name), self._pseudonyms)
        except Exception:  # whatever a value does, a request does not fail for its log
            if self._strict:
                raise
        return REDACTED

    def _write(self, level: int, line: str) -> None:
        """Hand a record over: without arguments, so that it cannot fail to be formatted, and without a context.

        The empty context keeps oslo.log from adding the user and the project of the calling thread.
        """
        if not self._logger.isEnabledFor(level):
            return
        with suppress(Exception):  # a handler of the application may raise anything
            record = self._logger.makeRecord(LOGGER, level, "", 0, line[:MAX_RECORD], (), None)
            vars(record)["context"] = {}
            outside_exceptions(lambda: self._logger.handle(record))
