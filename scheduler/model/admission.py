"""Who may ask for what: the checks that every request passes before anything is decided."""

from collections.abc import Sequence
from uuid import UUID

from scheduler.errors import InvalidRequest, NotPermitted
from scheduler.model.request import RequestContext, RequestSpec


def checked_instances(instance_uuids: Sequence[UUID | str], at_most: int) -> tuple[UUID, ...]:
    """Return the instances as UUIDs; InvalidRequest when there are none, too many, doubles or malformed ones."""
    if not 1 <= len(instance_uuids) <= at_most:
        raise InvalidRequest(f"instance_uuids: expected 1 to {at_most} instances, got {len(instance_uuids)}")
    instances = tuple(one if isinstance(one, UUID) else _uuid(one, at) for at, one in enumerate(instance_uuids))
    if len(set(instances)) < len(instances):
        raise InvalidRequest("instance_uuids: an instance is named twice")
    return instances


def _uuid(text: str, at: int) -> UUID:
    try:
        return UUID(text)
    except (ValueError, AttributeError, TypeError):
        problem = f"instance_uuids[{at}]: expected a UUID"
    raise InvalidRequest(problem)


def check_owner(context: RequestContext, spec: RequestSpec) -> None:
    """Check that the context may place instances of this owner there; NotPermitted says what it lacks."""
    if context.is_elevated:
        return
    if (context.project_id, context.user_id) != (spec.project_id, spec.user_id):
        raise NotPermitted("project_id and user_id must be the context's, unless the context is elevated.")
    if spec.force_hosts or spec.force_nodes:
        raise NotPermitted("force_hosts and force_nodes need an elevated context.")
