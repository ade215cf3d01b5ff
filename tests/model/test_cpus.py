"""CPU masks are read as Nova reads them, and only as far as the flavor has CPUs."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduler.model.cpus import MalformedMask, cpu_mask, dedicated_cpus
from scheduler.model.hardware import Hardware

VCPUS = 12
NUMBERS = st.integers(0, VCPUS - 1)
RANGES = st.tuples(NUMBERS, NUMBERS).map(sorted)


@pytest.mark.parametrize(
    ("text", "cpus"),
    [
        ("0", {0}),
        ("0-2", {0, 1, 2}),
        ("0-3,^2", {0, 1, 3}),
        ("^0", {1, 2, 3}),
        ("^0-2", {3}),
        (" 1 , 2 - 3,", {1, 2, 3}),
        ("^3,0", {0, 1, 2}),
        ("^99", {0, 1, 2, 3}),
        ("0-9,^4-9", {0, 1, 2, 3}),
    ],
)
def test_a_mask_names_cpus_and_leaves_out_those_after_a_caret(text, cpus):
    assert cpu_mask(text, 4) == sum(1 << cpu for cpu in cpus)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "must name a CPU"),
        (",", "must name a CPU"),
        ("0,^0", "must name a CPU"),
        ("^0-3", "must name a CPU"),
        ("3-1", "has a range that ends before it starts"),
        ("4", "names a CPU above 3, the last of the flavor"),
        ("0-999999999", "names a CPU above 3, the last of the flavor"),
        ("x", "must be CPUs and ranges"),
        ("0--1", "must be CPUs and ranges"),
        ("-1", "must be CPUs and ranges"),
        ("\u0661", "must be CPUs and ranges"),
        ("9999999999", "must be CPUs and ranges"),
    ],
)
def test_a_mask_that_cannot_be_read_says_why(text, problem):
    with pytest.raises(MalformedMask, match=problem):
        cpu_mask(text, 4)


@given(st.lists(st.tuples(st.booleans(), RANGES), min_size=1, max_size=6))
def test_a_mask_is_what_its_parts_are_as_sets(parts):
    text = ",".join(f"{'^' * out}{first}-{last}" for out, (first, last) in parts)
    every = set(range(VCPUS)) if parts[0][0] else set()
    named = every.union(*(range(first, last + 1) for out, (first, last) in parts if not out))
    cpus = named.difference(*(range(first, last + 1) for out, (first, last) in parts if out))
    if not cpus:
        with pytest.raises(MalformedMask):
            cpu_mask(text, VCPUS)
    else:
        assert cpu_mask(text, VCPUS) == sum(1 << cpu for cpu in cpus)


@pytest.mark.parametrize(
    ("extra_specs", "properties", "dedicated"),
    [
        ({}, {}, 0),
        ({"hw:cpu_policy": "shared"}, {}, 0),
        ({"hw:cpu_policy": "dedicated"}, {}, 4),
        ({}, {"hw_cpu_policy": "dedicated"}, 4),
        ({"hw:cpu_policy": "dedicated"}, {"hw_cpu_policy": "shared"}, 4),
        ({"hw:cpu_policy": "mixed", "hw:cpu_dedicated_mask": "^0"}, {}, 3),
        ({"hw:cpu_dedicated_mask": "0-1"}, {"hw_cpu_policy": "mixed"}, 2),
        ({"hw:cpu_policy": "mixed", "hw:cpu_realtime": "yes", "hw:cpu_realtime_mask": "0"}, {}, 1),
        (
            {"hw:cpu_policy": "mixed", "hw:cpu_realtime": "yes", "hw:cpu_realtime_mask": "0"},
            {"hw_cpu_realtime_mask": "^0"},
            3,
        ),
    ],
)
def test_dedicated_cpus_are_all_or_those_of_the_mask_and_the_images_mask_comes_first(
    extra_specs, properties, dedicated
):
    assert dedicated_cpus(Hardware(4, extra_specs, properties)) == dedicated
