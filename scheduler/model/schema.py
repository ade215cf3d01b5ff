"""The JSON schema of a request, generated from the types."""

import json
import re

import msgspec

from scheduler.model.request import RequestSpec


def text() -> str:
    """Return the schema as it is kept in docs/request.schema.json."""
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **msgspec.json.schema(RequestSpec)}
    written = json.dumps(schema, indent=2, sort_keys=True) + "\n"
    portable = written.replace(r"\\A", "^").replace(r"\\Z", "$")  # JSON schema speaks ECMAScript's regular expressions
    return re.sub(r"(\\n)+ *", " ", portable)  # descriptions are docstrings with their line breaks
