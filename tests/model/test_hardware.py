"""What flavor and image say about the hardware of the guest: words, contradictions, and what needs what."""

import pytest

from scheduler.model import Flavor, Image, RequestSpec
from scheduler.model.checks import problems

UEFI = {"hw_firmware_type": "uefi"}
NEEDS_PINNING = "needs CPU policy dedicated or mixed"


def of_flavor(key: str) -> str:
    return f"flavor.extra_specs['{key}']: "


def of_image(name: str) -> str:
    return f"image.properties['{name}']: "


def found(extra_specs: dict[str, str], properties: dict[str, str] | None = None, vcpus: int = 4, **image) -> list[str]:
    flavor = Flavor(vcpus=vcpus, memory_mb=1, extra_specs=extra_specs)
    image = Image(properties=properties or {}, **image)
    return list(problems(RequestSpec(flavor=flavor, image=image, project_id="p", user_id="u")))


@pytest.mark.parametrize(
    ("key", "value", "name", "other"),
    [
        ("hw:tpm_version", "1.2", "hw_tpm_version", "2.0"),
        ("hw:tpm_model", "tpm-tis", "hw_tpm_model", "tpm-crb"),
        ("hw:mem_encryption", "false", "hw_mem_encryption", "true"),
        ("hw:mem_encryption_model", "amd-sev", "hw_mem_encryption_model", "amd-sev-es"),
        ("hw:pci_numa_affinity_policy", "socket", "hw_pci_numa_affinity_policy", "preferred"),
        ("os:secure_boot", "required", "os_secure_boot", "disabled"),
        ("hw:maxphysaddr_mode", "emulate", "hw_maxphysaddr_mode", "passthrough"),
        ("hw:virtio_packed_ring", "true", "hw_virtio_packed_ring", "false"),
        ("hw:ephemeral_encryption", "true", "hw_ephemeral_encryption", "false"),
        ("hw:ephemeral_encryption_format", "luks", "hw_ephemeral_encryption_format", "plain"),
        ("hw:sound_model", "virtio", "hw_sound_model", "usb"),
        ("hw:cpu_policy", "shared", "hw_cpu_policy", "dedicated"),
        ("hw:cpu_policy", "shared", "hw_cpu_policy", "mixed"),
        ("hw:cpu_policy", "mixed", "hw_cpu_policy", "dedicated"),
        ("hw:cpu_thread_policy", "isolate", "hw_cpu_thread_policy", "require"),
        ("hw:cpu_thread_policy", "require", "hw_cpu_thread_policy", "prefer"),
    ],
)
def test_a_contradiction_names_both_sides(key, value, name, other):
    contradiction = f"{of_flavor(key)}'{value}' contradicts image.properties['{name}'], '{other}'"
    assert contradiction in found({key: value}, {name: other} | UEFI)


@pytest.mark.parametrize(
    ("extra_specs", "properties"),
    [
        ({"hw:cpu_policy": "dedicated"}, {"hw_cpu_policy": "shared"}),
        ({"hw:cpu_policy": "dedicated"}, {"hw_cpu_policy": "mixed"}),
        ({"hw:cpu_policy": "dedicated", "hw:cpu_thread_policy": "prefer"}, {"hw_cpu_thread_policy": "require"}),
        ({"hw:mem_encryption": "1"}, {"hw_mem_encryption": "True", **UEFI}),
        ({"hw:tpm_secret_security": "host"}, {}),
        ({"hw:cpu_realtime_mask": "nonsense"}, {"hw_cpu_realtime_mask": "9"}),
        ({"hw:tpm_model": "tpm-crb"}, {"hw_tpm_version": "2.0"}),
        ({"hw:pci_numa_affinity_policy": "preferred"}, {}),
        ({"resources:PCPU": "4", "hw:cpu_thread_policy": "require"}, {}),
        ({"hw:mem_encryption": "true"}, UEFI | {"hw_machine_type": "pc-q35-9.1"}),
    ],
)
def test_where_nova_lets_one_side_decide_there_is_no_contradiction(extra_specs, properties):
    assert found(extra_specs, properties) == []


@pytest.mark.parametrize(
    ("extra_specs", "properties", "problem"),
    [
        (
            {"hw:tpm_model": "tpm-crb"},
            {"hw_tpm_version": "1.2"},
            of_flavor("hw:tpm_model") + "tpm-crb needs TPM version 2.0",
        ),
        ({}, {"hw_firmware_stateless": "yes"}, of_image("hw_firmware_stateless") + "needs hw_firmware_type uefi"),
        (
            {"hw:mem_encryption": "on"},
            {},
            of_flavor("hw:mem_encryption") + "needs image property hw_firmware_type uefi",
        ),
        (
            {},
            {"hw_mem_encryption": "on", "hw_machine_type": "pc", **UEFI},
            of_image("hw_mem_encryption") + "needs image property hw_machine_type q35",
        ),
        (
            {"hw:mem_encryption": "on", "hw:mem_encryption_model": "amd-sev-snp"},
            UEFI,
            of_flavor("hw:mem_encryption") + "amd-sev-snp needs image property hw_firmware_stateless true",
        ),
        (
            {"hw:mem_encryption": "on", "hw:mem_encryption_model": "intel-tdx"},
            {"hw_firmware_stateless": "on", "hw_video_model": "virtio", **UEFI},
            of_flavor("hw:mem_encryption") + "intel-tdx needs image property hw_video_model none",
        ),
        ({"hw:cpu_thread_policy": "prefer"}, {}, of_flavor("hw:cpu_thread_policy") + NEEDS_PINNING),
        (
            {"resources:VCPU": "4"},
            {"hw_cpu_thread_policy": "isolate"},
            of_image("hw_cpu_thread_policy") + NEEDS_PINNING,
        ),
        ({"hw:emulator_threads_policy": "isolate"}, {}, of_flavor("hw:emulator_threads_policy") + NEEDS_PINNING),
        (
            {"hw:cpu_realtime": "yes", "hw:cpu_realtime_mask": "^0"},
            {"hw_cpu_policy": "shared"},
            of_flavor("hw:cpu_realtime") + NEEDS_PINNING,
        ),
        (
            {"hw:cpu_policy": "dedicated", "resources:PCPU": "4"},
            {},
            of_flavor("hw:cpu_policy") + "cannot be together with resources:PCPU",
        ),
        (
            {"resources1:VCPU": "4"},
            {"hw_cpu_policy": "shared"},
            of_image("hw_cpu_policy") + "cannot be together with resources:VCPU",
        ),
        (
            {"hw:cpu_policy": "dedicated", "hw:cpu_dedicated_mask": "0"},
            {},
            of_flavor("hw:cpu_dedicated_mask") + "needs CPU policy mixed",
        ),
        (
            {"hw:cpu_policy": "mixed"},
            {},
            of_flavor("hw:cpu_policy") + "mixed needs either hw:cpu_dedicated_mask or hw:cpu_realtime",
        ),
        (
            {"hw:cpu_policy": "mixed", "hw:cpu_dedicated_mask": "0-3"},
            {},
            of_flavor("hw:cpu_dedicated_mask") + "must leave a CPU that is shared",
        ),
        (
            {"hw:cpu_policy": "dedicated", "hw:cpu_realtime": "yes"},
            {},
            of_flavor("hw:cpu_realtime_mask")
            + "must leave a CPU that is not real time, or hw:emulator_threads_policy must be set",
        ),
        (
            {"hw:cpu_policy": "dedicated", "hw:cpu_realtime": "yes", "hw:cpu_realtime_mask": "^0"},
            {"hw_cpu_realtime_mask": "0-4"},
            of_image("hw_cpu_realtime_mask") + "names a CPU above 3, the last of the flavor",
        ),
        (
            {
                "hw:cpu_policy": "dedicated",
                "hw:cpu_thread_policy": "isolate",
                "trait:HW_CPU_HYPERTHREADING": "required",
            },
            {},
            of_flavor("hw:cpu_thread_policy") + "cannot be together with trait HW_CPU_HYPERTHREADING",
        ),
        (
            {"os:secure_boot": "required", "trait:COMPUTE_SECURITY_UEFI_SECURE_BOOT": "forbidden"},
            {},
            "flavor.extra_specs: 'COMPUTE_SECURITY_UEFI_SECURE_BOOT' is required too",
        ),
    ],
)
def test_what_cannot_be_together_is_named(extra_specs, properties, problem):
    assert problem in found(extra_specs, properties)


def test_a_flavor_of_absurd_size_costs_nothing_to_check():
    """Masks are numbers of as many bits as there are CPUs; those of two thousand million are not made."""
    specs = {"hw:cpu_policy": "mixed", "hw:cpu_dedicated_mask": "0"}
    assert found(specs, vcpus=2**31 - 1) == [of_flavor("hw:cpu_dedicated_mask") + "is read for at most 4096 CPUs"]
    realtime = {"hw:cpu_policy": "dedicated", "hw:cpu_realtime": "1"}
    assert found(realtime, vcpus=2**31 - 1) == [of_flavor("hw:cpu_realtime_mask") + "is read for at most 4096 CPUs"]


GUEST_PROPERTIES = (
    "hw_auto_disk_config hw_boot_menu hw_cdrom_bus hw_cpu_cores hw_cpu_sockets hw_cpu_max_cores hw_cpu_max_sockets "
    "hw_cpu_max_threads hw_cpu_threads hw_device_id hw_disk_bus hw_disk_type hw_floppy_bus hw_input_bus hw_ipxe_boot "
    "hw_locked_memory hw_pointer_model hw_pmu hw_qemu_guest_agent hw_rescue_bus hw_rescue_device hw_rng_model "
    "hw_time_hpet hw_serial_port_count hw_scsi_model hw_video_ram hw_vif_model hw_viommu_model hw_watchdog_action "
    "hw_vif_multiqueue_enabled hw_ephemeral_encryption_secret_uuid hw_usb_model hw_redirected_usb_ports "
    "img_bittorrent img_bdm_v2 img_block_device_mapping img_cache_in_nova img_compression_level img_config_drive "
    "img_linked_clone img_mappings img_owner_id img_root_device_name img_use_agent img_version img_signature "
    "img_signature_hash_method img_signature_certificate_uuid img_signature_key_type img_hide_hypervisor_id "
    "os_admin_user os_command_line os_distro os_require_quiesce os_skip_agent_inject_ssh os_type"
)


@pytest.mark.parametrize("name", GUEST_PROPERTIES.split())
def test_no_image_property_of_nova_that_is_for_the_guest_is_taken_for_a_misspelt_one(name):
    assert found({}, {name: "1"}) == []
