"""Not one canary of a real exchange reaches a log handler or a print once the guards are installed."""

import http.client
import logging
from collections.abc import Iterator

import pytest
from keystoneauth1.identity import v3
from sqlalchemy import create_engine, text

from placement_client.clock import Deadline
from placement_client.models import Request
from placement_client.redaction import GUARD, PREFIXES, WITHHELD, GuardedRecords, install_guards, outside_exceptions
from placement_client.settings import PlacementSettings
from placement_client.transport import Endpoint, make_transport
from tests.client.conftest import Serve
from tests.client.scripted import reply
from tests.logs.sinks import FORMATTERS, Sink, sink

CANARIES = ("CANARY-TOKEN", "CANARY-PASSWORD", "CANARY-BODY", "CANARY-PATH", "CANARY-USER")
LOGGERS = [prefix.removesuffix(".") for prefix in PREFIXES]


@pytest.fixture(params=FORMATTERS)
def collector(request) -> Iterator[Sink]:
    """Collect what each kind of formatter makes of every record of every logger at every level."""
    with sink(request.param) as collecting:
        yield collecting


@pytest.fixture
def guarded(collector: Sink) -> Sink:
    """The same, with guards."""
    install_guards()
    return collector


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


def leaked(shown: str) -> set[str]:
    return {canary for canary in CANARIES if canary in shown}


def test_without_guards_the_libraries_leak(server: Serve, settings: PlacementSettings, collector: Sink) -> None:
    """The control: it shows that the next test looks in the right place."""
    exchange(server, settings)
    assert leaked(collector.text)


def test_our_own_requests_are_not_logged_even_without_guards(
    server: Serve, settings: PlacementSettings, collector: Sink
) -> None:
    exchange(server, settings)
    assert not [line for line in collector.lines if "curl" in line or "RESP" in line]


def test_with_guards_nothing_leaks(server: Serve, settings: PlacementSettings, guarded: Sink) -> None:
    exchange(server, settings)
    assert leaked(guarded.text) == set()


@pytest.mark.parametrize("prefix", LOGGERS)
@pytest.mark.parametrize("child", ["", ".a", ".made.later"])
def test_each_logger_drops_debug_and_empties_warnings(guarded: Sink, prefix: str, child: str) -> None:
    """Whether it was known before, or is made only now."""
    logger = logging.getLogger(f"{prefix}{child}")
    logger.setLevel(1)
    logger.debug("CANARY-BODY")
    logger.info("%s", "CANARY-BODY")
    logger.error("%(x)s", {"x": "CANARY-BODY"}, stack_info=True, extra={"more": "CANARY-BODY", "body": ["CANARY-BODY"]})
    assert leaked(guarded.text) == set()
    assert len(guarded.lines) == 1
    assert WITHHELD in guarded.lines[0]


def raise_and_log(logger: logging.Logger) -> None:
    """Warn as libraries do: in the middle of handling an exception that holds what they worked on."""
    try:
        raise RuntimeError("CANARY-BODY")
    except RuntimeError:
        logger.warning("failed", exc_info=True)
        logger.warning("failed again")


def test_the_exception_that_is_being_handled_stays_out(guarded: Sink) -> None:
    """oslo.log looks for it by itself, and adds its text to any warning."""
    raise_and_log(logging.getLogger("keystoneauth.identity"))
    assert leaked(guarded.text) == set()
    assert len(guarded.lines) == 2


def test_an_unguarded_logger_shows_the_exception_that_is_being_handled() -> None:
    """The control: oslo.log does that."""
    with sink("context") as collector:
        raise_and_log(logging.getLogger("some.application"))
    assert ["CANARY-BODY" in line for line in collector.lines] == [True, True]


def test_a_call_outside_exceptions_sees_none_that_says_anything() -> None:
    import sys

    try:
        raise RuntimeError("CANARY-BODY")
    except RuntimeError:
        kind, error, _ = outside_exceptions(sys.exc_info)
        assert isinstance(sys.exc_info()[1], RuntimeError)
    assert (kind, error.args, error.__context__, error.__cause__) == (ValueError, (), None, None)
    assert outside_exceptions(sys.exc_info) == (None, None, None)


def query() -> None:
    engine = create_engine("sqlite://", echo_pool="debug")
    with engine.connect() as connection:
        connection.execute(text("SELECT :secret"), {"secret": "CANARY-BODY"})


def test_statements_of_the_journal_are_not_logged(collector: Sink) -> None:
    """The database library is guarded too; the first half is the control."""
    query()
    assert leaked(collector.text)
    collector.lines.clear()
    collector.records.clear()
    install_guards()
    query()
    assert collector.text == ""


def test_the_debug_prints_of_http_client_are_silent(
    server: Serve, settings: PlacementSettings, capfd, monkeypatch
) -> None:
    """``debuglevel`` prints requests with their tokens, whatever logging does; the first half is the control."""
    monkeypatch.setattr(http.client.HTTPConnection, "debuglevel", 1)
    with sink():
        exchange(server, settings)
        assert leaked(capfd.readouterr().out)
        install_guards()
        exchange(server, settings)
        assert capfd.readouterr().out == ""


def test_guards_are_installed_once() -> None:
    with sink():
        install_guards()
        install_guards()
        assert logging.getLogger("keystoneauth.session").filters.count(GUARD) == 1
        assert not isinstance(logging.getLogRecordFactory()._make, GuardedRecords)
        assert not logging.getLogger("scheduler").filters
        assert not logging.getLogger("requestsome").filters


def test_the_record_factory_of_the_application_stays_in_use() -> None:
    class Traced(logging.LogRecord):
        trace = "t1"

    with sink() as collector:
        logging.setLogRecordFactory(Traced)
        install_guards()
        logging.getLogger("keystoneauth.session").warning("CANARY-BODY")
        logging.getLogger("some.application").info("mine")
    assert [type(record) for record in collector.records] == [Traced, Traced]
    assert collector.lines[1] == "INFO:some.application:mine"
