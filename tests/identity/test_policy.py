"""The policy file: what it grants, that it grants nothing else, and what is refused as a file."""

import logging
import os
from pathlib import Path
from uuid import uuid4

import pytest

from placement_client.testing import RealPlacement
from scheduler import InvalidSettings, NotPermitted, RequestContext, RequestSpec, SchedulingUnavailable
from scheduler.model.admission import ACTIONS, NOBODY, Action, Owner
from scheduler.policy import PolicyFile
from tests.architecture.source import ROOT
from tests.flow.fleet import CONTEXT, SPEC, add_hosts, reservations, scheduler_on

OWNER = Owner("tenant", "somebody")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "policy.yaml"


def write(file: Path, text: str) -> None:
    """Write the file anew, as a careful operator does: whole, and in the place of the old one."""
    fresh = file.with_suffix(".new")
    fresh.write_text(text)
    os.replace(fresh, file)


def allowed(policy: PolicyFile, action: Action, target: Owner = OWNER, **context: object) -> bool:
    """Ask for a user of another project, unless told otherwise."""
    asking = RequestContext(**({"project_id": "other", "user_id": "other"} | context))
    try:
        policy(asking, action, target)
    except NotPermitted as refusal:
        return action not in str(refusal) or refusal.__context__ is not None
    return True


@pytest.mark.parametrize("named", ACTIONS)
def test_what_the_file_does_not_mention_is_refused_to_everybody(file: Path, named: str) -> None:
    """The default is deny, for elevated contexts too."""
    write(file, f'"{named}": "@"')
    policy = PolicyFile(str(file))
    for elevated in (False, True):
        assert [one for one in ACTIONS if allowed(policy, one, is_elevated=elevated, roles=("admin",))] == [named]


@pytest.mark.parametrize(
    ("rule", "context", "grants"),
    [
        ("role:ops", {"roles": ("ops",)}, True),
        ("role:ops", {"roles": ("OPS", "x")}, True),
        ("role:ops", {"roles": ("opsx",)}, False),
        ("role:ops", {}, False),
        ("is_elevated:True", {"is_elevated": True}, True),
        ("is_elevated:True", {}, False),
        ("user_id:alice", {"user_id": "alice"}, True),
        ("user_id:alice", {"user_id": "mallory"}, False),
        ("project_id:%(project_id)s", {"project_id": "tenant"}, True),
        ("project_id:%(project_id)s", {}, False),
        ("user_id:%(user_id)s", {"user_id": "somebody"}, True),
        ("rule:operators", {"roles": ("ops",)}, True),
        ("not role:ops", {"roles": ("ops",)}, False),
        ("role:ops and not user_id:mallory", {"roles": ("ops",), "user_id": "mallory"}, False),
        ("role:x or (role:ops and is_elevated:True)", {"roles": ("ops",), "is_elevated": True}, True),
        ("!", {"is_elevated": True}, False),
        ("@", {}, True),
    ],
)
def test_a_rule_looks_at_the_context_and_at_the_owner(file: Path, rule: str, context: dict, grants: bool) -> None:
    write(file, f'"explain:read": "{rule}"\n"audit:read": "rule:operators"\n"operators": "role:ops"')
    assert allowed(PolicyFile(str(file)), "explain:read", **context) is grants


def test_nothing_is_not_equal_to_nothing(file: Path) -> None:
    """An action about nobody's request is not one of a context without a project."""
    write(file, '"explain:read": "project_id:%(project_id)s or user_id:%(user_id)s"')
    assert not allowed(PolicyFile(str(file)), "explain:read", NOBODY, project_id="", user_id="")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "holds no rules"),
        ("# nothing\n", "holds no rules"),
        ("- audit:read", "holds no rules"),
        ("audit:read: [", "is not YAML"),
        ("audit:reed: '@'", "audit:reed: unknown action, did you mean audit:read?"),
        ("default: '@'", "default: unknown action; actions are schedule:create"),
        ("audit:read: '@'\naudit:read: '!'", "audit:read: given more than once"),
        ("audit:read: true", "audit:read: a rule is a name and a text"),
        ("audit:read: [[role:ops]]", "audit:read: a rule is a name and a text"),
        ("audit:read: rule:ops", "rule:ops is used but not defined"),
        ("audit:read: rule:a\na: not rule:b\nb: rule:a", "in a circle"),
        ("audit:read: roles:ops", "audit:read: roles:ops is not understood"),
        ("audit:read: ops", "audit:read: ops is not understood"),
        ("audit:read: http://other.test/", "audit:read: 'http://other.test/' is not understood"),
        ("audit:read: is_elevated:true", "is_elevated is True or False"),
        ("audit:read: project_id:%(tenant)s", "only %(project_id)s and %(user_id)s are known"),
        ("audit:read: role:a role:b", "audit:read: cannot be parsed"),
        ("audit:read: (role:a", "audit:read: cannot be parsed"),
    ],
)
def test_a_file_that_would_silently_mean_something_else_is_refused(file: Path, text: str, problem: str) -> None:
    write(file, text)
    with pytest.raises(InvalidSettings) as caught:
        PolicyFile(str(file))
    assert any(f"[policy] policy_file: {problem}" in one or problem in one for one in caught.value.problems)
    assert caught.value.__context__ is None


def test_a_file_that_is_not_there_is_refused(file: Path) -> None:
    with pytest.raises(InvalidSettings, match=r"\[policy\] policy_file: cannot be read: No such file"):
        PolicyFile(str(file))


def test_a_change_counts_from_the_next_question_on(file: Path) -> None:
    write(file, 'audit:read: "role:ops"')
    policy = PolicyFile(str(file))
    assert not allowed(policy, "audit:read", roles=("auditor",))
    write(file, 'audit:read: "role:auditor"')
    assert allowed(policy, "audit:read", roles=("auditor",))
    assert not allowed(policy, "audit:read", roles=("ops",))


@pytest.mark.parametrize("damage", ["audit:read: [", None], ids=["damaged", "gone"])
def test_a_file_that_cannot_be_used_any_more_lets_nobody_do_anything(file: Path, damage: str | None) -> None:
    """The old rules do not go on: who wrote the file meant something else."""
    write(file, "audit:read: '@'")
    policy = PolicyFile(str(file))
    assert allowed(policy, "audit:read")
    file.unlink() if damage is None else write(file, damage)
    for _ in range(2):
        with pytest.raises(SchedulingUnavailable) as caught:
            allowed(policy, "audit:read")
        assert (caught.value.reason, caught.value.__context__) == ("policy_file_unusable", None)
    write(file, "audit:read: '@'")
    assert allowed(policy, "audit:read")


def test_no_identifier_of_a_context_gets_into_the_debug_log(file: Path, caplog: pytest.LogCaptureFixture) -> None:
    """oslo.policy's own ``enforce`` would write the credentials there, as the last line shows."""
    write(file, "audit:read: role:ops")
    policy = PolicyFile(str(file))
    with caplog.at_level(logging.DEBUG):
        allowed(policy, "audit:read", project_id="project-canary", user_id="user-canary")
        assert "canary" not in caplog.text
        policy._enforcer.enforce("audit:read", {}, {"user_id": "user-canary"})
        assert "canary" in caplog.text


def forced(**changes: object) -> RequestSpec:
    return RequestSpec(flavor=SPEC.flavor, project_id="tenant", user_id="somebody", force_hosts=("h1",), **changes)


def test_the_policy_decides_who_forces_hosts_and_reads_records(file: Path) -> None:
    """In a scheduler built from an ini; the owner rule holds whatever the file says."""
    write(
        file,
        'schedule:create: "@"\nschedule:force_host: "role:ops"\n'
        'explain:read: "role:ops or (project_id:%(project_id)s and user_id:%(user_id)s)"\n',
    )
    ops = RequestContext(project_id="tenant", user_id="somebody", roles=("ops",))
    with RealPlacement() as real:
        client = real.client(wrap=lambda adapter: adapter)
        add_hosts(client, 2)
        with scheduler_on(real, f"[policy]\npolicy_file = {file}\n") as scheduler:
            with pytest.raises(NotPermitted, match="schedule:force_host is refused by the policy file"):
                scheduler.select_destinations(CONTEXT, forced(), [uuid4()])
            scheduler.select_destinations(ops, forced(), [uuid4()])
            request_id = scheduler.record().request_id
            assert scheduler.explain(CONTEXT, request_id) == scheduler.record()
            stranger = RequestContext(project_id="other", user_id="other", is_elevated=True)
            unknown = "req-00000000-0000-4000-8000-000000000000"
            for asked in (request_id, unknown):
                with pytest.raises(NotPermitted, match="explain:read"):
                    scheduler.explain(stranger, asked)
            assert scheduler.explain(ops, unknown) is None
            with pytest.raises(NotPermitted, match="project_id and user_id must be the context's"):
                scheduler.select_destinations(RequestContext(project_id="other", user_id="other"), SPEC, [uuid4()])
        assert reservations(client) == 0


def test_without_a_file_the_messages_are_what_they_were(file: Path) -> None:
    with RealPlacement() as real:
        add_hosts(real.client(wrap=lambda adapter: adapter), 1)
        with scheduler_on(real) as scheduler:
            with pytest.raises(NotPermitted, match=r"^force_hosts and force_nodes need an elevated context\.$"):
                scheduler.select_destinations(CONTEXT, forced(), [uuid4()])
            with pytest.raises(NotPermitted, match=r"^explain:read needs an elevated context\.$"):
                scheduler.explain(CONTEXT, scheduler.record().request_id)


def test_a_policy_file_that_cannot_be_used_stops_the_start(file: Path) -> None:
    write(file, "audit:reed: '@'")
    with RealPlacement() as real, pytest.raises(InvalidSettings, match="audit:reed"):
        scheduler_on(real, f"[policy]\npolicy_file = {file}\n")


def test_the_sample_is_a_policy_file() -> None:
    """It grants owners their requests and records, and operators the rest."""
    policy = PolicyFile(str(ROOT / "etc" / "policy.yaml.sample"))
    assert [one for one in ACTIONS if allowed(policy, one)] == ["schedule:create"]
    owner = {"project_id": "tenant", "user_id": "somebody"}
    assert [one for one in ACTIONS if allowed(policy, one, **owner)] == ["schedule:create", "explain:read"]
    assert all(allowed(policy, one, NOBODY, roles=("placement-operators",)) for one in ACTIONS)
