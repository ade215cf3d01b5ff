"""Every class, option, hint, extra spec and attribute of Nova is here under its name, or listed as missing and why."""

import json
import re

import pytest

from scheduler.compat.nova.host_state import ATTRIBUTES
from scheduler.config.options import SECTIONS
from scheduler.filters.aggregates import FLAVOR_KEY
from scheduler.filters.registry import BUILT_IN as FILTERS
from scheduler.model.extra_specs import understand
from scheduler.model.facts import TENANT_KEY, ZONE_KEY
from scheduler.model.messages import NOT_HONOURED
from scheduler.plugins import hints_of
from scheduler.prefilters import BUILT_IN as PREFILTERS
from scheduler.prefilters.aggregates import TRAIT_KEY
from scheduler.weighers.registry import BUILT_IN as WEIGHERS
from tests.architecture.source import ROOT

NOVA = json.loads((ROOT / "tests" / "parity" / "recorded" / "nova_names.json").read_text())
WORDS = json.loads((ROOT / "tests" / "architecture" / "recorded" / "nova_words.json").read_text())
PAGE = (ROOT / "docs" / "nova-differences.md").read_text(encoding="utf-8")
TABLE = PAGE.partition("## Names of Nova that are not here")[2]
ROWS = re.findall(r"^\| (`.*`) \| (\w[\w ]*) \| (.+) \|$", TABLE, re.M)
LISTED = {(name, kind) for names, kind, _ in ROWS for name in re.findall(r"`([^`]+)`", names)}
OURS = {(section, opt.name): opt for section, opts in SECTIONS.items() for opt in opts}


def missing(kind: str) -> set[str]:
    return {name for name, of in LISTED if of == kind}


def covered(section: str, name: str) -> bool:
    """Tell whether an option is here, or listed, by itself or with its section."""
    here = (section, name) in OURS if section else name in {ours for _, ours in OURS}
    listed = missing("option")
    return here or f"[{section}] {name}" in listed or f"[{section}] *" in listed


def test_there_are_as_many_rules_as_nova_has() -> None:
    assert (len(NOVA["filters"]), len(NOVA["weighers"]), len(NOVA["prefilters"])) == (22, 13, 14)


def test_every_row_gives_a_reason() -> None:
    assert len(ROWS) == TABLE.count("\n| `")
    assert [names for names, _, reason in ROWS if not reason.strip().endswith(".")] == []


def test_every_filter_is_here_or_listed() -> None:
    assert set(NOVA["filters"]) - {one.kind.name for one in FILTERS} == missing("filter")


def test_every_weigher_is_here() -> None:
    assert set(NOVA["weighers"]) - {one.kind.name for one in WEIGHERS} == missing("weigher") == set()


def test_every_prefilter_is_here_in_its_place() -> None:
    assert NOVA["prefilters"] == [one.name for one in PREFILTERS]


@pytest.mark.parametrize("section", NOVA["options"])
def test_every_option_is_here_or_listed(section: str) -> None:
    assert [name for name in NOVA["options"][section] if not covered(section, name)] == []


def test_every_option_that_novas_scheduler_reads_is_here_or_listed() -> None:
    pairs = [name.rpartition(".")[::2] for name in WORDS["read_options"]]
    dotted = missing("option")
    assert [pair for pair in pairs if not covered(*pair) and ".".join(filter(None, pair)) not in dotted] == []


def test_nothing_is_listed_that_is_here() -> None:
    named = [re.fullmatch(r"\[(\w+)\] (\w+)", name) for name in missing("option")]
    assert [found[0] for found in named if found and (found[1], found[2]) in OURS] == []
    assert missing("attribute") & set(ATTRIBUTES) == set()


def test_defaults_are_novas_but_for_those_that_the_page_tells() -> None:
    nova = {(section, name): opt["default"] for section, opts in NOVA["options"].items() for name, opt in opts.items()}
    shared = OURS.keys() & nova.keys()
    other = {name for section, name in shared if OURS[section, name].default != nova[section, name]}
    assert {"enabled_filters", "max_attempts", "ram_weight_multiplier"} <= {name for _, name in shared} - other
    assert other == {"shuffle_best_same_weighed_hosts", "disable_fallback_pcpu_query"}
    assert all(re.search(rf"`(\[\w+\] )?{name}` is (on|true) by default", PAGE) for name in other)


def test_every_hint_is_read_or_listed() -> None:
    read = frozenset().union(*(hints_of(one.kind) for one in FILTERS))
    assert set(WORDS["hints"]) - read == missing("hint")


@pytest.mark.parametrize("form", WORDS["extra_specs"])
def test_every_extra_spec_is_known_or_listed(form: str) -> None:
    """A key is known when what is said against it is not that nobody honours it."""
    key = form.replace("{group}", "1").replace("{num}", "0").replace("{name}", "CUSTOM_X").replace("{key}", "k")
    problem = understand({key.replace("{filter}", ":k"): "1"}).misfits.get(key, "")
    assert problem.startswith(NOT_HONOURED) is (form in missing("extra spec"))


def test_every_key_of_aggregate_metadata_is_read() -> None:
    limits = {option for one in FILTERS for option in one.settings if option.startswith("max_")}
    ours = {TENANT_KEY, ZONE_KEY, FLAVOR_KEY, TRAIT_KEY, *limits, *(one.key for one in WEIGHERS)}
    assert set(WORDS["aggregate_keys"]) - ours == set()


def test_every_attribute_of_a_host_state_is_here_or_listed() -> None:
    assert set(NOVA["host_state"]) - {*ATTRIBUTES, "limits"} == missing("attribute")
