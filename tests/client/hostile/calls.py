"""Calls that must end in time, and how much later they may end."""

import contextlib
import time
from collections.abc import Iterator
from uuid import UUID

import pytest
from keystoneauth1.token_endpoint import Token

from placement_client.client import PlacementClient
from placement_client.clock import Deadline
from placement_client.errors import PlacementError
from placement_client.models import ConsumerWrite, Resources
from placement_client.settings import PlacementSettings
from placement_client.transport import Endpoint, make_transport
from tests.client.conftest import TOKEN

SECONDS = 0.5
OVERRUN = 0.1
NOISE = 0.3  # what threads of the server and a busy machine may add

CONSUMER = UUID("6a3f1a51-9c0f-4f5e-8a4a-2b7f3c0de111")
WRITE = ConsumerWrite({CONSUMER: Resources({"VCPU": 1})}, "p", "u")


class Speaks139:
    """Stands for a negotiation that is done."""

    def result(self, negotiate: object, deadline: object) -> str:
        return "1.39"


def client_of(url: str, settings: PlacementSettings, seconds: float = SECONDS) -> PlacementClient:
    """Return a client whose calls have so many seconds, from now on."""
    transport = make_transport(Token(url, TOKEN), Endpoint(), settings)
    deadline = Deadline.after(seconds)
    return PlacementClient(transport, settings, negotiation=Speaks139(), deadline=deadline)  # type: ignore[arg-type]


@contextlib.contextmanager
def ends_in(kind: type[PlacementError], seconds: float = SECONDS) -> Iterator[list[PlacementError]]:
    """Assert that the block ends in exactly this error, and at most so much later than it may; yield the error."""
    errors: list[PlacementError] = []
    started = time.monotonic()
    with pytest.raises(PlacementError) as caught:
        yield errors
    assert time.monotonic() - started < seconds + OVERRUN + NOISE
    assert type(caught.value) is kind
    errors.append(caught.value)
