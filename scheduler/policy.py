"""The policy file: who may do what, in the language of oslo.policy; read again whenever it changes."""

import graphlib
import os
import re
import threading
from collections.abc import Iterator
from difflib import get_close_matches

import yaml
from oslo_config import cfg
from oslo_policy import policy

from scheduler.errors import InvalidSettings, NotPermitted, SchedulingUnavailable
from scheduler.model import RequestContext, plain_yaml
from scheduler.model.admission import ACTIONS, Action, Owner
from scheduler.model.messages import named

# What a rule may look at. oslo.policy knows more kinds; http: would ask another server, and any other word never holds.
KINDS = ("role", "rule", "project_id", "user_id", "is_elevated")
OPERATORS = ("and", "or", "not", "@", "!", "")

_OF_TARGET = re.compile(r"%\((project_id|user_id)\)s")

Stamp = tuple[int, int, int]


class PolicyFile:
    """Asks the rules of a file; an action that it does not mention is refused.

    Raises InvalidSettings when the file cannot be used. When that is so later, after a change, every action ends as
    SchedulingUnavailable until it is mended.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._stamp = _stamp(path)
        self._enforcer = _enforcer(path)

    def __call__(self, context: RequestContext, action: Action, target: Owner, /) -> None:
        """Return when a rule of the file lets the context do this; raise NotPermitted when none does."""
        if not _allows(self._current(), context, action, target):
            raise NotPermitted(f'{action} is refused by the policy file; a rule "{action}" there has to allow it.')

    def _current(self) -> policy.Enforcer:
        """Return the rules as the file has them now. Raises SchedulingUnavailable."""
        with self._lock:
            try:
                self._refresh()
                return self._enforcer
            except InvalidSettings:
                pass
        raise SchedulingUnavailable(reason="policy_file_unusable")

    def _refresh(self) -> None:
        stamp = _stamp(self._path)
        if stamp != self._stamp:
            self._enforcer = _enforcer(self._path)
            self._stamp = stamp


def problems(rules: dict[object, object]) -> Iterator[str]:
    """Yield what is wrong with the content of a policy file: names, words, and rules that lead nowhere."""
    wrong = [str(name) for name, rule in rules.items() if not (isinstance(name, str) and isinstance(rule, str))]
    if wrong:
        yield from (f"{named(name)}: a rule is a name and a text" for name in wrong)
        return
    texts = {str(name): str(rule) for name, rule in rules.items()}
    uses = {name: set(_words_of("rule", text)) for name, text in texts.items()}
    used = set().union(*uses.values())
    yield from (f"{named(name)}: unknown action{_near(name)}" for name in texts if name not in (*ACTIONS, *used))
    yield from (f"rule:{named(name)} is used but not defined" for name in sorted(used - set(texts)))
    for name, text in texts.items():
        yield from (f"{named(name)}: {problem}" for problem in _misunderstood(text))
    if _circular(uses):
        yield "rules refer to each other in a circle"


def _allows(enforcer: policy.Enforcer, context: RequestContext, action: Action, target: Owner) -> bool:
    """Evaluate a rule; oslo.policy's own ``enforce`` would write the credentials into the debug log."""
    credentials = {
        "project_id": context.project_id,
        "user_id": context.user_id,
        "roles": list(context.roles),
        "is_elevated": context.is_elevated,
    }
    # What is not known is left out, so that no comparison with it holds, not even one of nothing with nothing.
    known = {"project_id": target.project_id, "user_id": target.user_id}
    about = {name: value for name, value in known.items() if value}
    return action in enforcer.rules and bool(enforcer.rules[action](about, credentials, enforcer))


def _stamp(path: str) -> Stamp:
    """Return what changes when the file does. Raises InvalidSettings."""
    try:
        status = os.stat(path)
        return status.st_mtime_ns, status.st_size, status.st_ino
    except OSError as error:
        problem = f"cannot be read: {error.strerror}"
    raise _unusable(problem)


def _enforcer(path: str) -> policy.Enforcer:
    """Return the rules of a file. Raises InvalidSettings with everything that is wrong."""
    rules = _read(path)
    wrong = tuple(problems(rules))
    if wrong:
        raise _unusable(*wrong)
    texts = {str(name): str(rule) for name, rule in rules.items()}
    return policy.Enforcer(cfg.ConfigOpts(), rules=policy.Rules.from_dict(texts), use_conf=False)


def _read(path: str) -> dict[object, object]:
    try:
        with open(path, encoding="utf-8") as stream:
            return _mapping(stream.read())
    except OSError as error:
        problem = f"cannot be read: {error.strerror}"
    except (yaml.YAMLError, ValueError, RecursionError):  # ValueError: not UTF-8, or a date that YAML cannot make
        problem = "is not YAML"
    raise _unusable(problem)


def _mapping(text: str) -> dict[object, object]:
    """Return the rules of a text. Raises InvalidSettings when it is no mapping, or names a rule twice."""
    found = plain_yaml.load(text)
    if not isinstance(found, dict) or not found:
        raise _unusable("holds no rules")
    node = yaml.compose(text, Loader=yaml.SafeLoader)
    names = [key.value for key, _ in node.value] if node else []
    doubled = sorted({str(name) for name in names if names.count(name) > 1})
    if doubled:
        raise _unusable(*(f"{named(name)}: given more than once" for name in doubled))
    return found


def _misunderstood(text: str) -> Iterator[str]:
    """Yield the words of a rule that would silently never hold."""
    for word in _words(text):
        kind, colon, wanted = word.partition(":")
        if word.lower() in OPERATORS:
            continue
        if not colon or kind not in KINDS:
            yield f"{named(word)} is not understood; a rule is made of {': '.join(KINDS)}: with and, or, not, @ and !"
        elif kind == "is_elevated" and wanted not in ("True", "False"):
            yield f"{named(word)}: is_elevated is True or False"
        elif not _fills(wanted):
            yield f"{named(word)}: only %(project_id)s and %(user_id)s are known of the target"
    if text.strip("() ") != "!" and str(policy.RuleDefault("rule", text).check) == "!":
        yield "cannot be parsed"


def _fills(wanted: str) -> bool:
    """Tell whether the target can be put in; any other format, a width for one, could also take all memory."""
    return bool(wanted) and "%" not in _OF_TARGET.sub("", wanted)


def _words(text: str) -> list[str]:
    return [word.lstrip("(").rstrip(")") for word in text.split()]


def _words_of(kind: str, text: str) -> list[str]:
    return re.findall(rf"(?:^|[\s(]){kind}:([^\s)]+)", text)


def _circular(uses: dict[str, set[str]]) -> bool:
    try:
        graphlib.TopologicalSorter(uses).prepare()
    except graphlib.CycleError:
        return True
    return False


def _near(name: str) -> str:
    close = get_close_matches(name, ACTIONS, n=1)
    return f", did you mean {close[0]}?" if close else f"; actions are {', '.join(ACTIONS)}"


def _unusable(*wrong: str) -> InvalidSettings:
    return InvalidSettings(*(f"[policy] policy_file: {problem}" for problem in wrong))
