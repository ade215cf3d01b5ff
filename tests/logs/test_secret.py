"""A secret is given out by ``reveal`` alone, whatever is done to it or to what holds it."""

import copy
import json
import logging
import pickle
import pprint
import traceback

import msgspec
import pytest
from oslo_serialization import jsonutils

from placement_client.secret import MASK, Secret
from scheduler.config import HostsSettings, LoggingSettings, RandomnessSettings, list_opts
from scheduler.config.values import _values
from scheduler.settings import JournalSettings, SchedulerSettings
from tests.config.test_values import WHERE, conf  # noqa: F401  (a fixture)

CANARY = "c4n4ry-s3cret"
SECRETS = [Secret(CANARY), Secret(CANARY.encode())]
SHOWN = {
    "str": str,
    "repr": repr,
    "format": lambda one: f"{one} {one!s:>40} {one:>40}",
    "percent": lambda one: "%s %r" % (one, one),  # noqa: UP031  (this is what is tested)
    "pprint": pprint.pformat,
    "in a list": lambda one: str([one, {"key": one}, (one,)]),
    "oslo": lambda one: jsonutils.dumps(jsonutils.to_primitive(one, fallback=repr)),
    "json with a fallback": lambda one: json.dumps(one, default=repr),
    "dir": lambda one: str([dir(one), getattr(one, "__dict__", {})]),
    "copy": lambda one: repr([copy.copy(one), copy.deepcopy(one)]),
    "in an exception": lambda one: "".join(traceback.format_exception(ValueError(one))),
    "a log record": lambda one: logging.Formatter().format(logging.makeLogRecord({"msg": "%s", "args": (one,)})),
    "settings": lambda one: repr(JournalSettings(connection=one)),
    "settings as a dictionary": lambda one: repr(msgspec.structs.asdict(RandomnessSettings(seed=one))),
}
REFUSED = {
    "pickle": pickle.dumps,
    "old pickle": lambda one: pickle.dumps(one, protocol=0),
    "pickled settings": lambda one: pickle.dumps(JournalSettings(connection=one)),
    "json": json.dumps,
    "msgspec": msgspec.json.encode,
    "iteration": list,
    "index": lambda one: one[0],
    "length": len,
    "addition": lambda one: "" + one,
    "bytes": bytes,
    "hash": hash,
    "change": lambda one: setattr(one, "_value", "x"),
}


@pytest.mark.parametrize("secret", SECRETS, ids=["text", "bytes"])
@pytest.mark.parametrize("shown", SHOWN)
def test_what_shows_a_secret_shows_a_mask(secret, shown):
    text = SHOWN[shown](secret)
    assert CANARY not in text
    assert MASK in text or shown == "dir"


@pytest.mark.parametrize("secret", SECRETS, ids=["text", "bytes"])
@pytest.mark.parametrize("refused", REFUSED)
def test_what_would_take_a_secret_apart_is_refused(secret, refused):
    with pytest.raises((TypeError, AttributeError)) as caught:
        REFUSED[refused](secret)
    assert CANARY not in str(caught.value)
    assert secret.reveal() in (CANARY, CANARY.encode())


def test_locals_in_a_traceback_show_a_mask():
    def fails(secret):
        raise LookupError

    with pytest.raises(LookupError) as caught:
        fails(Secret(CANARY))
    shown = "".join(traceback.TracebackException.from_exception(caught.value, capture_locals=True).format())
    assert f"secret = {MASK}" in shown


def test_secrets_are_equal_when_their_values_are():
    assert Secret("a") == Secret("a")
    assert Secret(b"a") == Secret(b"a")
    assert Secret("\ud800") == Secret("\ud800")
    assert Secret("a") != Secret("b")
    assert Secret("a") != Secret(b"a")
    assert Secret("a") != "a"
    assert (bool(Secret("")), bool(Secret("a"))) == (False, True)


def test_every_secret_option_becomes_a_secret(conf):  # noqa: F811  (a fixture)
    """Whoever adds an option that oslo.config masks has to give its setting the type."""
    kinds = {where: kind for kind, where in WHERE.items()}
    secret = [(section, opt.name) for section, opts in list_opts() for opt in opts if opt.secret]
    assert ("journal", "connection") in secret
    for section, name in secret:
        conf.set_override(name, CANARY, section)
        found = _values(conf[section], kinds[section])[name]
        assert (type(found), found.reveal()) == (Secret, CANARY)


def test_default_settings_show_nothing_of_the_journal():
    assert "sqlite" not in repr(SchedulerSettings()) + repr((HostsSettings(), LoggingSettings()))
