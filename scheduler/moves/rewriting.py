"""What an operation makes of a request: a pure function, so that all that follows need not know of operations."""

from msgspec import structs

from scheduler.errors import InvalidRequest
from scheduler.model import Destination, Migrate, Operation, Rebuild, RequestSpec
from scheduler.moves.source import Source

ON_SEVERAL = "instance_uuids[0]: holds room on more than one host; finish or undo its last move first"
IN_ANOTHER_CELL = "requested_destination.cell: is not the cell that the instance is in; see allow_cross_cell_move"


def request_from(source: Source, operation: Operation, spec: RequestSpec) -> RequestSpec:
    """Return the request for an instance that is somewhere already. Raises InvalidRequest naming what contradicts that.

    A move ignores the host that the instance is on, unless it may stay there, and stays in its cell.
    """
    spec = without_itself(spec, source)
    if isinstance(operation, Rebuild):
        return at_home(spec, source)
    may_stay = isinstance(operation, Migrate) and operation.allow_resize_to_same_host
    return in_cell(spec if may_stay else elsewhere(spec, source), source)


def without_itself(spec: RequestSpec, source: Source) -> RequestSpec:
    """Return the request whose server group does not count the instance among the members on its host."""
    group = spec.instance_group
    if group is None or source.instance_uuid not in group.members:
        return spec
    at = next((group.hosts.index(host.name) for host in source.hosts if host.name in group.hosts), len(group.hosts))
    others = group.hosts[:at] + group.hosts[at + 1 :]  # once: each member names its host once
    return structs.replace(spec, instance_group=structs.replace(group, hosts=others))


def at_home(spec: RequestSpec, source: Source) -> RequestSpec:
    """Return the request of a rebuild; forced hosts that the instance is on are met, so that filters are asked."""
    if len(source.hosts) != 1:
        raise InvalidRequest(ON_SEVERAL)
    (host,) = source.hosts
    is_forced = not spec.force_hosts or host.name.lower() in {name.lower() for name in spec.force_hosts}
    if is_forced and (not spec.force_nodes or host.node in spec.force_nodes):
        return structs.replace(spec, force_hosts=(), force_nodes=())
    return spec


def elsewhere(spec: RequestSpec, source: Source) -> RequestSpec:
    """Return the request that ignores the hosts of the instance."""
    here = {host.name.lower(): host.name for host in source.hosts}
    wanted = spec.requested_destination
    forced = [at for at, name in enumerate(spec.force_hosts) if name.lower() in here]
    problems = [f"force_hosts[{at}]: the instance is there" for at in forced]
    if wanted and wanted.host and wanted.host.lower() in here:
        problems.append("requested_destination.host: the instance is there")
    if problems:
        raise InvalidRequest(*problems)
    ignored = {name.lower() for name in spec.ignore_hosts}
    more = tuple(name for lower, name in here.items() if lower not in ignored)
    return structs.replace(spec, ignore_hosts=(*spec.ignore_hosts, *more))


def in_cell(spec: RequestSpec, source: Source) -> RequestSpec:
    """Return the request that stays in the cell of the instance, or where it may be left, prefers it.

    A host that is asked for by name may be in any cell then, as in Nova.
    """
    cells = {host.cell for host in source.hosts}
    wanted = spec.requested_destination or Destination()
    if None in cells or len(cells) != 1:
        return spec
    (cell,) = cells
    if wanted.allow_cross_cell_move:
        cell = wanted.cell or (None if wanted.host or wanted.node else cell)
    elif wanted.cell not in {None, cell}:
        raise InvalidRequest(IN_ANOTHER_CELL)
    return structs.replace(spec, requested_destination=structs.replace(wanted, cell=cell))
