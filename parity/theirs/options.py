"""Options of Nova set for one case."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import nova.conf

Options = dict[str, dict[str, Any]]
"""Values by section and option."""


@contextmanager
def overridden(options: Options) -> Iterator[None]:
    """Set these options, and take them back at the end."""
    pairs = [(section, name, value) for section, values in options.items() for name, value in values.items()]
    try:
        for section, name, value in pairs:
            nova.conf.CONF.set_override(name, value, _group(section))
        yield
    finally:
        for section, name, _ in pairs:
            nova.conf.CONF.clear_override(name, _group(section))


def _group(section: str) -> str | None:
    return None if section == "DEFAULT" else section
