"""Prefilters by trait: what the root of a host must have for the image, the flavor or the ports."""

import re
from collections.abc import Mapping
from dataclasses import replace

from placement_client.query import CandidateQuery, RequestGroup
from scheduler.errors import InvalidRequest
from scheduler.model import RequestSpec
from scheduler.model.devices import PCI_CLASS
from scheduler.model.extra_specs import DEVICE_PROFILE
from scheduler.model.hardware import hardware_of
from scheduler.model.messages import shown
from scheduler.prefilters.narrowing import with_root_traits
from scheduler.prefilters.protocol import Answer, Facts
from scheduler.settings import PrefilterSettings

OWNER = "OWNER_NOVA"
IMAGE_TRAITS: Mapping[str, str] = {
    "hw_cdrom_bus": "COMPUTE_STORAGE_BUS",
    "hw_disk_bus": "COMPUTE_STORAGE_BUS",
    "hw_video_model": "COMPUTE_GRAPHICS_MODEL",
    "hw_vif_model": "COMPUTE_NET_VIF_MODEL",
    "hw_architecture": "HW_ARCH",
    "hw_emulation_architecture": "COMPUTE_ARCH",
    "hw_viommu_model": "COMPUTE_VIOMMU_MODEL",
}
"""Image properties that a host needs a trait for, and what the trait begins with."""

_NAME = re.compile(r"[A-Z0-9_]{1,255}")


def require_image_type_support(
    request: RequestSpec, query: CandidateQuery, facts: Facts, microversion: str, settings: PrefilterSettings
) -> Answer:
    """Require that the host can read the image's disk format, unless the instance boots from a volume."""
    disk_format = request.image.disk_format if request.image else None
    if request.is_bfv or disk_format is None:
        return query
    return with_root_traits(query, _trait("COMPUTE_IMAGE_TYPE", disk_format, "image.disk_format"))


def transform_image_metadata(
    request: RequestSpec, query: CandidateQuery, facts: Facts, microversion: str, settings: PrefilterSettings
) -> Answer:
    """Require that the host has what the image's properties say about buses, models and architectures."""
    if request.image is None:
        return query
    said = {name: value for name, value in request.image.properties.items() if name in IMAGE_TRAITS}
    traits = [_trait(IMAGE_TRAITS[name], value, f"image.properties['{name}']") for name, value in said.items()]
    return with_root_traits(query, *traits)


def accelerators_filter(
    request: RequestSpec, query: CandidateQuery, facts: Facts, microversion: str, settings: PrefilterSettings
) -> Answer:
    """Require a host that can attach accelerators where the flavor names a device profile."""
    named = request.flavor.extra_specs.get(DEVICE_PROFILE)
    return with_root_traits(query, "COMPUTE_ACCELERATORS") if named else query


def packed_virtqueue_filter(
    request: RequestSpec, query: CandidateQuery, facts: Facts, microversion: str, settings: PrefilterSettings
) -> Answer:
    """Require packed virtqueues where they are asked for."""
    wanted = hardware_of(request.flavor, request.image).wants("virtio_packed_ring")
    return with_root_traits(query, "COMPUTE_NET_VIRTIO_PACKED") if wanted else query


def remote_managed_ports_filter(
    request: RequestSpec, query: CandidateQuery, facts: Facts, microversion: str, settings: PrefilterSettings
) -> Answer:
    """Require a host with remote-managed ports where a port is one."""
    wanted = any(network.remote_managed for network in request.requested_networks)
    return with_root_traits(query, "COMPUTE_REMOTE_MANAGED_PORTS") if wanted else query


def ephemeral_encryption_filter(
    request: RequestSpec, query: CandidateQuery, facts: Facts, microversion: str, settings: PrefilterSettings
) -> Answer:
    """Require encrypted local disks, in their format, where they are asked for."""
    hardware = hardware_of(request.flavor, request.image)
    if not hardware.wants("ephemeral_encryption"):
        return query
    encryption, format_ = "COMPUTE_EPHEMERAL_ENCRYPTION", hardware.value("ephemeral_encryption_format")
    return with_root_traits(query, encryption, *([f"{encryption}_{format_.upper()}"] if format_ else []))


def virtio_sound_filter(
    request: RequestSpec, query: CandidateQuery, facts: Facts, microversion: str, settings: PrefilterSettings
) -> Answer:
    """Require virtio sound where it is the model asked for."""
    wanted = hardware_of(request.flavor, request.image).value("sound_model") == "virtio"
    return with_root_traits(query, "COMPUTE_SOUND_MODEL_VIRTIO") if wanted else query


def tpm_secret_security_filter(
    request: RequestSpec, query: CandidateQuery, facts: Facts, microversion: str, settings: PrefilterSettings
) -> Answer:
    """Require that the host keeps the secrets of a TPM as the flavor says, the user's way by default."""
    hardware = hardware_of(request.flavor, request.image)
    if hardware.value("tpm_version") is None:
        return query
    security = hardware.value("tpm_secret_security") or "user"
    return with_root_traits(query, f"COMPUTE_SECURITY_TPM_SECRET_SECURITY_{security.upper()}")


def owner_nova_filter(
    request: RequestSpec, query: CandidateQuery, facts: Facts, microversion: str, settings: PrefilterSettings
) -> Answer:
    """Require that hosts, and the PCI devices of the request, are Nova's."""
    groups = {suffix: _owned(group) if suffix else group for suffix, group in query.groups.items()}
    return with_root_traits(replace(query, groups=groups), OWNER)


def _owned(group: RequestGroup) -> RequestGroup:
    owner = frozenset({OWNER})
    is_pci = any(name.startswith(PCI_CLASS) for name in group.resources)
    return replace(group, required=(*group.required, owner)) if is_pci and owner not in group.required else group


def _trait(prefix: str, value: str, field: str) -> str:
    trait = f"{prefix}_{value.replace('-', '_').upper()}"
    if not _NAME.fullmatch(trait):
        raise InvalidRequest(f"{field}: {shown(value)} is nothing that a host can have a trait for")
    return trait
