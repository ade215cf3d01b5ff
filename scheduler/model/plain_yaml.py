"""YAML that says what it says: without aliases and without tags.

A short text with aliases stands for more than fits into memory. A tag gives text to a reader that is not made for it,
and fails in ways that nobody foresees.
"""

from typing import Any

import yaml


class PlainLoader(yaml.SafeLoader):
    """Refuses aliases and tags."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        """Return the next node. Raises ComposerError for an alias, and for what bears a tag."""
        event = self.peek_event()  # type: ignore[no-untyped-call]  # the stubs of PyYAML leave it untyped
        if isinstance(event, yaml.AliasEvent) or getattr(event, "tag", None) is not None:
            raise yaml.composer.ComposerError(problem="an alias or a tag", problem_mark=event.start_mark)
        return super().compose_node(parent, index)


def load(data: bytes | str) -> Any:
    """Return the one document of a text. Raises YAMLError, ValueError or RecursionError."""
    loader = PlainLoader(data)
    try:
        return loader.get_single_data()
    finally:
        loader.dispose()
