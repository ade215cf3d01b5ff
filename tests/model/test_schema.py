"""The documented schema and the documented example are those of the code."""

import json
import re
from pathlib import Path

from scheduler.model import RequestSpec, schema

DOCS = Path(__file__).parents[2] / "docs"


def test_the_schema_in_docs_is_not_stale():
    """``make sample`` writes it again."""
    assert (DOCS / "request.schema.json").read_text() == schema.text()


def test_the_schema_refuses_unknown_fields_and_has_portable_patterns():
    document = json.loads(schema.text())
    assert all(part["additionalProperties"] is False for part in document["$defs"].values())
    assert "\\A" not in schema.text()
    assert '"^[A-Z0-9_]{1,255}$"' in schema.text()


def test_every_example_in_docs_is_accepted():
    examples = re.findall(r"```json\n(.*?)```", (DOCS / "request.md").read_text(), flags=re.DOTALL)
    assert len(examples) >= 2
    for example in examples:
        RequestSpec.from_json(example)


def test_docs_name_every_field():
    text = (DOCS / "request.md").read_text()
    document = json.loads(schema.text())
    names = {name for part in document["$defs"].values() for name in part["properties"]}
    assert [name for name in sorted(names) if f"`{name}`" not in text] == []
