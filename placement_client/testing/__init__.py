"""Placement for tests of controllers: a mock, the real server in this process or behind TLS, and faults by call.

``MockPlacement`` needs placement-scheduler[testing], ``RealPlacement``, ``PlacementServer`` and ``KeystoneServer`` need
[embedded], ``PostgresServer`` needs [postgresql]. Fixtures:
``pytest_plugins = ["placement_client.testing.pytest_plugin"]``.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from placement_client.testing.faults import Call, Fault, FaultAdapter, Script
    from placement_client.testing.keystone import KeystoneServer
    from placement_client.testing.mock import MockPlacement
    from placement_client.testing.postgresql import PostgresServer
    from placement_client.testing.real import RealPlacement
    from placement_client.testing.server import PlacementServer
    from placement_client.testing.wsgi import WsgiAdapter

__all__ = [
    "MockPlacement",
    "RealPlacement",
    "PlacementServer",
    "KeystoneServer",
    "PostgresServer",
    "FaultAdapter",
    "Call",
    "Fault",
    "Script",
    "WsgiAdapter",
]

# Imported when asked for: who has one extra need not have the others.
_HOMES = {
    "MockPlacement": ("mock", "testing"),
    "RealPlacement": ("real", "embedded"),
    "PlacementServer": ("server", "embedded"),
    "KeystoneServer": ("keystone", "embedded"),
    "PostgresServer": ("postgresql", "postgresql"),
    "FaultAdapter": ("faults", ""),
    "Call": ("faults", ""),
    "Fault": ("faults", ""),
    "Script": ("faults", ""),
    "WsgiAdapter": ("wsgi", ""),
}


def __getattr__(name: str) -> Any:
    """Import a public name from its module. Raises ImportError naming the extra that is missing."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, extra = _HOMES[name]
    try:
        return getattr(importlib.import_module(f"{__name__}.{module}"), name)
    except ModuleNotFoundError as error:
        raise ImportError(f"{name} needs {error.name}: pip install 'placement-scheduler[{extra}]'") from error
