"""Which image properties say something about the host, and which of those are honoured here."""

import difflib
from collections.abc import Iterator, Mapping

from scheduler.model.messages import shown

HONOURED = ("hw_architecture", "img_hv_type", "hw_vm_mode", "img_hv_requested_version")

# Nova reads the old names too; here only one name means one thing.
_OLD_NAMES = {
    "architecture": "hw_architecture",
    "hypervisor_type": "img_hv_type",
    "vm_mode": "hw_vm_mode",
    "hypervisor_version_requires": "img_hv_requested_version",
}

# Nova places by these (NUMA, pinning, TPM, encryption, ...). Ignoring one would place an instance where it cannot work.
_STEERING = frozenset(
    {
        "hw_cpu_policy",
        "hw_cpu_thread_policy",
        "hw_emulation_architecture",
        "hw_emulator_threads_policy",
        "hw_firmware_stateless",
        "hw_mem_page_size",
        "hw_pci_numa_affinity_policy",
        "hw_sound_model",
        "hw_viommu_model",
        "hw_virtio_packed_ring",
        "os_secure_boot",
    }
)
_STEERING_PREFIXES = (
    "hw_cpu_realtime_",
    "hw_ephemeral_encryption",
    "hw_maxphysaddr_",
    "hw_mem_encryption",
    "hw_numa_",
    "hw_tpm_",
)


def problems(properties: Mapping[str, str]) -> Iterator[str]:
    """Yield what is wrong with the properties of an image; those that only concern the guest are fine."""
    for name in sorted(properties):
        problem = _problem(name)
        if problem:
            yield f"image.properties[{shown(name)}]: {problem}"


def _problem(name: str) -> str | None:
    if name in HONOURED:
        return None
    if name in _OLD_NAMES:
        return f"write {_OLD_NAMES[name]}"
    if name.startswith("trait:"):
        return "write image.traits_required"
    if name in _STEERING or name.startswith(_STEERING_PREFIXES):
        return "not honoured by any enabled filter"
    close = difflib.get_close_matches(name, HONOURED, n=1, cutoff=0.9)
    return f"unknown, did you mean {close[0]}?" if close else None
