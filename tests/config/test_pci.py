"""``[pci] alias`` is read as Nova's, and what is wrong with it is named without the text."""

import json

import pytest
from oslo_config import cfg

from scheduler.config import register_opts, settings_from
from scheduler.errors import InvalidSettings
from scheduler.settings import PciAlias

GPU = {"name": "gpu", "vendor_id": "10de", "product_id": "25b6"}


def aliases(*written: dict[str, object] | str, pci_in_placement: bool = True) -> tuple[PciAlias, ...]:
    conf = cfg.ConfigOpts()
    register_opts(conf)
    conf(args=[], default_config_files=[], default_config_dirs=[], use_env=False)
    conf.set_override("pci_in_placement", pci_in_placement, "filter_scheduler")
    conf.set_override("alias", [one if isinstance(one, str) else json.dumps(one) for one in written], "pci")
    return settings_from(conf).pci.alias


@pytest.mark.parametrize(
    ("more", "resource_class"),
    [
        ({}, "CUSTOM_PCI_10DE_25B6"),
        ({"resource_class": "pgpu"}, "PGPU"),
        ({"resource_class": "CUSTOM_A100"}, "CUSTOM_A100"),
        ({"resource_class": "big-gpu"}, "CUSTOM_BIG_GPU"),
    ],
)
def test_the_class_of_an_alias_is_the_one_that_nova_makes_of_it(more, resource_class):
    assert aliases(GPU | more) == (PciAlias("gpu", resource_class),)


def test_traits_become_those_of_placement_each_once():
    (alias,) = aliases(GPU | {"traits": "hw_gpu_api_vulkan, CUSTOM_X,my-own,custom_x"})
    assert alias.traits == ("CUSTOM_MY_OWN", "CUSTOM_X", "HW_GPU_API_VULKAN")


@pytest.mark.parametrize(
    ("written", "problem"),
    [
        ("secret", "number 1: expected a JSON object of texts"),
        ("[" * 5000, "number 1: expected a JSON object of texts"),
        (GPU | {"name": 1}, "number 1: expected a JSON object of texts"),
        (GPU | {"live_migratable": "true"}, "number 1: expected a JSON object of texts"),
        (GPU | {"name": " "}, "number 1: expected a name"),
        ({"name": "gpu", "vendor_id": "10de"}, "number 1: expected vendor_id and product_id, or resource_class"),
        (GPU | {"numa_policy": "required"}, "number 1: numa_policy: expected legacy or preferred"),
    ],
)
def test_what_is_wrong_with_an_alias_is_named(written, problem):
    with pytest.raises(InvalidSettings) as caught:
        aliases(written)
    (found,) = caught.value.problems
    assert found.startswith(f"[pci] alias, {problem}")
    assert "secret" not in found


def test_an_alias_that_is_given_twice_is_refused():
    with pytest.raises(InvalidSettings, match=r"\[pci\] alias: expected each name once"):
        aliases(GPU, GPU | {"product_id": "1"})


def test_aliases_that_nothing_reads_are_refused():
    with pytest.raises(InvalidSettings, match=r"\[pci\] alias: has no effect without"):
        aliases(GPU, pci_in_placement=False)
