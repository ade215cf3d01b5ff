"""What flavor and image ask of a host without naming a resource class or a trait: Nova's translations.

Rules: ``nova.scheduler.utils.ResourceRequest``. Everything here belongs to the unsuffixed group.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping

from scheduler.model import cpus
from scheduler.model.group_specs import FlavorGroup
from scheduler.model.hardware import Hardware

HYPERTHREADING = "HW_CPU_HYPERTHREADING"

_TRAITS: Mapping[tuple[str, str], str] = {
    ("pci_numa_affinity_policy", "socket"): "COMPUTE_SOCKET_PCI_NUMA_AFFINITY",
    ("secure_boot", "required"): "COMPUTE_SECURITY_UEFI_SECURE_BOOT",
    ("maxphysaddr_mode", "passthrough"): "COMPUTE_ADDRESS_SPACE_PASSTHROUGH",
    ("maxphysaddr_mode", "emulate"): "COMPUTE_ADDRESS_SPACE_EMULATED",
    ("firmware_stateless", "true"): "COMPUTE_SECURITY_STATELESS_FIRMWARE",
}
_TPM = {"1.2": "1_2", "2.0": "2_0", "tpm-tis": "TIS", "tpm-crb": "CRB"}


def implied(hardware: Hardware, *, pinned: bool = True) -> FlavorGroup:
    """Return the resources and traits that are asked for without being named.

    ``pinned`` False leaves out what CPU policies mean: the question for hosts that give dedicated CPUs as VCPU.
    """
    return FlavorGroup(
        resources={
            **(_cpu_resources(hardware) if pinned else {}),
            **({"MEM_ENCRYPTION_CONTEXT": 1} if hardware.wants("mem_encryption") else {}),
            **_pmem_resources(hardware),
        },
        required=frozenset(_required(hardware, pinned)),
        forbidden=frozenset({HYPERTHREADING} if pinned and _threads(hardware) == "isolate" else ()),
    )


def pinning_implied(hardware: Hardware) -> bool:
    """Tell whether all CPUs are dedicated, so that Nova asks a second time, for hosts that give them as VCPU."""
    return cpus.cpu_policy(hardware) == "dedicated"


def _cpu_resources(hardware: Hardware) -> dict[str, int]:
    policy = cpus.cpu_policy(hardware)
    if policy not in {"dedicated", "mixed"}:
        return {}
    dedicated = cpus.dedicated_cpus(hardware)
    for_emulator = int(hardware.value("emulator_threads_policy") == "isolate")
    shared = {"VCPU": hardware.vcpus - dedicated} if policy == "mixed" else {}
    return {**shared, "PCPU": dedicated + for_emulator}


def _pmem_resources(hardware: Hardware) -> Mapping[str, int]:
    labels = filter(None, map(str.strip, (hardware.value("pmem") or "").split(",")))
    return Counter(f"CUSTOM_PMEM_NAMESPACE_{re.sub('[^A-Z0-9_]', '_', label.upper())}" for label in labels)


def _required(hardware: Hardware, pinned: bool) -> Iterator[str]:
    yield from (trait for (name, value), trait in _TRAITS.items() if hardware.value(name) == value)
    if pinned and _threads(hardware) == "require":
        yield HYPERTHREADING
    if hardware.wants("mem_encryption"):
        model = hardware.value("mem_encryption_model") or "amd-sev"
        yield f"HW_CPU_X86_{model.upper().replace('-', '_')}"
    version = hardware.value("tpm_version")
    if version:
        yield f"COMPUTE_SECURITY_TPM_{_TPM[version]}"
        yield f"COMPUTE_SECURITY_TPM_{_TPM[hardware.value('tpm_model') or 'tpm-tis']}"


def _threads(hardware: Hardware) -> str | None:
    return hardware.value("cpu_thread_policy")
