"""What is logged: a table of events with typed fields, and the one writer of them.

No text of a tenant, a server or a library reaches a record: identifiers become keyed pseudonyms, the rest are counts,
times, codes and names of classes.
"""

from scheduler.events.event import Event
from scheduler.events.log import EventLog
from scheduler.events.pseudonyms import Pseudonyms
from scheduler.events.table import EVENTS

__all__ = ["Event", "EventLog", "Pseudonyms", "EVENTS"]
