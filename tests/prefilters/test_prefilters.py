"""Prefilters narrow the query; together they make the one question that Placement is asked."""

from dataclasses import replace
from uuid import UUID

import pytest

from placement_client.query import CandidateQuery, RequestGroup, to_query_string
from scheduler.model import Flavor, RequestSpec
from scheduler.prefilters import apply_prefilters, compute_status_filter, placement_query

SPEC = RequestSpec(flavor=Flavor(vcpus=1, memory_mb=64), project_id="p", user_id="u")
QUERY = CandidateQuery(groups={"": RequestGroup(resources={"VCPU": 1})})
T1, T2 = UUID(int=1), UUID(int=2)


@pytest.mark.parametrize("microversion", ["1.35", "1.39"])
def test_disabled_hosts_are_left_out_where_the_microversion_can_say_so(microversion):
    assert compute_status_filter(SPEC, QUERY, microversion).root_forbidden == {"COMPUTE_STATUS_DISABLED"}


def test_an_old_microversion_leaves_disabled_hosts_to_the_filter():
    assert compute_status_filter(SPEC, QUERY, "1.34") is QUERY


def test_a_request_for_disabled_hosts_is_not_contradicted():
    wanted = replace(QUERY, root_required=frozenset({"COMPUTE_STATUS_DISABLED"}))
    assert compute_status_filter(SPEC, wanted, "1.39") is wanted


def test_prefilters_run_in_order_each_on_what_the_one_before_left():
    def limit(number):
        return lambda spec, query, microversion: replace(query, limit=(query.limit or 0) * 10 + number)

    assert apply_prefilters((limit(1), limit(2)), SPEC, QUERY, "1.39").limit == 12


@pytest.mark.parametrize(
    ("targets", "in_tree", "limit"), [(None, None, 50), ((), None, 50), ((T1,), T1, 50), ((T1, T2), None, None)]
)
def test_one_target_becomes_in_tree_and_several_take_the_limit_away(targets, in_tree, limit):
    query = placement_query(SPEC, limit=50, targets=targets, microversion="1.39")
    assert (query.groups[""].in_tree, query.limit) == (in_tree, limit)


@pytest.mark.parametrize("microversion", ["1.28", "1.34", "1.39"])
def test_the_query_can_be_sent_at_every_microversion(microversion):
    query = placement_query(SPEC, limit=50, targets=None, microversion=microversion)
    disabled = "&root_required=!COMPUTE_STATUS_DISABLED" if microversion == "1.39" else ""
    assert to_query_string(query, microversion) == f"limit=50&resources=MEMORY_MB:64,VCPU:1{disabled}"
