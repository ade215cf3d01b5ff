"""JsonFilter: Nova's operators over listed columns, and what is refused."""

import json
import operator
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scheduler.errors import InvalidRequest
from scheduler.filters import check_demands
from scheduler.filters.queries import MAX_DEPTH, MAX_TERMS, NUMBERS, MalformedQuery, query_of
from tests.filters.asking import made, passing
from tests.hosts.fleets import Node, row_of, spec, table, uid

CPU = {"topology": {"cores": 16}, "features": ["avx"], "vendor": "Intel", "big": 10**30}
FLEET = table(
    Node(
        "big",
        {"VCPU": (32, 4), "MEMORY_MB": (4096, 1024), "DISK_GB": (100, 40)},
        facts={"hypervisor_type": "QEMU", "host_ip": "10.0.0.1", "cpu_info": CPU, "stats": {"ssd": "yes", "n": "7"}},
    ),
    Node("small", {"VCPU": (2, 0), "MEMORY_MB": (512, 0)}, facts={"hypervisor_type": "xen", "num_io_ops": 3}),
    Node("stranger", {"VCPU": (2, 2)}, known=False),
    provider_names={uid("stranger"): "stranger"},
)
ALL = {"big", "small", "stranger"}


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ([], ALL),
        ([">=", "$free_ram_mb", 3072], {"big"}),
        ([">", "$free_ram_mb", 3072], set()),
        (["<", "$vcpus_used", 1], {"small"}),
        (["<=", "$vcpus_used", 2], {"small", "stranger"}),
        (["=", "$vcpus_total", 2], {"small", "stranger"}),
        (["=", "$vcpus_total", 2.0], {"small", "stranger"}),
        (["=", 2, "$vcpus_total"], {"small", "stranger"}),
        (["=", "$vcpus_total", "2"], set()),
        ([">", "$vcpus_total", "1"], set()),
        ([">", 16, "$vcpus_total", "$num_io_ops"], {"small", "stranger"}),
        (["=", "$free_disk_mb", 61440], {"big"}),
        (["=", "$hypervisor_type", "QEMU"], {"big"}),
        (["<", "$hypervisor_type", "a"], {"big"}),
        (["in", "$hypervisor_type", "xen", "QEMU"], {"big", "small"}),
        (["in", "$num_io_ops", 1, 2, 3], {"small"}),
        (["in", "$host", "$nodename"], {"big", "small"}),
        (["=", "$hypervisor_hostname", "small"], {"small"}),
        (["=", "$host_ip", "10.0.0.1"], {"big"}),
        (["=", "$stats.ssd", "yes"], {"big"}),
        (["=", "$stats.n", 7], set()),
        (["=", "$cpu_info.vendor", "Intel"], {"big"}),
        ([">", "$cpu_info.topology.cores", 8], {"big"}),
        (["=", "$cpu_info.features", "avx"], set()),
        ([">", "$cpu_info.big", 1], set()),
        (["=", "$cpu_info.vendor.deeper", "x"], set()),
        (["=", "$stats.missing", "x"], set()),
        (["=", "$stats.missing", "x", "x"], set()),
        (["not", ["=", "$stats.missing", "x"]], ALL),
        (["=", "a", "a"], ALL),
        (["=", 1, True], ALL),
        (["and", [">=", "$vcpus_total", 2], ["=", "$num_io_ops", 3]], {"small"}),
        (["or", ["=", "$host", "big"], ["=", "$num_io_ops", 3]], {"big", "small"}),
        (["or", []], ALL),
        (["not", ["=", "$host", "big"]], {"small", "stranger"}),
        (["not", ["=", "$host", "big"], ["=", "$num_io_ops", 3]], ALL),
        (["and", ["not", ["=", "$host", "big"]], []], {"small", "stranger"}),
        (["not", ["not", ["=", "$host", "big"]]], {"big"}),
    ],
)
def test_query(query: list[Any], names: set[str]) -> None:
    """A comparison of a number with a text, or with what a host lacks, does not hold."""
    assert passing(made("JsonFilter"), FLEET, scheduler_hints={"query": json.dumps(query)}) == names


def test_without_a_query_nothing_removed() -> None:
    assert passing(made("JsonFilter"), FLEET) == ALL


def test_a_query_sees_what_the_batch_has_taken() -> None:
    """Its answer does not hold for every instance of a batch, so that it is asked for each."""
    row = row_of(FLEET, "small")
    after = FLEET.with_claim(row, int(FLEET.fitting(row)[0]), uid("new"))
    query = {"query": '["=", "$num_instances", 0]'}
    assert passing(made("JsonFilter"), FLEET, scheduler_hints=query) == ALL
    assert passing(made("JsonFilter"), after, scheduler_hints=query) == {"big", "stranger"}
    assert not hasattr(made("JsonFilter"), "run_filter_once_per_request")


@pytest.mark.parametrize("name", sorted(NUMBERS))
def test_every_column_of_numbers_is_there(name: str) -> None:
    assert passing(made("JsonFilter"), FLEET, scheduler_hints={"query": f'[">=", "${name}", -1]'}) == ALL


def nested(depth: int) -> str:
    return '["not",' * (depth - 1) + '["=",1,1]' + "]" * (depth - 1)


MALFORMED = [
    ("", "is not JSON"),
    ("{", "is not JSON"),
    ("[" * 1000, "is not JSON"),
    ("7", "must be a list"),
    ("{}", "must be a list"),
    ("null", "must be a list"),
    ('"="', "must be a list"),
    ("[null]", "is not one of =, <"),
    ('[["="]]', "is not one of"),
    ('["!=", "$host", "a"]', "is not one of"),
    ('["=", "$host"]', "= needs two terms or more"),
    ('["in"]', "in needs two terms or more"),
    ('["and"]', "and needs a query"),
    ('["not", "$host"]', "must be a list"),
    ('["and", true]', "must be a list"),
    ('["=", "$host", null]', "no column, text, or number"),
    ('["=", "$host", []]', "no column, text, or number"),
    ('["=", "$host", {}]', "no column, text, or number"),
    ('["=", "$vcpus_total", NaN]', "no column, text, or number"),
    ('["=", "$vcpus_total", 1e999]', "no column, text, or number"),
    (f'["=", "$vcpus_total", {2**53 + 1}]', "no column, text, or number"),
    *(
        (f'["=", "{column}", 1]', "is not a column that may be asked for")
        for column in ("$", "$aggregates", "$instances", "$__class__", "$host.x", "$vcpus_total.x", "$stats", "$stats.")
    ),
    ('["=", "$cpu_info..a", 1]', "is not a column that may be asked for"),
    (nested(MAX_DEPTH + 1), "is nested more than 8 deep"),
    (json.dumps(["in", "$num_io_ops", *range(MAX_TERMS)]), "has more than 64 operators and terms"),
]


@pytest.mark.parametrize(("query", "problem"), MALFORMED)
def test_a_malformed_query_is_refused_before_placement_is_asked(query: str, problem: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        check_demands([made("JsonFilter")], spec(scheduler_hints={"query": query}))
    (told,) = caught.value.problems
    assert told.startswith("scheduler_hints['query']: ")
    assert problem in told


def test_a_query_at_its_bounds_is_answered() -> None:
    assert not query_of(nested(MAX_DEPTH))(FLEET).any()
    assert query_of(json.dumps(["in", "$num_io_ops", *range(MAX_TERMS - 2)]))(FLEET).all()


COLUMNS = {
    "$vcpus_total": {"big": 32, "small": 2, "stranger": 2},
    "$num_io_ops": {"big": 0, "small": 3, "stranger": 0},
    "$hypervisor_type": {"big": "QEMU", "small": "xen"},
    "$stats.ssd": {"big": "yes"},
}
TERMS = st.sampled_from([*COLUMNS, 0, 2, 3.5, 32, True, "QEMU", "xen", "yes", ""])
COMPARED = {"=": operator.eq, "<": operator.lt, ">": operator.gt, "<=": operator.le, ">=": operator.ge}
COMPARISONS = st.builds(
    lambda name, terms: [name, *terms], st.sampled_from([*COMPARED, "in"]), st.lists(TERMS, min_size=2, max_size=4)
)
QUERIES = st.recursive(
    COMPARISONS,
    lambda parts: st.builds(
        lambda name, terms: [name, *terms],
        st.sampled_from(["and", "or", "not"]),
        st.lists(parts, min_size=1, max_size=3),
    ),
    max_leaves=8,
)


def answer(query: list[Any], host: str) -> bool:
    """Answer a query for one host, the plain way."""
    name, *terms = query
    if name in ("and", "or", "not"):
        answers = [answer(term, host) for term in terms]
        return {"and": all(answers), "or": any(answers), "not": not all(answers)}[name]
    first, *others = (COLUMNS[term].get(host) if term in COLUMNS else term for term in terms)
    if name == "in":
        return any(holds(operator.eq, first, other) for other in others)
    return all(holds(COMPARED[name], first, other) for other in others)


def holds(compare: Any, left: Any, right: Any) -> bool:
    alike = isinstance(left, str) is isinstance(right, str) and None not in (left, right)
    return alike and compare(left, right)


@given(QUERIES)
@settings(max_examples=200, deadline=None)
def test_columns_answer_as_each_host_would(query: list[Any]) -> None:
    try:
        found = query_of(json.dumps(query))(FLEET)
    except MalformedQuery as error:
        assert "nested" in str(error)  # noqa: PT017 - the only thing that can be wrong with these
        return
    assert found.dtype == np.bool_
    assert found.tolist() == [answer(query, name) for name in FLEET.names]


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5), TERMS),
    lambda parts: st.one_of(st.lists(parts, max_size=4), st.dictionaries(st.text(max_size=3), parts, max_size=2)),
    max_leaves=12,
)


@given(st.one_of(JSON.map(json.dumps), st.text(max_size=40)))
@settings(max_examples=200, deadline=None)
def test_any_text_is_answered_or_refused(text: str) -> None:
    try:
        found = query_of(text)(FLEET)
    except MalformedQuery:
        return
    assert (found.shape, found.dtype) == ((3,), np.bool_)
