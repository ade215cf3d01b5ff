"""Words that Nova's scheduler understands without a class or an option of that name.

``python -m parity.theirs.words`` in Nova's environment prints them, for tests/architecture/recorded/nova_words.json.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nova.conf
from nova.api.openstack.compute.schemas import servers
from nova.api.validation.extra_specs import validators

ROOT = Path(nova.__file__).parent
CODE = ("scheduler/**/*.py", "servicegroup/**/*.py", "weights.py", "filters.py", "virt/hardware.py")
"""Where options are read that decide."""

_CHECK_TYPE = "_nova_check_type"
_OPTION = re.compile(r"\bCONF\.(?:([a-z_]+)\.)?([a-z_]+)")
_KEY = re.compile(
    r"""['"](\w+_weight_multiplier|filter_tenant_id|instance_type|max_(?:instances|io_ops)_per_host|trait:)"""
)


def words() -> dict[str, Any]:
    """Return hints, forms of extra specs, keys of aggregate metadata, and the options that the scheduler reads."""
    return {
        "hints": sorted([*servers._hints["properties"], _CHECK_TYPE]),
        "extra_specs": sorted(set(map(_form, validators.VALIDATORS.values()))),
        "aggregate_keys": sorted({"availability_zone", *_found(_KEY)}),
        "read_options": sorted({".".join(filter(None, pair)) for pair in _found(_OPTION) if _is_option(*pair)}),
    }


def _form(validator: Any) -> str:
    """Return an extra spec as it is declared, with a name in braces where any of Placement's will do."""
    return re.sub(r"^(resources|trait)(\{group\}):\w*(\{\w+\}|\w+)$", r"\1\2:{name}", validator.name)


def _is_option(section: str, name: str) -> bool:
    options = nova.conf.CONF._groups[section]._opts if section else nova.conf.CONF._opts
    return name in options


def _found(pattern: re.Pattern[str]) -> Iterator[Any]:
    for glob in CODE:
        for file in ROOT.glob(glob):
            yield from pattern.findall(file.read_text(encoding="utf-8"))


if __name__ == "__main__":
    print(json.dumps(words(), indent=1))
