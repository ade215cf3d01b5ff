"""Whose claim it is: the context's, unless it is elevated, and Placement accounts it to exactly that owner."""

import itertools
from uuid import uuid4

import pytest

from placement_client.testing import RealPlacement
from scheduler import NotPermitted, RequestContext
from scheduler.model.admission import ACTIONS, NOBODY, Owner, admit, by_elevation, check_owner
from tests.flow.fleet import SPEC, add_hosts, reservations, scheduler_on

OWNERS = ("somebody", "somebody-else", "Somebody", "")
PROJECTS = ("tenant", "tenant2", "TENANT", "")


@pytest.mark.parametrize("is_elevated", [False, True])
def test_owner_mismatch_forbidden(is_elevated: bool) -> None:
    """Four projects and four users, elevated or not: only the owner, or an elevated context, claims for the owner."""
    with RealPlacement() as real:
        client = real.client(wrap=lambda adapter: adapter)
        add_hosts(client, 2, vcpus=1000, memory_mb=1 << 20)
        with scheduler_on(real) as scheduler:
            for project, user in itertools.product(PROJECTS, OWNERS):
                context, instance = RequestContext(project_id=project, user_id=user, is_elevated=is_elevated), uuid4()
                if is_elevated or (project, user) == ("tenant", "somebody"):
                    scheduler.select_destinations(context, SPEC, [instance])
                    held = client.get_allocations(instance)
                    assert (held.project_id, held.user_id) == ("tenant", "somebody")
                else:
                    with pytest.raises(NotPermitted, match="project_id and user_id must be the context's"):
                        scheduler.select_destinations(context, SPEC, [instance])
                    assert client.get_allocations(instance).amounts() == {}
        assert reservations(client) == 0


def test_no_authorizer_makes_the_owner_rule_weaker() -> None:
    """Even one that lets everybody do everything."""
    stranger = RequestContext(project_id="other", user_id="other")
    with pytest.raises(NotPermitted, match="project_id and user_id"):
        admit(stranger, SPEC, lambda context, action, target: None)
    check_owner(RequestContext(project_id="other", user_id="other", is_elevated=True), Owner("tenant", "somebody"))


def test_without_a_policy_file_an_elevated_context_may_do_everything_and_others_only_create() -> None:
    plain, elevated = (RequestContext(project_id="p", user_id="u", is_elevated=flag) for flag in (False, True))
    assert [action for action in ACTIONS if allowed(plain, action)] == ["schedule:create"]
    assert [action for action in ACTIONS if allowed(elevated, action)] == list(ACTIONS)


def allowed(context: RequestContext, action: str) -> bool:
    try:
        by_elevation(context, action, NOBODY)  # type: ignore[arg-type]
    except NotPermitted as refusal:
        return not str(refusal).endswith("an elevated context.")
    return True
