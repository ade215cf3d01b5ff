"""PCI devices that a flavor asks for by alias: a request group each, so that each comes from one provider.

Rule: Nova's "PCI in Placement". The groups of the nth alias of a flavor are ``pci-n-0``, ``pci-n-1`` and so on.
"""

import re
from collections.abc import Iterator, Sequence

from scheduler.errors import InvalidRequest
from scheduler.model.group_specs import Misfit
from scheduler.model.messages import NOT_HONOURED, shown
from scheduler.settings import PciAlias

DEVICES = "pci_passthrough:alias"
MOST_DEVICES = 64
"""Devices of a flavor; the work of Placement grows steeply with the number of groups."""

_FIELD = f"flavor.extra_specs['{DEVICES}']"
_COUNTED = re.compile(r"\s*([^:,]{1,256}?)\s*:\s*([0-9]{1,2})\s*")

PCI_CLASS = "CUSTOM_PCI_"
"""How the resource classes of PCI devices begin that Nova names itself; a unit is a device."""


def devices_in(value: str) -> list[tuple[str, int]]:
    """Return the aliases of an extra spec, and how many devices of each. Raises Misfit."""
    matches = [_COUNTED.fullmatch(part) for part in value.split(",")]
    found = [(match[1], int(match[2])) for match in matches if match]
    if len(found) < len(matches) or not all(count for _, count in found):
        raise Misfit("must be aliases with how many devices each, like gpu:2,nic:1")
    if sum(count for _, count in found) > MOST_DEVICES:
        raise Misfit(f"must ask for at most {MOST_DEVICES} devices")
    return found


def device_groups(value: str, aliases: Sequence[PciAlias] | None) -> Iterator[tuple[str, PciAlias]]:
    """Yield the suffix of its group, and the alias, of each device; ``aliases`` None: no device can be asked for.

    Raises InvalidRequest naming every alias that is unknown.
    """
    if aliases is None:
        raise InvalidRequest(f"{_FIELD}: {NOT_HONOURED}: [filter_scheduler] pci_in_placement is off")
    known, wanted = {alias.name: alias for alias in aliases}, devices_in(value)
    unknown = [f"{_FIELD}: {shown(name)} is not in [pci] alias" for name, _ in wanted if name not in known]
    if unknown:
        raise InvalidRequest(*unknown)
    for position, (name, count) in enumerate(wanted):
        yield from ((f"pci-{position}-{number}", known[name]) for number in range(count))
