"""What flavor and image say about the hardware of the guest, as far as a host has to have something for it.

A term has an extra spec, an image property, or both; where both are given they have to agree, but for those terms that
Nova lets the flavor or the image decide (``cpus``). Rules: ``nova.virt.hardware``, with its silent fallbacks made
errors: a word that a term does not have is named.
"""

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, NamedTuple

from msgspec import Struct, field

from scheduler.model.group_specs import Misfit
from scheduler.model.messages import NOT_HONOURED, shown

if TYPE_CHECKING:
    from scheduler.model.request import Flavor, Image

FLAG = ("true", "false")
_WORDS = dict.fromkeys(("1", "t", "true", "on", "y", "yes"), "true") | dict.fromkeys(
    ("0", "f", "false", "off", "n", "no"), "false"
)


class Term(NamedTuple):
    """A thing that flavor and image can say; ``values`` empty means any text."""

    extra_spec: str | None
    image_property: str | None
    values: tuple[str, ...] = ()


def _both(name: str, *values: str) -> Term:
    return Term(f"hw:{name}", f"hw_{name}", values)


def _flavor(name: str, *values: str) -> Term:
    return Term(f"hw:{name}", None, values)


TERMS: Mapping[str, Term] = {
    "cpu_policy": _both("cpu_policy", "dedicated", "shared", "mixed"),
    "cpu_thread_policy": _both("cpu_thread_policy", "prefer", "isolate", "require"),
    "cpu_dedicated_mask": _flavor("cpu_dedicated_mask"),
    "cpu_realtime": _flavor("cpu_realtime", *FLAG),
    "cpu_realtime_mask": _both("cpu_realtime_mask"),
    "emulator_threads_policy": _flavor("emulator_threads_policy", "share", "isolate"),
    "pmem": _flavor("pmem"),
    "tpm_version": _both("tpm_version", "1.2", "2.0"),
    "tpm_model": _both("tpm_model", "tpm-tis", "tpm-crb"),
    "tpm_secret_security": _flavor("tpm_secret_security", "user", "host", "deployment"),
    "mem_encryption": _both("mem_encryption", *FLAG),
    "mem_encryption_model": _both("mem_encryption_model", "amd-sev", "amd-sev-es", "amd-sev-snp", "intel-tdx"),
    "pci_numa_affinity_policy": _both("pci_numa_affinity_policy", "required", "legacy", "preferred", "socket"),
    "secure_boot": Term("os:secure_boot", "os_secure_boot", ("required", "disabled", "optional")),
    "maxphysaddr_mode": _both("maxphysaddr_mode", "passthrough", "emulate"),
    "firmware_stateless": Term(None, "hw_firmware_stateless", FLAG),
    "firmware_type": Term(None, "hw_firmware_type"),
    "machine_type": Term(None, "hw_machine_type"),
    "video_model": Term(None, "hw_video_model"),
    "virtio_packed_ring": _both("virtio_packed_ring", *FLAG),
    "ephemeral_encryption": _both("ephemeral_encryption", *FLAG),
    "ephemeral_encryption_format": _both("ephemeral_encryption_format", "plain", "luks", "luksv2"),
    "sound_model": _both("sound_model", "sb16", "es1370", "pcspk", "ac97", "ich6", "ich9", "usb", "virtio"),
}
"""Every term by its name."""

NUMA_POLICIES = frozenset({"required", "legacy"})
"""PCI NUMA policies that only hosts whose NUMA topology is known can keep; nothing here judges it."""

EXTRA_SPECS: Mapping[str, Term] = {term.extra_spec: term for term in TERMS.values() if term.extra_spec}
IMAGE_PROPERTIES: Mapping[str, Term] = {term.image_property: term for term in TERMS.values() if term.image_property}

DECIDED_BY_ONE = frozenset({"cpu_policy", "cpu_thread_policy", "cpu_realtime_mask"})
"""Terms for which Nova says whose word counts; ``cpus`` does here."""

_BITS = re.compile(r"[1-9][0-9]?")
_STATELESS = frozenset({"amd-sev-snp", "intel-tdx"})


def check_extra_spec(key: str, value: str) -> None:
    """Raise Misfit when an extra spec of a term has another value than the term takes."""
    _check(EXTRA_SPECS[key], value)


def check_property(name: str, value: str) -> None:
    """Raise Misfit when an image property of a term has another value than the term takes."""
    _check(IMAGE_PROPERTIES[name], value)


def check_address_bits(value: str) -> None:
    """Raise Misfit unless this is a number of bits that the physical addresses of a host may have."""
    if not _BITS.fullmatch(value):
        raise Misfit("must be a whole number from 1 to 99")


def _check(term: Term, value: str) -> None:
    if term == TERMS["pci_numa_affinity_policy"] and value in NUMA_POLICIES:
        raise Misfit(NOT_HONOURED)
    if not value or (term.values and _word(term, value) not in term.values):
        raise Misfit(f"{shown(value)} is not one of {', '.join(term.values)}" if term.values else "must not be empty")


def _word(term: Term, value: str) -> str:
    return _WORDS.get(value.strip().lower(), value) if term.values == FLAG else value


class Hardware(Struct, frozen=True):
    """What a flavor and an image say about the hardware of the guest.

    ``vcpus`` is the flavor's; a value that its term does not have counts as nothing said.
    """

    vcpus: int
    extra_specs: Mapping[str, str] = field(default_factory=dict)
    properties: Mapping[str, str] = field(default_factory=dict)

    def of_flavor(self, name: str) -> str | None:
        """Return what the flavor says of a term."""
        return _said(TERMS[name], TERMS[name].extra_spec, self.extra_specs)

    def of_image(self, name: str) -> str | None:
        """Return what the image says of a term."""
        return _said(TERMS[name], TERMS[name].image_property, self.properties)

    def value(self, name: str) -> str | None:
        """Return what is said of a term, by the flavor or else by the image."""
        return self.of_flavor(name) or self.of_image(name)

    def wants(self, name: str) -> bool:
        """Tell whether a flag is set."""
        return self.value(name) == "true"


def _said(term: Term, key: str | None, values: Mapping[str, str]) -> str | None:
    value = values.get(key) if key else None
    if not value:
        return None
    word = _word(term, value)
    return word if word in term.values or not term.values else None


def hardware_of(flavor: "Flavor", image: "Image | None") -> Hardware:
    """Return what this flavor and this image say."""
    return Hardware(flavor.vcpus, flavor.extra_specs, image.properties if image else {})


def contradiction(name: str, hardware: Hardware) -> str:
    """Say that flavor and image contradict each other about a term."""
    term = TERMS[name]
    flavor, image = hardware.of_flavor(name) or "", hardware.of_image(name) or ""
    own, other = f"flavor.extra_specs['{term.extra_spec}']", f"image.properties['{term.image_property}']"
    return f"{own}: {shown(flavor)} contradicts {other}, {shown(image)}"


def problems(hardware: Hardware) -> Iterator[str]:
    """Yield what flavor and image ask for that cannot be together; ``cpus`` has more about CPUs."""
    for name in TERMS:
        flavor, image = hardware.of_flavor(name), hardware.of_image(name)
        if name not in DECIDED_BY_ONE and flavor and image and flavor != image:
            yield contradiction(name, hardware)
    if hardware.value("tpm_model") == "tpm-crb" and hardware.value("tpm_version") == "1.2":
        yield f"{place(hardware, 'tpm_model')}: tpm-crb needs TPM version 2.0"
    if hardware.wants("firmware_stateless") and hardware.value("firmware_type") != "uefi":
        yield "image.properties['hw_firmware_stateless']: needs hw_firmware_type uefi"
    if hardware.wants("mem_encryption"):
        yield from _encryption_problems(hardware)


def place(hardware: Hardware, name: str) -> str:
    """Return the field that says a term: the flavor's where it says anything."""
    term = TERMS[name]
    if hardware.of_flavor(name):
        return f"flavor.extra_specs['{term.extra_spec}']"
    return f"image.properties['{term.image_property}']"


def _encryption_problems(hardware: Hardware) -> Iterator[str]:
    field_, model = place(hardware, "mem_encryption"), hardware.value("mem_encryption_model")
    if hardware.value("firmware_type") != "uefi":
        yield f"{field_}: needs image property hw_firmware_type uefi"
    if "q35" not in (hardware.value("machine_type") or "q35"):
        yield f"{field_}: needs image property hw_machine_type q35"
    if model in _STATELESS and not hardware.wants("firmware_stateless"):
        yield f"{field_}: {model} needs image property hw_firmware_stateless true"
    if model == "intel-tdx" and hardware.value("video_model") != "none":
        yield f"{field_}: {model} needs image property hw_video_model none"
