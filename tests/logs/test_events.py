"""Only what the table declares is logged: types, one line, limits, and nothing that a formatter could add."""

import io
import json
import logging
import re
import sys
from typing import get_args
from uuid import UUID

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from oslo_context import context as oslo_context

from placement_client.secret import Secret
from scheduler.events import EVENTS, Event, EventLog, Pseudonyms
from scheduler.events.fields import (
    MAX_FIELD,
    Code,
    Count,
    KeyId,
    Millis,
    OneOf,
    Pseudonym,
    TypeName,
    Version,
    Words,
    one_line,
)
from scheduler.events.log import LOGGER, MAX_RECORD, REDACTED
from scheduler.events.table import (
    CLAIM_NOT_SETTLED,
    CLAIMS_ADOPTED,
    DECIDED,
    JOURNAL_FAILED,
    LOG_STARTED,
    RECORD_NOT_DELIVERED,
    REQUEST_DECIDED,
    TROUBLE,
    UNDECLARED,
    UNSAFE_SETTING,
)
from scheduler.model.decision import Outcome
from tests.logs.sinks import FORMATTERS, oslo_conf, sink

PSEUDONYMS = Pseudonyms(Secret(b"k" * 32))
CANARY = "c4n4ry"
ESCAPE, CUT = r"\\x[0-9a-f]{2}|\\u[0-9a-f]{4}|\\U[0-9a-f]{8}", r"(\\[xuU]?[0-9a-f]*)?"
EVIL = "\x1b[2J\n2026-01-01 root: forged=1 \x00\x7f\x85\u2028\u202e\u2066\ud800 é 😀"


class Text(str):
    """A text that is not just one."""

    __slots__ = ()


class Hostile:
    """A value that fails whatever is asked of it."""

    def __getattribute__(self, name):
        raise RuntimeError(CANARY)


class SteppedClock:
    """A clock that tests set."""

    now = 0.0

    def monotonic(self):
        return self.now


GOOD = [
    (Count(), 0, "0"),
    (Count(), 2**63 - 1, "9223372036854775807"),
    (Millis(), 1.25, "1.2"),
    (Millis(), 3, "3.0"),
    (Code(), "capacity_exceeded", "capacity_exceeded"),
    (Code(), "", "-"),
    (OneOf(("a", "b")), "b", "b"),
    (OneOf(("a", "b")), Text("b"), "b"),
    (Pseudonym("claim"), UUID(int=1), PSEUDONYMS("claim", UUID(int=1))),
    (Pseudonym("request"), EVIL, PSEUDONYMS("request", EVIL)),
    (Pseudonym("request"), "", "-"),
    (TypeName(), KeyError, "KeyError"),
    (TypeName(), type("evil name=1\n", (), {}), '"evil name=1\\x0a"'),
    (Version(), "0.1.0.dev3+g1", "0.1.0.dev3+g1"),
    (KeyId(), "abcdefg2", "abcdefg2"),
    (Words(), "[a] b: c", '"[a] b: c"'),
]
BAD = [
    (Count(), [-1, 2**63, 10**5000, True, 1.0, "1", np.int64(1), None]),
    (Millis(), [-1.0, float("nan"), float("inf"), True, "1.0", np.float64(1), None]),
    (Code(), ["two words", "x" * 65, "a\n", "é", Text("a"), 1, None, b"a"]),
    (OneOf(("a",)), ["c", 1, None]),
    (Pseudonym("claim"), [1, b"x", None, ["x"]]),
    (TypeName(), ["KeyError", KeyError("x"), None]),
    (Version(), ["", "1\n", "1 2", "x" * 65, 1, Text("1"), None]),
    (KeyId(), ["", "abc", "ABCDEFGH", "abcdefgh\n", None]),
    (Words(), [b"x", 1, None, Text("x")]),
]


@pytest.mark.parametrize(("field", "value", "text"), GOOD)
def test_a_field_takes_values_of_its_type(field, value, text):
    assert field.text(value, PSEUDONYMS) == text


@pytest.mark.parametrize(("field", "values"), BAD, ids=lambda one: type(one).__name__)
def test_a_field_refuses_every_other_value_without_showing_it(field, values):
    for value in [*values, Hostile(), Secret(CANARY), {"password": CANARY}]:
        with pytest.raises(Exception) as caught:  # noqa: PT011  (whatever a hostile value raises)
            field.text(value, PSEUDONYMS)
        assert isinstance(caught.value, TypeError) or type(value) is Hostile
        assert type(value) is Hostile or CANARY not in str(caught.value)


@given(st.text(st.characters(exclude_categories=()), max_size=400))
def test_any_text_becomes_one_word_of_printable_ascii(text):
    """Lone surrogates, control and bidi characters included; quotes hold together what has spaces."""
    shown = one_line(text)
    assert len(shown) <= MAX_FIELD
    assert re.fullmatch(rf'[!-<>-~]+|"([ !#-\[\]-~]|{ESCAPE})*({CUT}\.\.\.)?"', shown)
    assert shown.isascii()
    assert shown.isprintable()


def test_texts_that_differ_look_different():
    texts = ["a", '"a"', "a b", "a\\x20b", "a\nb", "a\\nb", "", "-"]
    assert len({one_line(text) for text in texts}) == len(texts)


# What a call may hold


def test_the_first_record_names_release_and_key(caplog):
    caplog.set_level(logging.INFO)
    log = EventLog(PSEUDONYMS, strict=True)
    log(LOG_STARTED, release="1.2", key=log.key_id)
    (record,) = caplog.records
    assert (record.getMessage(), record.levelno) == (f"log_started release=1.2 key={PSEUDONYMS.key_id}", logging.INFO)


UNDECLARED_CALLS = {
    "an event of somebody else": (Event("request_decided", logging.ERROR, CANARY, {}), {}),
    "a field too many": (JOURNAL_FAILED, {"reason": "disk_full", CANARY: CANARY}),
    "a field missing": (JOURNAL_FAILED, {}),
    "a wrong type": (JOURNAL_FAILED, {"reason": f"text with {CANARY}"}),
    "a hostile value": (JOURNAL_FAILED, {"reason": Hostile()}),
    "an exception": (CLAIM_NOT_SETTLED, {"claim": UUID(int=1), "error": ValueError(CANARY)}),
}


@pytest.mark.parametrize("call", UNDECLARED_CALLS)
def test_in_tests_what_is_not_declared_raises(call):
    event, values = UNDECLARED_CALLS[call]
    with pytest.raises((TypeError, RuntimeError)):
        EventLog(PSEUDONYMS, strict=True)(event, **values)


@pytest.mark.parametrize("call", UNDECLARED_CALLS)
def test_in_production_what_is_not_declared_is_redacted(call, caplog):
    event, values = UNDECLARED_CALLS[call]
    EventLog(PSEUDONYMS)(event, **values)
    (record,) = caplog.records
    message = record.getMessage()
    assert CANARY not in message + repr(vars(record))
    assert REDACTED in message or message == UNDECLARED.name


def test_every_outcome_is_a_word_of_the_request_events():
    assert sorted(DECIDED + TROUBLE) == sorted(get_args(Outcome))


# What a record looks like


def longest(field) -> object:
    """Give the value whose text is longest."""
    values = {Count: 2**63 - 1, Millis: 2.0**62, Code: "x" * 64, Version: "1" * 64, KeyId: "abcdefg2"}
    values |= {Words: "\U0010ffff" * 300, TypeName: type("\U0010ffff" * 300, (), {}), Pseudonym: EVIL * 100}
    return max(field.words, key=len) if isinstance(field, OneOf) else values[type(field)]


@pytest.mark.parametrize("event", EVENTS.values(), ids=EVENTS)
def test_no_record_is_longer_than_allowed(event, caplog):
    caplog.set_level(1)
    EventLog(PSEUDONYMS, strict=True)(event, **{name: longest(field) for name, field in event.fields.items()})
    message = caplog.records[0].getMessage()
    assert len(message) <= MAX_RECORD
    assert all(len(word.partition("=")[2]) <= MAX_FIELD for word in message.split(" ")[1:])
    assert message.isascii()
    assert message.isprintable()
    assert [word.partition("=")[0] for word in message.split(" ")] == [event.name, *event.fields]


@pytest.mark.parametrize("formatter", FORMATTERS)
@pytest.mark.parametrize("event", [REQUEST_DECIDED, JOURNAL_FAILED], ids=lambda event: event.name)
def test_no_formatter_adds_an_exception_or_a_context(event, formatter):
    """Neither what is being handled while an event is logged, nor who the thread works for."""
    oslo_context.RequestContext(user_id=CANARY, project_id=CANARY, request_id=f"req-{CANARY}")
    log = EventLog(PSEUDONYMS)
    with sink(formatter) as sunk:
        try:
            raise RuntimeError(CANARY)
        except RuntimeError:
            log(event, reason="disk_full")
    oslo_context._request_store.context = None
    assert len(sunk.lines) == 1
    assert event.name in sunk.lines[0]
    assert CANARY not in sunk.text


def test_a_plain_logger_shows_exception_and_context():
    """The control: oslo.log adds both by itself."""
    oslo_context.RequestContext(user_id=f"{CANARY}-user", project_id="p", request_id="req-1")
    with sink("context") as sunk:
        try:
            raise RuntimeError(f"{CANARY}-error")
        except RuntimeError:
            logging.getLogger(LOGGER).warning("harmless")
    oslo_context._request_store.context = None
    assert f"{CANARY}-user" in sunk.lines[0]
    assert f"{CANARY}-error" in sunk.lines[0]


def test_the_json_of_oslo_log_has_no_second_copy_of_anything():
    with sink("json") as sunk:
        EventLog(PSEUDONYMS)(RECORD_NOT_DELIVERED, observer=Hostile, error=KeyError)
    (line,) = map(json.loads, sunk.lines)
    assert (line["args"], line["extra"], line["context"], line["traceback"]) == ([], {}, {}, None)
    assert line["msg"] == line["message"] == "record_not_delivered observer=Hostile error=KeyError"


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_a_record_never_fails_to_be_formatted_or_encoded(encoding, capsys):
    """``logging.raiseExceptions`` prints message and arguments of a record that fails to standard error."""
    stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    handler, logger = logging.StreamHandler(stream), logging.getLogger(LOGGER)
    logger.addHandler(handler)
    try:
        for words in (EVIL, "100% %s %(x)s %d", "{} {0}", "\ud800"):
            EventLog(PSEUDONYMS)(UNSAFE_SETTING, setting=words)
    finally:
        logger.removeHandler(handler)
    handler.flush()
    assert stream.buffer.getvalue().count(b"\n") == 4
    assert "Logging error" not in capsys.readouterr().err


def test_a_record_that_fails_prints_its_arguments(capsys):
    """The control: the trap is real for whoever logs with a format string."""
    logger, handler = logging.getLogger("some.application"), logging.StreamHandler(io.StringIO())
    logger.propagate = False
    logger.addHandler(handler)
    logger.warning("%d", CANARY)
    logger.removeHandler(handler)
    logger.propagate = True
    assert CANARY in capsys.readouterr().err


class Broken(logging.Handler):
    """A handler of an application that raises."""

    def emit(self, record):
        raise RuntimeError(CANARY)


def test_a_handler_that_raises_stops_no_request():
    handler, logger = Broken(), logging.getLogger(LOGGER)
    logger.addHandler(handler)
    try:
        EventLog(PSEUDONYMS)(JOURNAL_FAILED, reason="disk_full")
        with pytest.raises(RuntimeError):
            logger.error("the control")
    finally:
        logger.removeHandler(handler)


def test_a_record_factory_of_the_application_that_sets_a_context_loses_nothing():
    class Contextual(logging.LogRecord):
        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)
            self.context = {"user": CANARY}

    with sink("context") as sunk:
        logging.setLogRecordFactory(Contextual)
        EventLog(PSEUDONYMS)(JOURNAL_FAILED, reason="disk_full")
    assert len(sunk.lines) == 1
    assert CANARY not in sunk.text


# How often


def test_an_event_that_repeats_is_held_back_and_the_next_one_tells_how_often(caplog):
    clock = SteppedClock()
    log = EventLog(PSEUDONYMS, clock)
    for _ in range(1000):
        log(JOURNAL_FAILED, reason="disk_full")
    assert len(caplog.records) == JOURNAL_FAILED.a_minute == 60
    log(CLAIMS_ADOPTED, claims=3)
    assert caplog.messages[-1] == "claims_adopted claims=3"
    clock.now = 60.0
    log(JOURNAL_FAILED, reason="disk_full")
    assert caplog.messages[-1] == "journal_failed reason=disk_full held_back=940"
    log(JOURNAL_FAILED, reason="disk_full")
    assert caplog.messages[-1] == "journal_failed reason=disk_full"


def test_the_record_of_a_request_is_never_held_back():
    unlimited = {event.name for event in EVENTS.values() if event.a_minute is None}
    assert {"log_started", "request_decided", "request_not_decided"} <= unlimited
    assert "journal_failed" not in unlimited


def test_what_nobody_listens_to_is_neither_made_nor_counted(caplog):
    caplog.set_level(logging.CRITICAL, logger=LOGGER)
    log = EventLog(PSEUDONYMS)
    for _ in range(1000):
        log(JOURNAL_FAILED, reason=Hostile())
    caplog.set_level(logging.ERROR, logger=LOGGER)
    log(JOURNAL_FAILED, reason="disk_full")
    assert caplog.messages == ["journal_failed reason=disk_full"]


def test_without_a_key_two_logs_share_no_pseudonym():
    assert EventLog().key_id != EventLog().key_id


def test_the_formatters_are_those_of_oslo_log():
    """The controls above mean something only as long as this is what operators run."""
    assert {type(make()).__module__ for name, make in FORMATTERS.items() if name != "plain"} == {"oslo_log.formatters"}
    assert oslo_conf().logging_context_format_string
    assert sys.exc_info() == (None, None, None)
