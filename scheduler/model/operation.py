"""What is done with the instances of a request: an argument of the controller, never a tenant's word.

``docs/instance-operations.md`` is the table of what each reads, asks, claims and leaves.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import get_args
from uuid import UUID

import msgspec
from msgspec import Struct

from scheduler.errors import InvalidRequest
from scheduler.model import messages


class Build(Struct, frozen=True, tag="build", forbid_unknown_fields=True):
    """Place instances that hold nothing yet."""


class Unshelve(Struct, frozen=True, tag="unshelve", forbid_unknown_fields=True):
    """Place an instance that gave its room back when it was shelved."""


class Rebuild(Struct, frozen=True, tag="rebuild", forbid_unknown_fields=True):
    """Judge whether an instance may be built again, from another image, on the host it is on."""


class Migrate(Struct, frozen=True, tag="migrate", forbid_unknown_fields=True):
    """Move an instance that is off meanwhile: a cold migration, or with another flavor a resize.

    ``migration_uuid`` is the consumer that keeps the source's room until the move is finished or reverted.
    """

    migration_uuid: UUID | None = None
    allow_resize_to_same_host: bool = False


class LiveMigrate(Struct, frozen=True, tag="live_migrate", forbid_unknown_fields=True):
    """Move an instance while it runs; ``migration_uuid`` as for ``Migrate``."""

    migration_uuid: UUID | None = None


class Evacuate(Struct, frozen=True, tag="evacuate", forbid_unknown_fields=True):
    """Build an instance elsewhere whose host is down; without ``migration_uuid`` it holds the room of both hosts."""

    migration_uuid: UUID | None = None


Move = Migrate | LiveMigrate | Evacuate
Operation = Build | Unshelve | Rebuild | Move

BUILD = Build()


def name_of(operation: Operation) -> str:
    """Return what an operation is called in records and on the command line."""
    return str(operation.__struct_config__.tag)


KINDS: Mapping[str, type[Operation]] = MappingProxyType(
    {str(kind.__struct_config__.tag): kind for kind in get_args(Operation)}
)
"""The operations by name."""


def holds_room(operation: Operation) -> bool:
    """Tell whether the instance of an operation holds room when it begins."""
    return isinstance(operation, Rebuild | Move)


def checked_operation(operation: object, instances: Sequence[UUID]) -> Operation:
    """Return an operation when it is one, and takes these instances; InvalidRequest names what is wrong."""
    checked = _understood(operation)
    if isinstance(checked, Build):
        return checked
    if len(instances) != 1:
        raise InvalidRequest(f"instance_uuids: {name_of(checked)} takes exactly one instance, got {len(instances)}")
    if isinstance(checked, Move) and checked.migration_uuid in instances:
        raise InvalidRequest("operation.migration_uuid: is the instance itself")
    return checked


def _understood(operation: object) -> Operation:
    if not isinstance(operation, Operation):
        raise InvalidRequest(f"operation: expected one of those of scheduler, got {type(operation).__name__}")
    try:
        return msgspec.convert(msgspec.to_builtins(operation), type=type(operation))
    except msgspec.MsgspecError as error:
        problem = f"operation.{messages.in_words(error, type(operation))}"
    except (TypeError, ValueError):
        problem = "operation: holds something that is not JSON"
    raise InvalidRequest(problem)
