"""What Nova offers its filters and weighers for reading the metadata of a host's aggregates, under Nova's names."""

from collections.abc import Callable, Collection, Iterable
from typing import Any

from scheduler.compat.nova.host_state import HostState
from scheduler.model.facts import least_number


def aggregate_values_from_key(host_state: HostState, key_name: str) -> set[str]:
    """Return what the key says on each of the host's aggregates that has it, as it is written."""
    return {one.metadata[key_name] for one in host_state.aggregates if key_name in one.metadata}


def aggregate_metadata_get_by_host(host_state: HostState, key: str | None = None) -> dict[str, set[str]]:
    """Return the metadata of the host's aggregates merged, comma lists as sets; only of those with the key."""
    merged: dict[str, set[str]] = {}
    for one in host_state.aggregates:
        if key is None or key in one.metadata:
            for name, text in one.metadata.items():
                merged.setdefault(name, set()).update(part.strip() for part in text.split(","))
    return merged


def validate_num_values(
    vals: Collection[str],
    default: Any = None,
    cast_to: Callable[[str], Any] = int,
    based_on: Callable[[Iterable[Any]], Any] = min,
) -> Any:
    """Return one number of several: the lowest, unless told otherwise; the default of none. Raises ValueError."""
    return based_on([cast_to(value) for value in vals]) if vals else default


def get_weight_multiplier(host_state: HostState, multiplier_name: str, multiplier_config: float) -> float:
    """Return the lowest multiplier that the host's aggregates say, the configured one where none does.

    Metadata that is not a number is passed over as in Nova, and counts as if nothing were said.
    """
    return least_number(aggregate_values_from_key(host_state, multiplier_name), multiplier_config)


def instance_uuids_overlap(host_state: HostState, uuids: str | Iterable[str]) -> bool:
    """Tell whether one of these instances is on the host."""
    wanted = [uuids] if isinstance(uuids, str) else uuids
    return not host_state.instances.keys().isdisjoint(wanted)
