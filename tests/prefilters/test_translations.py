"""What flavor and image ask for without naming it becomes resources and traits of the host, as in Nova."""

import pytest

from placement_client.query import CandidateQuery
from scheduler.model import Flavor, Image, RequestSpec
from scheduler.prefilters import query_of

UEFI = {"hw_firmware_type": "uefi"}


def query(
    extra_specs: dict[str, str], properties: dict[str, str] | None = None, *, pinned: bool = True
) -> CandidateQuery:
    flavor = Flavor(vcpus=4, memory_mb=64, extra_specs=extra_specs)
    spec = RequestSpec(flavor=flavor, image=Image(properties=properties or {}), project_id="p", user_id="u")
    return query_of(spec, limit=None, pinned=pinned)


def resources(*given, **how) -> dict[str, int]:
    asked = dict(query(*given, **how).groups[""].resources)
    assert asked.pop("MEMORY_MB") == 64
    return asked


def required(*given, **how) -> set[str]:
    return {trait for any_of in query(*given, **how).groups[""].required for trait in any_of}


@pytest.mark.parametrize(
    ("extra_specs", "properties", "asked"),
    [
        ({"hw:cpu_policy": "shared"}, {}, {"VCPU": 4}),
        ({"hw:cpu_policy": "dedicated"}, {}, {"PCPU": 4}),
        ({}, {"hw_cpu_policy": "dedicated"}, {"PCPU": 4}),
        ({"hw:cpu_policy": "dedicated", "hw:emulator_threads_policy": "isolate"}, {}, {"PCPU": 5}),
        ({"hw:cpu_policy": "dedicated", "hw:emulator_threads_policy": "share"}, {}, {"PCPU": 4}),
        ({"hw:cpu_policy": "mixed", "hw:cpu_dedicated_mask": "0-2"}, {}, {"PCPU": 3, "VCPU": 1}),
        (
            {"hw:cpu_policy": "mixed", "hw:cpu_dedicated_mask": "0", "hw:emulator_threads_policy": "isolate"},
            {},
            {"PCPU": 2, "VCPU": 3},
        ),
        (
            {"hw:cpu_policy": "mixed", "hw:cpu_realtime": "yes", "hw:cpu_realtime_mask": "^0"},
            {},
            {"PCPU": 3, "VCPU": 1},
        ),
        ({"hw:cpu_policy": "dedicated", "resources:VCPU": "0"}, {}, {"PCPU": 4}),
        (
            {"hw:pmem": "SMALL, 6GB,SMALL, "},
            {},
            {"CUSTOM_PMEM_NAMESPACE_SMALL": 2, "CUSTOM_PMEM_NAMESPACE_6GB": 1, "VCPU": 4},
        ),
        ({"hw:pmem": "big-one"}, {}, {"CUSTOM_PMEM_NAMESPACE_BIG_ONE": 1, "VCPU": 4}),
        ({"hw:mem_encryption": "yes"}, UEFI, {"MEM_ENCRYPTION_CONTEXT": 1, "VCPU": 4}),
        ({"hw:mem_encryption": "no"}, {}, {"VCPU": 4}),
        ({"resources:VGPU": "1"}, {}, {"VGPU": 1, "VCPU": 4}),
    ],
)
def test_resources_that_are_implied(extra_specs, properties, asked):
    assert resources(extra_specs, properties) == asked


@pytest.mark.parametrize(
    ("extra_specs", "properties", "traits"),
    [
        ({"hw:cpu_policy": "dedicated", "hw:cpu_thread_policy": "require"}, {}, {"HW_CPU_HYPERTHREADING"}),
        ({"hw:cpu_policy": "dedicated", "hw:cpu_thread_policy": "prefer"}, {}, set()),
        ({"hw:mem_encryption": "1"}, UEFI, {"HW_CPU_X86_AMD_SEV"}),
        ({"hw:mem_encryption": "1", "hw:mem_encryption_model": "amd-sev-es"}, UEFI, {"HW_CPU_X86_AMD_SEV_ES"}),
        ({"hw:tpm_version": "1.2"}, {}, {"COMPUTE_SECURITY_TPM_1_2", "COMPUTE_SECURITY_TPM_TIS"}),
        (
            {"hw:tpm_version": "2.0"},
            {"hw_tpm_model": "tpm-crb"},
            {"COMPUTE_SECURITY_TPM_2_0", "COMPUTE_SECURITY_TPM_CRB"},
        ),
        ({"hw:tpm_model": "tpm-crb"}, {}, set()),
        ({"hw:pci_numa_affinity_policy": "socket"}, {}, {"COMPUTE_SOCKET_PCI_NUMA_AFFINITY"}),
        ({"hw:pci_numa_affinity_policy": "preferred"}, {}, set()),
        ({"os:secure_boot": "required"}, {}, {"COMPUTE_SECURITY_UEFI_SECURE_BOOT"}),
        ({"os:secure_boot": "optional"}, {}, set()),
        ({}, {"hw_maxphysaddr_mode": "passthrough"}, {"COMPUTE_ADDRESS_SPACE_PASSTHROUGH"}),
        ({"hw:maxphysaddr_mode": "emulate"}, {}, {"COMPUTE_ADDRESS_SPACE_EMULATED"}),
        ({}, {"hw_firmware_stateless": "true", **UEFI}, {"COMPUTE_SECURITY_STATELESS_FIRMWARE"}),
        ({}, {"hw_firmware_stateless": "false"}, set()),
    ],
)
def test_traits_that_are_implied(extra_specs, properties, traits):
    assert required(extra_specs, properties) == traits


def test_isolated_threads_forbid_hyperthreading():
    asked = query({"hw:cpu_policy": "dedicated", "hw:cpu_thread_policy": "isolate"})
    assert asked.groups[""].forbidden == {"HW_CPU_HYPERTHREADING"}


def test_without_pinning_the_flavors_cpus_are_asked_for_and_nothing_of_threads():
    specs = {"hw:cpu_policy": "dedicated", "hw:cpu_thread_policy": "require", "hw:emulator_threads_policy": "isolate"}
    assert resources(specs, pinned=False) == {"VCPU": 4}
    assert required(specs, pinned=False) == set()
    assert required(specs | {"os:secure_boot": "required"}, pinned=False) == {"COMPUTE_SECURITY_UEFI_SECURE_BOOT"}
