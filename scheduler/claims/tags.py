"""Tags: how a hold says which instance it is for, and of which server group, to whoever knows them already."""

import hashlib
from uuid import UUID

_RANDOM_BITS = 50
_LOW_BITS = (1 << 64) - 1
_MEETING_POINTS = 0xFFF


def tag_of(instance: UUID) -> int:
    """Return the tag of an instance, 60 bits; nobody can tell the instance from it."""
    return _digest(instance) >> 4


def tagged(minted: UUID, instance: UUID, group: UUID | None = None) -> UUID:
    """Return a version 4 UUID: the tag of an instance, 12 bits that are its group's, and 50 that are the minted ones.

    Without a group all 62 bits behind the tag are the minted ones.
    """
    tag, rest = tag_of(instance), minted.int & _LOW_BITS
    if group is not None:
        rest = rest & ~(_MEETING_POINTS << _RANDOM_BITS) | (_digest(group) & _MEETING_POINTS) << _RANDOM_BITS
    return UUID(int=tag >> 12 << 80 | (tag & 0xFFF) << 64 | rest, version=4)


def tag_on(consumer: UUID) -> int:
    """Return the 60 bits of a UUID that are a tag, where it is that of a tagged hold."""
    return consumer.int >> 80 << 12 | consumer.int >> 64 & 0xFFF


def meeting_point_of(group: UUID) -> str:
    """Return the user in whose name the holds of a group are made, so that they can be counted; one of 4096."""
    return f"group-{_digest(group) & _MEETING_POINTS:03x}"


def meeting_point_on(consumer: UUID) -> str:
    """Return the user in whose name a tagged hold is made."""
    return f"group-{consumer.int >> _RANDOM_BITS & _MEETING_POINTS:03x}"


def _digest(uuid: UUID) -> int:
    return int.from_bytes(hashlib.blake2b(uuid.bytes, digest_size=8, person=b"placement-sched").digest())
