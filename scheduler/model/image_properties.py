"""Which image properties say something about the host, and which of those are honoured here."""

import difflib
from collections.abc import Iterator, Mapping

from scheduler.model import hardware
from scheduler.model.group_specs import Misfit
from scheduler.model.messages import NOT_HONOURED, shown

ADDRESS_BITS = "hw_maxphysaddr_bits"
HONOURED = ("hw_architecture", "img_hv_type", "hw_vm_mode", "img_hv_requested_version", ADDRESS_BITS)

# Nova reads the old names too; here only one name means one thing. Old names for the guest alone do no harm.
OLD_NAMES = {
    "architecture": "hw_architecture",
    "hypervisor_type": "img_hv_type",
    "vm_mode": "hw_vm_mode",
    "hypervisor_version_requires": "img_hv_requested_version",
    "vmware_adaptertype": "hw_disk_bus",
}

# Nova places by these (NUMA, page sizes, ...). Ignoring one would place an instance where it cannot work.
PLACING = frozenset({"hw_emulator_threads_policy", "hw_mem_page_size"})
PLACING_PREFIXES = ("hw_numa_",)

_KNOWN = (*HONOURED, *hardware.IMAGE_PROPERTIES)


def problems(properties: Mapping[str, str]) -> Iterator[str]:
    """Yield what is wrong with the properties of an image; those that only concern the guest are fine."""
    for name, value in sorted(properties.items()):
        problem = _problem(name, value)
        if problem:
            yield f"image.properties[{shown(name)}]: {problem}"


def _problem(name: str, value: str) -> str | None:
    if name in OLD_NAMES:
        return f"write {OLD_NAMES[name]}"
    if name.startswith("trait:"):
        return "write image.traits_required"
    if name == ADDRESS_BITS or name in hardware.IMAGE_PROPERTIES:
        return _misfit(name, value)
    if name in PLACING or name.startswith(PLACING_PREFIXES):
        return NOT_HONOURED
    close = [] if name in HONOURED else difflib.get_close_matches(name, _KNOWN, n=1, cutoff=0.9)
    return f"unknown, did you mean {shown(close[0])}?" if close else None


def _misfit(name: str, value: str) -> str | None:
    try:
        if name == ADDRESS_BITS:
            hardware.check_address_bits(value)
        else:
            hardware.check_property(name, value)
    except Misfit as misfit:
        return str(misfit)
    return None
