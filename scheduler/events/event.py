"""What an event is; which there are is in ``scheduler.events.table``."""

from collections.abc import Mapping

from msgspec import Struct

from scheduler.events.fields import Field

OFTEN = 60


class Event(Struct, frozen=True, eq=False):
    """One kind of log record: its name, its level, what it means, its fields, and how many a minute are let through.

    ``a_minute`` None lets every one through.
    """

    name: str
    level: int
    meaning: str
    fields: Mapping[str, Field]
    a_minute: int | None = OFTEN
