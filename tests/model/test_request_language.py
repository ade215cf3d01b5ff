"""docs/request-language.md has every key of the code, and no others."""

import re
from pathlib import Path

import pytest

from scheduler.model import devices, extra_specs, group_specs, hardware, image_properties
from scheduler.prefilters import BUILT_IN
from scheduler.prefilters.traits import IMAGE_TRAITS

TEXT = (Path(__file__).parents[2] / "docs" / "request-language.md").read_text()
SPANS = set(re.findall(r"`([^`\n]+)`", TEXT))
EXTRA_SPECS = {
    *hardware.EXTRA_SPECS,
    *extra_specs.GUEST_KEYS,
    *extra_specs.PLACING_KEYS,
    *(f"{prefix}N" for prefix in extra_specs.PLACING_PREFIXES),
    *(f"{namespace}:" for namespace in extra_specs.GUEST_NAMESPACES),
    *(f"{name}[S]" for name in group_specs.PARAMETERS),
    *extra_specs.REQUEST_KEYS,
    "resources[S]:CLASS",
    "trait[S]:NAME",
    extra_specs.DEVICE_PROFILE,
    extra_specs.ADDRESS_BITS,
    devices.DEVICES,
    f"{extra_specs.CAPABILITY}PATH",
    f"{extra_specs.AGGREGATE}KEY",
    f"{extra_specs.PROVIDER_TRAIT}NAME",
}
PROPERTIES = {
    *hardware.IMAGE_PROPERTIES,
    *IMAGE_TRAITS,
    *image_properties.HONOURED,
    *image_properties.OLD_NAMES,
    *image_properties.PLACING,
    "hw_numa_*",
}


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("|").split("|")]


def row_of(key: str) -> list[str]:
    """Return the cells of the row, in the table of what is implied, whose first or second cell is this key."""
    (row,) = [row for row in map(cells, TEXT.splitlines()) if len(row) == 4 and f"`{key}`" in row[:2]]
    return row


def test_every_extra_spec_is_there_and_nothing_else_looks_like_one():
    assert sorted(EXTRA_SPECS - SPANS) == []
    looks = {span for span in SPANS if re.match(r"(hw|os|accel|pci_passthrough|hw_rng|hw_video|quota|vmware):", span)}
    assert sorted(looks - EXTRA_SPECS) == []


def test_every_image_property_is_there_and_nothing_else_looks_like_one():
    assert sorted(PROPERTIES - SPANS) == []
    looks = {span for span in SPANS if re.match(r"(hw|img|os)_(?!rng:|video:)[a-z_*]+\Z", span)}
    assert sorted(looks - PROPERTIES) == []


@pytest.mark.parametrize("name", hardware.TERMS)
def test_every_term_has_its_row_with_both_names_and_all_values(name):
    term = hardware.TERMS[name]
    extra_spec, image_property, values, _ = row_of(term.extra_spec or term.image_property)
    assert extra_spec == (f"`{term.extra_spec}`" if term.extra_spec else "")
    assert image_property == (f"`{term.image_property}`" if term.image_property else "")
    shown = set(re.findall("`([^`]+)`", values)) if term.values and term.values != hardware.FLAG else set()
    refused = hardware.NUMA_POLICIES if name == "pci_numa_affinity_policy" else frozenset()
    assert shown == (set() if term.values == hardware.FLAG else set(term.values) - refused)
    assert (values == "a flag") == (term.values == hardware.FLAG)


def test_the_prefilters_stand_in_their_order():
    rows = [row[0].strip("`") for row in map(cells, TEXT.splitlines()) if len(row) == 3]
    named = [name for name in rows if name in {prefilter.name for prefilter in BUILT_IN}]
    assert named == [prefilter.name for prefilter in BUILT_IN]


@pytest.mark.parametrize(("name", "prefix"), IMAGE_TRAITS.items())
def test_every_property_that_becomes_a_trait_says_which(name, prefix):
    assert any(
        f"`{name}`" in row[0] and row[1] == f"`{prefix}`" for row in map(cells, TEXT.splitlines()) if len(row) == 2
    )
