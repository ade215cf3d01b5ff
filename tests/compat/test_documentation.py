"""docs/nova-classes.md says what is so, and its example runs."""

import re
from pathlib import Path
from typing import Any

from scheduler.compat import nova
from scheduler.compat.nova.adapter import NovaFilter, NovaWeigher
from scheduler.compat.nova.host_state import ATTRIBUTES
from scheduler.compat.nova.passed_over import PASSED_OVER
from scheduler.model import AggregateFact, Flavor
from scheduler.selection.plugins import judged, multiplied
from scheduler.weighers import Weighed
from tests.compat.test_views import BARE
from tests.hosts.fleets import Node, spec, table, uid

PAGE = (Path(__file__).parents[2] / "docs" / "nova-classes.md").read_text()


def rows(heading: str) -> list[list[str]]:
    section = PAGE.split(f"# {heading}\n", 1)[1].split("\n## ", 1)[0]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in re.findall(r"^\|.*\|$", section, re.M)][
        2:
    ]


def named(cell: str) -> list[str]:
    return re.findall(r"`(\w+)`", cell)


def test_every_attribute_of_a_host_is_there() -> None:
    listed = [name for row in rows("What a class sees of a host") for name in named(row[0])]
    assert sorted(listed) == sorted([*ATTRIBUTES, "limits"])


def test_every_attribute_of_a_request_is_there() -> None:
    section = PAGE.split("# What a class sees of a request\n", 1)[1].split("\n## ", 1)[0]
    assert [name for name in BARE._values if f"`{name}`" not in section] == []


def test_everything_that_is_passed_over_is_there_with_its_reason() -> None:
    listed = {(row[0], name, row[2]) for row in rows("What is passed over") for name in named(row[1])}
    assert listed == {(kind, name, why) for kind, fields in PASSED_OVER.items() for name, why in fields.items()}


def test_every_converter_is_there() -> None:
    listed = [name for row in rows("Converting what Nova has") for name in named(row[0]) if "_from" in name]
    assert sorted(listed) == sorted(name for name in nova.__all__ if "_from" in name)


def test_the_example_filters_and_weighs() -> None:
    (code,) = [block for block in re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL) if "class RackFilter" in block]
    names: dict[str, Any] = {}
    exec(compile(code, "docs/nova-classes.md", "exec"), names)
    rack = AggregateFact(uuid=uid("r"), name="r", metadata={"rack": "a", "spare_memory_multiplier": "2"})
    hosts = table(Node("in", facts={"aggregates": [uid("r")]}), Node("out"), aggregates=[rack])
    request = spec(flavor=Flavor(vcpus=1, memory_mb=1, extra_specs={"capabilities:rack": "a"}))
    kept = judged(NovaFilter(names["RackFilter"]()), request, hosts)
    factors = multiplied(Weighed(NovaWeigher(names["SpareMemoryWeigher"]()), 1.0), hosts)
    assert {name: (bool(k), f) for name, k, f in zip(hosts.names, kept, factors, strict=True)} == {
        "in": (True, 2.0),
        "out": (False, 1.0),
    }
