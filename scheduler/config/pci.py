"""The aliases of ``[pci] alias``: from Nova's JSON to the class and traits that a device is asked for by.

Names become Placement's as in Nova: a standard one stays, any other becomes a ``CUSTOM_`` one.
"""

from collections.abc import Iterator, Sequence

import msgspec
import os_resource_classes
from msgspec import Struct

from scheduler.settings import PciAlias

OPTION = "[pci] alias"


class _Written(Struct, frozen=True, forbid_unknown_fields=True):
    """An alias as Nova's operators write it."""

    name: str
    vendor_id: str = ""
    product_id: str = ""
    resource_class: str = ""
    traits: str = ""
    device_type: str = ""
    numa_policy: str = ""
    capability_type: str = ""


def wrong_aliases(texts: Sequence[str]) -> Iterator[str]:
    """Yield what is wrong with the aliases, each by its position; the text itself may be long and stays out."""
    names = [alias.name for alias in aliases_from(texts)]
    for place, text in enumerate(texts, start=1):
        if problem := _problem(text):
            yield f"{OPTION}, number {place}: {problem}"
    if len(set(names)) < len(names):
        yield f"{OPTION}: expected each name once; give devices that may stand for each other one resource_class"


def aliases_from(texts: Sequence[str]) -> tuple[PciAlias, ...]:
    """Return the aliases; those that are malformed are left out."""
    return tuple(_alias(written) for written in map(_read, texts) if written is not None)


def _problem(text: str) -> str:
    written = _read(text)
    if written is None:
        return (
            "expected a JSON object of texts with name, and vendor_id and product_id or resource_class; traits, "
            "device_type, numa_policy and capability_type besides"
        )
    if not written.name.strip():
        return "expected a name"
    if not (written.resource_class or (written.vendor_id and written.product_id)):
        return "expected vendor_id and product_id, or resource_class"
    if written.numa_policy not in ("", "legacy", "preferred"):
        return "numa_policy: expected legacy or preferred, as nothing here judges where a device is"
    return ""


def _read(text: str) -> _Written | None:
    try:
        return msgspec.json.decode(text, type=_Written)
    except (msgspec.MsgspecError, RecursionError):
        return None


def _alias(written: _Written) -> PciAlias:
    of_product = f"CUSTOM_PCI_{written.vendor_id}_{written.product_id}".upper()
    traits = filter(None, map(str.strip, written.traits.split(",")))
    return PciAlias(
        name=written.name.strip(),
        resource_class=_class_name(written.resource_class) if written.resource_class else of_product,
        traits=tuple(sorted({_trait_name(trait) for trait in traits})),
    )


def _class_name(name: str) -> str:
    upper = name.strip().upper()
    known = upper in os_resource_classes.STANDARDS or os_resource_classes.is_custom(upper)
    return upper if known else str(os_resource_classes.normalize_name(upper))


def _trait_name(name: str) -> str:
    import os_traits  # noqa: PLC0415  (imports all of its many modules; few aliases name traits)

    upper = name.upper()
    known = upper in os_traits.get_traits() or os_traits.is_custom(upper)
    return upper if known else str(os_traits.normalize_name(upper))
