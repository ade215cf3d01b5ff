"""What flavor and image say about CPUs: which are dedicated, with which threads. Rules: ``numa_get_constraints``."""

import re
from collections.abc import Iterator

from scheduler.model.hardware import Hardware, contradiction, place

MAX_MASKED = 4096
"""CPUs of a flavor whose masks are read; no hypervisor gives a guest more."""

_RANGE = re.compile(r"(\^?)\s*([0-9]{1,9})\s*(?:-\s*([0-9]{1,9})\s*)?")
_WEAKER = {"mixed": ("dedicated",), "shared": ("mixed", "dedicated")}
_PINNED = ("dedicated", "mixed")


class MalformedMask(ValueError):
    """A CPU mask cannot be read, or names CPUs that the flavor does not have; the text says what is wrong."""


def cpu_policy(hardware: Hardware) -> str | None:
    """Return the CPU policy in force: the flavor's where it has one."""
    return hardware.value("cpu_policy")


def dedicated_cpus(hardware: Hardware) -> int:
    """Return how many CPUs of the guest are dedicated. Raises MalformedMask."""
    if cpu_policy(hardware) == "dedicated":
        return hardware.vcpus
    mask = _dedicated_mask(hardware) or _realtime_mask(hardware) or 0
    return mask.bit_count() if cpu_policy(hardware) == "mixed" else 0


def problems(hardware: Hardware, explicit: str | None) -> Iterator[str]:
    """Yield what is asked for about CPUs and cannot be together.

    ``explicit`` is "VCPU" or "PCPU" when a ``resources:`` extra spec asks for that class, which is a policy too.
    """
    yield from _contradictions(hardware)
    policy = cpu_policy(hardware)
    if policy and explicit:
        yield f"{place(hardware, 'cpu_policy')}: cannot be together with resources:{explicit}"
    effective = policy or {"PCPU": "dedicated", "VCPU": "shared"}.get(explicit or "")
    if effective not in _PINNED:
        yield from _unpinned_problems(hardware)
    if hardware.of_flavor("cpu_dedicated_mask") and effective != "mixed":
        yield "flavor.extra_specs['hw:cpu_dedicated_mask']: needs CPU policy mixed"
    if effective == "mixed" and bool(hardware.of_flavor("cpu_dedicated_mask")) == hardware.wants("cpu_realtime"):
        yield f"{place(hardware, 'cpu_policy')}: mixed needs either hw:cpu_dedicated_mask or hw:cpu_realtime"
    yield from _mask_problems(hardware)


def _contradictions(hardware: Hardware) -> Iterator[str]:
    flavor, image = hardware.of_flavor("cpu_policy"), hardware.of_image("cpu_policy")
    if image in _WEAKER.get(flavor or "", ()):
        yield contradiction("cpu_policy", hardware)
    flavor, image = hardware.of_flavor("cpu_thread_policy"), hardware.of_image("cpu_thread_policy")
    if flavor in {"isolate", "require"} and image and image != flavor:
        yield contradiction("cpu_thread_policy", hardware)


def _unpinned_problems(hardware: Hardware) -> Iterator[str]:
    needing = (
        ("cpu_thread_policy", hardware.value("cpu_thread_policy") is not None),
        ("emulator_threads_policy", hardware.value("emulator_threads_policy") == "isolate"),
        ("cpu_realtime", hardware.wants("cpu_realtime")),
    )
    yield from (
        f"{place(hardware, name)}: needs CPU policy dedicated or mixed" for name, is_asked in needing if is_asked
    )


def _mask_problems(hardware: Hardware) -> Iterator[str]:
    for name, read in (("cpu_dedicated_mask", _dedicated_mask), ("cpu_realtime_mask", _realtime_mask)):
        try:
            read(hardware)
        except MalformedMask as error:
            of_image = hardware.of_image(name) is not None
            field = f"image.properties['hw_{name}']" if of_image else f"flavor.extra_specs['hw:{name}']"
            yield f"{field}: {error}"


def _dedicated_mask(hardware: Hardware) -> int | None:
    text = hardware.of_flavor("cpu_dedicated_mask")
    if text is None:
        return None
    mask = cpu_mask(text, hardware.vcpus)
    if mask == _all(hardware.vcpus):
        raise MalformedMask("must leave a CPU that is shared")
    return mask


def _realtime_mask(hardware: Hardware) -> int | None:
    """Return the CPUs that are real time, all where there is no mask; the image's mask comes before the flavor's."""
    if not hardware.wants("cpu_realtime"):
        return None
    text = hardware.of_image("cpu_realtime_mask") or hardware.of_flavor("cpu_realtime_mask")
    mask = cpu_mask(text or f"0-{hardware.vcpus - 1}", hardware.vcpus)
    if mask == _all(hardware.vcpus) and not hardware.value("emulator_threads_policy"):
        raise MalformedMask("must leave a CPU that is not real time, or hw:emulator_threads_policy must be set")
    return mask


def _all(vcpus: int) -> int:
    return (1 << vcpus) - 1


def cpu_mask(text: str, vcpus: int) -> int:
    """Return the CPUs that a text like "0-3,^2" names, as the bits of a number; "^2" alone is all others.

    Raises MalformedMask.
    """
    if vcpus > MAX_MASKED:
        raise MalformedMask(f"is read for at most {MAX_MASKED} CPUs")
    included, excluded = (_all(vcpus) if text.strip().startswith("^") else 0), 0
    for part in filter(None, map(str.strip, text.split(","))):
        bits, is_excluded = _range(part, vcpus)
        included, excluded = (included, excluded | bits) if is_excluded else (included | bits, excluded)
    mask = included & ~excluded
    if not mask:
        raise MalformedMask("must name a CPU")
    if mask > _all(vcpus):
        raise MalformedMask(f"names a CPU above {vcpus - 1}, the last of the flavor")
    return mask


def _range(text: str, vcpus: int) -> tuple[int, bool]:
    """Return the bits of "2", "0-3" or "^2"; CPUs that the flavor lacks count as the one after its last."""
    match = _RANGE.fullmatch(text)
    if match is None:
        raise MalformedMask("must be CPUs and ranges with commas between, like 0-3,^2")
    start, end = int(match[2]), int(match[3] or match[2])
    if start > end:
        raise MalformedMask("has a range that ends before it starts")
    first, last = min(start, vcpus), min(end, vcpus)
    return (1 << last + 1) - (1 << first), bool(match[1])
