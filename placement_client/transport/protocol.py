"""What the client needs of a transport."""

from typing import Protocol, TypeAlias

from requests.adapters import BaseAdapter

from placement_client.clock import Deadline
from placement_client.models import Answer, Request

HttpAdapter: TypeAlias = BaseAdapter
"""What may take the place of the network, in tests."""


class Transport(Protocol):
    """Anything that carries one request to Placement."""

    def send(self, request: Request, deadline: Deadline) -> Answer:
        """Return the complete answer, whatever its status, before the deadline. Raises PlacementError only."""
        ...
