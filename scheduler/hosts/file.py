"""Facts of hosts from a JSON or YAML file that an operator or a controller keeps.

The file holds ``hosts`` (a list of facts) and optionally ``aggregates``; see the fields of ``HostFact`` and
``AggregateFact``. It is the whole truth: a host that Placement offers and the file does not hold is treated as Nova
treats a node without service record, it is not used. A new version that cannot be read is an error, not a reason to go
on with the old one: it may be the one that disables a burning host.
"""

import threading
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

import msgspec
import yaml

from placement_client.clock import SYSTEM_CLOCK, Clock, Deadline
from scheduler.errors import InvalidSettings
from scheduler.hosts.snapshot import HostSnapshot, snapshot_of
from scheduler.hosts.source import HostSource
from scheduler.model import plain_yaml
from scheduler.model.facts import AggregateFact, HostFact, number_in
from scheduler.model.messages import in_words, named, shown

Read = TypeVar("Read")
Stamp = tuple[int, int, int]

MULTIPLIER = "_weight_multiplier"
"""How the keys of aggregate metadata end that override a multiplier."""

_NO_LISTING = HostSnapshot()


class HostsFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The content of a hosts file."""

    hosts: tuple[HostFact, ...]
    aggregates: tuple[AggregateFact, ...] = ()


class FileHostSource:
    """Facts from a file, read again when it changes.

    ``placement``, where given, finds the root provider of entries that give no ``provider_uuid``, by name; without it
    every entry must give one. InvalidSettings names file, entry and field. Thread-safe.
    """

    def __init__(self, path: str | Path, placement: HostSource | None = None, clock: Clock = SYSTEM_CLOCK) -> None:
        self._path = Path(path)
        self._placement = placement
        self._clock = clock
        self._lock = threading.Lock()
        self._stamp: Stamp | None = None
        self._content = HostsFile(hosts=())
        self._listing = _NO_LISTING
        self._latest = _NO_LISTING

    def snapshot(self, wanted: Collection[UUID] = (), deadline: Deadline | None = None) -> HostSnapshot:
        """Return the facts of the file as it is now, joined with the names in Placement."""
        listing = self._placement.snapshot(wanted, deadline) if self._placement else _NO_LISTING
        with self._lock:
            stamp = _stamp_of(self._path)
            if stamp != self._stamp or listing is not self._listing:
                self._refresh(stamp, listing)
            return self._dated(self._latest)

    def _refresh(self, stamp: Stamp, listing: HostSnapshot) -> None:
        if stamp != self._stamp:
            self._content = read_hosts(self._path, uuids_needed=self._placement is None)
        self._latest = snapshot_of(
            self._content.hosts,
            provider_names=listing.provider_names,
            aggregates=(*listing.aggregates.values(), *self._content.aggregates),
            reserved=listing.reserved,
        )
        self._stamp, self._listing = stamp, listing

    def _dated(self, latest: HostSnapshot) -> HostSnapshot:
        """Return the snapshot with the time of now where a fact says when the host was last seen."""
        if all(fact.last_seen_up is None for fact in self._content.hosts):
            return latest
        return latest.at(self._clock.wall())


def read_hosts(path: Path, *, uuids_needed: bool) -> HostsFile:
    """Read a hosts file; InvalidSettings names every problem that can be told at once."""
    content = _told(path, lambda: msgspec.convert(_parsed(path), HostsFile))
    problems = [*_duplicates(content), *_not_numbers(content), *(_without_uuid(content) if uuids_needed else ())]
    if problems:
        raise InvalidSettings(*(f"{path}: {problem}" for problem in problems))
    return content


def _parsed(path: Path) -> Any:
    data = path.read_bytes()
    return msgspec.json.decode(data) if path.suffix == ".json" else plain_yaml.load(data)


def _told(path: Path, read: Callable[[], Read]) -> Read:
    try:
        return read()
    except OSError as error:
        problem = f"cannot be read: {error.strerror}"
    except yaml.MarkedYAMLError as error:
        where = error.problem_mark
        problem = "is not YAML" + (f": line {where.line + 1}, column {where.column + 1}" if where else "")
    except msgspec.DecodeError as error:
        problem = in_words(error, HostsFile, "hosts file")
    except (yaml.YAMLError, ValueError, RecursionError):  # ValueError: a date or number that YAML cannot make
        problem = "is neither YAML nor JSON"
    raise InvalidSettings(f"{path}: {problem}")


def _duplicates(content: HostsFile) -> Iterator[str]:
    nodes = Counter((fact.name, fact.nodename) for fact in content.hosts)
    uuids = Counter(fact.provider_uuid for fact in content.hosts if fact.provider_uuid)
    aggregates = Counter(aggregate.uuid for aggregate in content.aggregates)
    yield from (
        f"hosts: {named(name)}, node {named(node)}, is given twice"
        for (name, node), times in nodes.items()
        if times > 1
    )
    yield from (f"hosts: provider_uuid {uuid} is given twice" for uuid, times in uuids.items() if times > 1)
    yield from (f"aggregates: {uuid} is given twice" for uuid, times in aggregates.items() if times > 1)


def _not_numbers(content: HostsFile) -> Iterator[str]:
    """Find multipliers that would be passed over; who wrote them would not notice."""
    for position, aggregate in enumerate(content.aggregates):
        for key, value in aggregate.metadata.items():
            if key.endswith(MULTIPLIER) and number_in(value) is None:
                yield f"aggregates[{position}].metadata[{shown(key)}]: expected a number from -1e100 to 1e100"


def _without_uuid(content: HostsFile) -> Iterator[str]:
    for position, fact in enumerate(content.hosts):
        if fact.provider_uuid is None:
            yield f"hosts[{position}].provider_uuid: needed, as nothing else tells the provider of {named(fact.name)}"


def _stamp_of(path: Path) -> Stamp:
    stat = _told(path, path.stat)
    return stat.st_mtime_ns, stat.st_size, stat.st_ino
