"""Prefilters narrow the query; together they make the one question that Placement is asked."""

from dataclasses import replace
from uuid import UUID

import msgspec
import pytest
from stevedore import ExtensionManager

from placement_client.query import CandidateQuery, RequestGroup, to_query_string
from scheduler.errors import InvalidRequest, InvalidSettings, PluginFailed
from scheduler.model import Flavor, RequestSpec, ServerGroup, TopologySpread
from scheduler.prefilters import (
    BUILT_IN,
    Asking,
    Facts,
    Refusal,
    apply_prefilters,
    load_prefilters,
    placement_queries,
    placement_query,
)
from scheduler.prefilters.protocol import BuiltIn
from scheduler.prefilters.status import compute_status_filter
from scheduler.settings import PrefilterSettings, QuestionSettings

SPEC = RequestSpec(flavor=Flavor(vcpus=1, memory_mb=64), project_id="p", user_id="u")
QUERY = CandidateQuery(groups={"": RequestGroup(resources={"VCPU": 1})})
T1, T2 = UUID(int=1), UUID(int=2)
NOVAS_ORDER = [
    "require_tenant_aggregate",
    "map_az_to_placement_aggregate",
    "require_image_type_support",
    "compute_status_filter",
    "isolate_aggregates",
    "transform_image_metadata",
    "accelerators_filter",
    "packed_virtqueue_filter",
    "routed_networks_filter",
    "remote_managed_ports_filter",
    "ephemeral_encryption_filter",
    "virtio_sound_filter",
    "tpm_secret_security_filter",
    "owner_nova_filter",
]


def without_the_disabled(query: CandidateQuery, microversion: str) -> CandidateQuery:
    return compute_status_filter(SPEC, query, Facts(), microversion, PrefilterSettings())


def applied(*rules) -> CandidateQuery | Refusal:
    named = [BuiltIn(f"rule{number}", rule) for number, rule in enumerate(rules)]
    return apply_prefilters(named, SPEC, QUERY, Facts(), "1.39", PrefilterSettings())


def test_novas_prefilters_are_there_in_novas_order():
    assert [prefilter.name for prefilter in BUILT_IN] == NOVAS_ORDER


@pytest.mark.parametrize("microversion", ["1.35", "1.39"])
def test_disabled_hosts_are_left_out_where_the_microversion_can_say_so(microversion):
    assert without_the_disabled(QUERY, microversion).root_forbidden == {"COMPUTE_STATUS_DISABLED"}


def test_an_old_microversion_leaves_disabled_hosts_to_the_filter():
    assert without_the_disabled(QUERY, "1.34") is QUERY


def test_a_request_for_disabled_hosts_is_not_contradicted():
    wanted = replace(QUERY, root_required=frozenset({"COMPUTE_STATUS_DISABLED"}))
    assert without_the_disabled(wanted, "1.39") is wanted


def test_prefilters_run_in_order_each_on_what_the_one_before_left():
    def limit(number):
        return lambda spec, query, *_: replace(query, limit=(query.limit or 0) * 10 + number)

    assert applied(limit(1), limit(2)).limit == 12


def test_the_first_refusal_ends_the_question():
    def never(*_):
        raise AssertionError("asked after a refusal")

    assert applied(lambda *_: Refusal("full_moon"), never) == Refusal("full_moon")


@pytest.mark.parametrize(
    ("rule", "problem"),
    [(lambda *_: 1 / 0, "ZeroDivisionError"), (lambda *_: None, "the answer is neither a query nor a refusal")],
)
def test_a_prefilter_that_does_anything_but_answer_stops_the_request_by_its_name(rule, problem):
    with pytest.raises(PluginFailed) as caught:
        applied(rule)
    assert (caught.value.plugin, caught.value.problem) == ("rule0", problem)


def test_what_a_prefilter_finds_wrong_with_the_request_reaches_the_caller():
    def refuse(*_):
        raise InvalidRequest("image: wrong")

    with pytest.raises(InvalidRequest, match=r"\Aimage: wrong\Z"):
        applied(refuse)


class NoSmallOnes:
    """Refuses requests without a limit, as a prefilter of somebody else might."""

    name = "NoSmallOnes"

    def narrow(self, request, query, facts, microversion, settings):
        return query if query.limit else Refusal("no_limit")


@pytest.fixture
def offered(tmp_path, monkeypatch):
    """Offer the class above by entry point, as a package that is installed does."""
    info = tmp_path / "small-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: small\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[placement_scheduler.prefilters]\nNoSmallOnes = {__name__}:NoSmallOnes\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(ExtensionManager, "ENTRY_POINT_CACHE", {})


@pytest.mark.usefixtures("offered")
def test_prefilters_of_others_run_after_those_of_nova():
    loaded = load_prefilters(QuestionSettings(extra_prefilters=("NoSmallOnes",)))
    assert [prefilter.name for prefilter in loaded] == [*NOVAS_ORDER, "NoSmallOnes"]
    assert placement_query(SPEC, Asking(limit=None, microversion="1.39", prefilters=loaded)) == Refusal("no_limit")


def test_a_prefilter_that_nobody_offers_is_named():
    with pytest.raises(InvalidSettings, match=r"\A\[filter_scheduler\] extra_prefilters: Lost is unknown\Z"):
        load_prefilters(QuestionSettings(extra_prefilters=("Lost",)))


@pytest.mark.parametrize(
    ("targets", "in_tree", "limit"), [(None, None, 50), ((), None, 50), ((T1,), T1, 50), ((T1, T2), None, None)]
)
def test_one_target_becomes_in_tree_and_several_take_the_limit_away(targets, in_tree, limit):
    query = placement_query(SPEC, Asking(limit=50, targets=targets, microversion="1.39"))
    assert (query.groups[""].in_tree, query.limit) == (in_tree, limit)


@pytest.mark.parametrize(
    "wish",
    [{"instance_group": ServerGroup(policy="soft-affinity")}, {"topology_spread": (TopologySpread(key="rack"),)}],
)
def test_a_cut_answer_could_hide_the_members_or_the_emptiest_rack(wish):
    spec = msgspec.structs.replace(SPEC, **wish)
    assert placement_query(spec, Asking(limit=50, microversion="1.39")).limit is None


@pytest.mark.parametrize("microversion", ["1.28", "1.34", "1.39"])
def test_the_query_can_be_sent_at_every_microversion(microversion):
    query = placement_query(SPEC, Asking(limit=50, microversion=microversion))
    disabled = "&root_required=!COMPUTE_STATUS_DISABLED" if microversion == "1.39" else ""
    assert to_query_string(query, microversion) == f"limit=50&resources=MEMORY_MB:64,VCPU:1{disabled}"


@pytest.mark.parametrize(
    ("policy", "fallback", "asked"),
    [
        ({"hw:cpu_policy": "dedicated", "hw:cpu_thread_policy": "require"}, True, [{"PCPU": 2}, {"VCPU": 2}]),
        ({"hw:cpu_policy": "dedicated"}, False, [{"PCPU": 2}]),
        ({"hw:cpu_policy": "mixed", "hw:cpu_dedicated_mask": "0"}, True, [{"PCPU": 1, "VCPU": 1}]),
        ({"resources:PCPU": "2"}, True, [{"PCPU": 2}]),
        ({}, True, [{"VCPU": 2}]),
    ],
)
def test_hosts_that_give_dedicated_cpus_as_vcpu_are_asked_for_in_a_second_query(policy, fallback, asked):
    """As in Nova only where all CPUs are dedicated by policy; the second query says nothing of threads."""
    spec = RequestSpec(flavor=Flavor(vcpus=2, memory_mb=0, extra_specs=policy), project_id="p", user_id="u")
    queries = placement_queries(spec, Asking(limit=50, microversion="1.39"), fallback=fallback)
    assert [query.groups[""].resources for query in queries] == asked
    assert all(not query.groups[""].required for query in queries[1:])
