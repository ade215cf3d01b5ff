"""Not one canary of a real exchange reaches a log handler at any level once the guards are installed."""

import logging
from collections.abc import Iterator

import pytest
from keystoneauth1.identity import v3

from placement_client.clock import Deadline
from placement_client.models import Request
from placement_client.redaction import GUARD, LOGGERS, WITHHELD, install_guards
from placement_client.settings import PlacementSettings
from placement_client.transport import Endpoint, make_transport
from tests.client.conftest import Serve
from tests.client.scripted import reply

CANARIES = ("CANARY-TOKEN", "CANARY-PASSWORD", "CANARY-BODY", "CANARY-PATH", "CANARY-USER")


class Collector(logging.Handler):
    """Keeps everything a record holds, as the most talkative handler would print it."""

    def __init__(self) -> None:
        super().__init__(0)
        self.text: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.text.append(f"{self.format(record)} {vars(record)}")


@pytest.fixture
def collector() -> Iterator[Collector]:
    """Collect every record of every logger at every level; guards, ours or of other tests, are off before and after."""
    root, handler = logging.getLogger(), Collector()
    level = root.level
    take_guards_off()
    root.addHandler(handler)
    root.setLevel(1)
    yield handler
    root.removeHandler(handler)
    root.setLevel(level)
    take_guards_off()


def take_guards_off() -> None:
    for name in list(logging.root.manager.loggerDict):
        logging.getLogger(name).removeFilter(GUARD)


def exchange(server: Serve, settings: PlacementSettings) -> None:
    """Fetch a token with a password, then write to Placement."""
    placement = server(reply(409, {"errors": ["CANARY-BODY"]}))
    endpoint = {"interface": "internal", "region": "r", "url": placement.url, "id": "e"}
    catalog = [{"type": "placement", "name": "CANARY-BODY", "id": "s", "endpoints": [endpoint]}]
    body = {"token": {"expires_at": "2999-01-01T00:00:00.000000Z", "catalog": catalog, "methods": ["password"]}}
    keystone = server(reply(201, body, {"X-Subject-Token": "CANARY-TOKEN"}))
    auth = v3.Password(f"{keystone.url}/v3", username="CANARY-USER", password="CANARY-PASSWORD", user_domain_id="d")
    request = Request("PUT", "/allocations/CANARY-PATH", "/allocations/{consumer}", b"CANARY-BODY", "1.39")
    make_transport(auth, Endpoint(), settings).send(request, Deadline.after(5.0))


def leaked(collector: Collector) -> set[str]:
    return {canary for canary in CANARIES for text in collector.text if canary in text}


def test_without_guards_the_libraries_leak(server: Serve, settings: PlacementSettings, collector: Collector) -> None:
    """The control: it shows that the next test looks in the right place."""
    exchange(server, settings)
    assert leaked(collector)


def test_our_own_requests_are_not_logged_even_without_guards(
    server: Serve, settings: PlacementSettings, collector: Collector
) -> None:
    exchange(server, settings)
    assert not [text for text in collector.text if "curl" in text or "RESP" in text]


def test_with_guards_nothing_leaks(server: Serve, settings: PlacementSettings, collector: Collector) -> None:
    install_guards()
    exchange(server, settings)
    assert leaked(collector) == set()


@pytest.mark.parametrize("name", LOGGERS)
def test_each_logger_drops_debug_and_empties_warnings(collector: Collector, name: str) -> None:
    install_guards()
    logger = logging.getLogger(name)
    logger.debug("CANARY-BODY")
    logger.info("%s", "CANARY-BODY")
    try:
        raise ValueError("CANARY-BODY")
    except ValueError:
        logger.exception("failed: %s", "CANARY-BODY", stack_info=True)
    assert leaked(collector) == set()
    assert [text.startswith(WITHHELD) for text in collector.text] == [True]


def test_a_logger_made_by_a_plugin_before_is_guarded_too(collector: Collector) -> None:
    logger = logging.getLogger("keystoneauth.of.an.operator")
    install_guards()
    logger.debug("CANARY-BODY")
    assert collector.text == []


def test_guards_are_installed_once() -> None:
    install_guards()
    install_guards()
    assert logging.getLogger("keystoneauth.session").filters.count(GUARD) == 1
    assert not logging.getLogger("scheduler").filters
