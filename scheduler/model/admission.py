"""Who may ask for what: the checks that every request passes before anything is decided."""

from collections.abc import Sequence
from typing import Literal, Protocol, get_args
from uuid import UUID

from msgspec import Struct, structs

from scheduler.errors import InvalidRequest, NotPermitted
from scheduler.model.decision import DecisionRecord
from scheduler.model.devices import DEVICES, device_groups
from scheduler.model.extra_specs import dropped
from scheduler.model.request import RequestContext, RequestGroup, RequestSpec
from scheduler.settings import PciAlias

Action = Literal["schedule:create", "schedule:force_host", "explain:read", "audit:read", "audit:heal", "recover:run"]
ACTIONS: tuple[str, ...] = get_args(Action)


class Owner(Struct, frozen=True):
    """Whose request an action is about; empty where it is about nobody's in particular."""

    project_id: str = ""
    user_id: str = ""


NOBODY = Owner()


class Authorize(Protocol):
    """Says whether a context may do something."""

    def __call__(self, context: RequestContext, action: Action, target: Owner, /) -> None:
        """Return when it may; raise NotPermitted when not."""
        ...


def owner_of(record: DecisionRecord | None) -> Owner:
    """Return whose request a record is about."""
    if record is None:
        return NOBODY
    return Owner(record.project_id, record.user_id)


def checked_instances(instance_uuids: Sequence[UUID | str], at_most: int) -> tuple[UUID, ...]:
    """Return the instances as UUIDs; InvalidRequest when there are none, too many, doubles or malformed ones."""
    if not 1 <= len(instance_uuids) <= at_most:
        raise InvalidRequest(f"instance_uuids: expected 1 to {at_most} instances, got {len(instance_uuids)}")
    instances = tuple(one if isinstance(one, UUID) else _uuid(one, at) for at, one in enumerate(instance_uuids))
    if len(set(instances)) < len(instances):
        raise InvalidRequest("instance_uuids: an instance is named twice")
    return instances


def understood(
    spec: RequestSpec, *, lenient: bool, devices: Sequence[PciAlias] | None = None
) -> tuple[RequestSpec, tuple[str, ...]]:
    """Return the request after all checks, and what of its extra specs was dropped, which is only with leniency.

    Devices that the flavor asks for by these aliases are groups of the request then; None: none can be asked for.
    """
    checked = spec.checked(lenient=lenient)
    if DEVICES in checked.flavor.extra_specs:
        checked = _with_devices(checked, devices).checked()
    return checked, dropped(spec.flavor.extra_specs) if lenient else ()


def _with_devices(spec: RequestSpec, aliases: Sequence[PciAlias] | None) -> RequestSpec:
    extra_specs = dict(spec.flavor.extra_specs)
    groups = tuple(
        RequestGroup(requester_id=suffix, resources={alias.resource_class: 1}, required_traits=alias.traits)
        for suffix, alias in device_groups(extra_specs.pop(DEVICES), aliases)
    )
    flavor = structs.replace(spec.flavor, extra_specs=extra_specs)
    return structs.replace(spec, flavor=flavor, requested_resources=(*spec.requested_resources, *groups))


def _uuid(text: str, at: int) -> UUID:
    try:
        return UUID(text)
    except (ValueError, AttributeError, TypeError):
        problem = f"instance_uuids[{at}]: expected a UUID"
    raise InvalidRequest(problem)


def admit(context: RequestContext, spec: RequestSpec, authorize: Authorize) -> None:
    """Check that the context may make this request; NotPermitted says what it lacks."""
    owner = Owner(spec.project_id, spec.user_id)
    check_owner(context, owner)
    authorize(context, "schedule:create", owner)
    if spec.force_hosts or spec.force_nodes:
        authorize(context, "schedule:force_host", owner)


def check_owner(context: RequestContext, owner: Owner) -> None:
    """Check that the context may place instances of this owner; no policy makes this rule weaker."""
    if not context.is_elevated and (context.project_id, context.user_id) != (owner.project_id, owner.user_id):
        raise NotPermitted("project_id and user_id must be the context's, unless the context is elevated.")


def by_elevation(context: RequestContext, action: Action, target: Owner) -> None:
    """Let owners make requests and elevated contexts do the rest: the rule where no policy file is set."""
    if action == "schedule:create" or context.is_elevated:
        return
    forced = action == "schedule:force_host"
    raise NotPermitted(f"{'force_hosts and force_nodes need' if forced else f'{action} needs'} an elevated context.")
