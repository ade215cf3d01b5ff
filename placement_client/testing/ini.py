"""Ini text for test servers and for those who shall reach them."""

from collections.abc import Mapping

# The name of a role, which a Placement without Keystone takes for a token.
TOKEN = "admin"  # nosec B105  # no secret: it opens nothing but the test server of one run


def ini_text(*layers: Mapping[str, Mapping[str, str]]) -> str:
    """Return these sections as ini text; later layers win."""
    merged: dict[str, dict[str, str]] = {}
    for layer in layers:
        for section, values in layer.items():
            merged.setdefault(section, {}).update(values)
    return "\n".join(
        f"[{section}]\n" + "".join(f"{name} = {value.replace('$', '$$')}\n" for name, value in values.items())
        for section, values in merged.items()
    )


def placement_section(endpoint: str, **options: str | float) -> str:
    """Return the ``[placement]`` section that reaches ``endpoint`` without Keystone, with these options besides."""
    insecure = {"auth_type": "admin_token", "endpoint": endpoint, "token": TOKEN, "allow_insecure_auth": "true"}
    values = insecure | options
    return ini_text({"placement": {name: str(value) for name, value in values.items()}})
