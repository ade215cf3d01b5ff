"""Tags: a hold says whose it is to whoever knows the instance, and is as new as any other."""

from uuid import UUID, uuid4

from hypothesis import given
from hypothesis import strategies as st

from scheduler.claims.tags import meeting_point_of, meeting_point_on, tag_of, tag_on, tagged

uuids = st.uuids(version=4)


@given(minted=uuids, instance=uuids)
def test_a_tagged_hold_is_a_random_uuid_whose_first_60_bits_are_the_tag(minted: UUID, instance: UUID) -> None:
    hold = tagged(minted, instance)
    assert (hold.version, hold.variant) == (4, minted.variant)
    assert tag_on(hold) == tag_of(instance) < 1 << 60
    assert hold.int & (1 << 64) - 1 == minted.int & (1 << 64) - 1


@given(minted=uuids, instance=uuids, group=uuids)
def test_a_hold_of_a_group_tells_where_its_group_meets_and_still_has_50_random_bits(
    minted: UUID, instance: UUID, group: UUID
) -> None:
    hold = tagged(minted, instance, group)
    assert (hold.version, hold.variant, tag_on(hold)) == (4, minted.variant, tag_of(instance))
    assert meeting_point_on(hold) == meeting_point_of(group)
    assert hold.int & (1 << 50) - 1 == minted.int & (1 << 50) - 1


@given(minted=uuids, instance=uuids, other=uuids)
def test_every_hold_of_an_instance_is_another_one_and_no_other_instance_has_its_tag(
    minted: UUID, instance: UUID, other: UUID
) -> None:
    assert tagged(minted, instance) != tagged(uuid4(), instance)
    assert other == instance or tag_of(other) != tag_of(instance)


def test_the_tag_of_an_instance_is_the_same_for_every_release() -> None:
    """Schedulers of two releases have to understand each other."""
    assert tag_of(UUID("00000000-0000-4000-8000-000000000001")) == 0x7E872A232349570
