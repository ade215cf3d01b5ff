"""What is asked of either side, as plain JSON.

A case is ``{"kind", "rule", "request", "hosts", "aggregates", "options", ...}``. Its request is in the words of our
``RequestSpec``, its options are in Nova's sections. Small numbers stand for UUIDs of instances, aggregates and cells of
hosts. What is left out has the default that both sides know. Hosts are in the order of their provider UUIDs, so that
ties end alike on both sides.
"""

from typing import Any

Case = dict[str, Any]
"""One question to either side."""

Answer = dict[str, Any]
"""``passed`` a host, ``weights``, ``query``, ``orders``; or ``raised``, ``refused``, ``refusal``."""

ALIKE, SHORT = "00000000-0000-4000-8000-000000", "~"
"""What all UUIDs of cases begin with, and what stands for it in files."""


def uuid(number: int) -> str:
    """Return the UUID that a number of a case stands for."""
    return f"{ALIKE}{number:06}"


def packed(text: str) -> str:
    """Return text with UUIDs cut short."""
    return text.replace(ALIKE, SHORT)


def unpacked(text: str) -> str:
    """Return packed text as it was."""
    return text.replace(SHORT, ALIKE)
