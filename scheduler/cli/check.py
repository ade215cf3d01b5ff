"""``placement-scheduler check``: is everything in place, and if not, what is to be done."""

from argparse import Namespace
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass

from oslo_config import cfg

from placement_client.client import PlacementClient
from placement_client.clock import SYSTEM_CLOCK
from placement_client.errors import BadRequest, NotAuthorized, PlacementError
from placement_client.query import CandidateQuery, RequestGroup
from scheduler.bootstrap import build, placement_of, warnings_of
from scheduler.cli.exits import ExitStatus
from scheduler.cli.log import set_up_log
from scheduler.config import load_config
from scheduler.errors import InvalidSettings

_FORBIDDEN = 403
_ROLE = "give the user of [placement] the role service (or admin) in Keystone, or adapt Placement's policy"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the answer: what was looked at, and either how it is or what is wrong and what to do."""

    name: str
    ok: bool
    words: str

    def __str__(self) -> str:
        """Return the line."""
        return _line("ok" if self.ok else "FAIL", self.name, self.words)


@dataclass(frozen=True, slots=True)
class Step:
    """One question to Placement: returns words when the answer is good, raises PlacementError otherwise."""

    name: str
    ask: Callable[[PlacementClient], str]
    advice: str


def _line(verdict: str, name: str, words: str) -> str:
    return f"{verdict:4}  {name}: {words}"


def check(asked: Namespace) -> ExitStatus:
    """Print a line for everything that was looked at; nothing is changed anywhere."""
    try:
        conf = load_config(asked.config_file)
        client = _client(conf)
    except InvalidSettings as error:
        for problem in error.problems:
            print(Finding("configuration", ok=False, words=problem), flush=True)
        return ExitStatus.INVALID_SETTINGS
    print(Finding("configuration", ok=True, words=f"{asked.config_file} is valid, endpoints are https"), flush=True)
    for warning in warnings_of(conf):
        print(_line("warn", "configuration", warning), flush=True)
    sound = True
    for finding in findings(client):
        print(finding, flush=True)
        sound = sound and finding.ok
    return ExitStatus.OK if sound else ExitStatus.UNAVAILABLE


def findings(client: PlacementClient) -> Iterator[Finding]:
    """Yield what was found at Placement; ends at the first failure that makes the rest pointless."""
    for step in (REACHED, MICROVERSION, TOKEN):
        finding = _taken(step, client)
        yield finding
        if not finding.ok:
            return
    for step in ROLE:
        yield _taken(step, client)


def _taken(step: Step, client: PlacementClient) -> Finding:
    try:
        return Finding(step.name, ok=True, words=step.ask(client))
    except PlacementError as error:
        problem = str(error)
    return Finding(step.name, ok=False, words=f"{problem} To do: {step.advice}.")


def _client(conf: cfg.ConfigOpts) -> PlacementClient:
    """Return the client, once everything that a scheduler would read is sound. Raises InvalidSettings."""
    set_up_log(conf)
    build(conf).close()
    return placement_of(conf, None, SYSTEM_CLOCK)


def _reach(client: PlacementClient) -> str:
    client.versions()
    return "the server answers, its certificate is accepted"


def _negotiate(client: PlacementClient) -> str:
    return f"{client.negotiate()}, of 1.28 to 1.39 the highest that both sides speak"


def _authenticate(client: PlacementClient) -> str:
    """Find out whether the token is good: any answer but 401. What it is good for comes after."""
    try:
        client.list_resource_providers()
    except NotAuthorized as error:
        if error.status != _FORBIDDEN:
            raise
    return "accepted"


def _list_hosts(client: PlacementClient) -> str:
    return f"{len(client.list_resource_providers())} resource providers can be read"


def _list_candidates(client: PlacementClient) -> str:
    client.get_allocation_candidates(CandidateQuery(groups={"": RequestGroup(resources={"VCPU": 1})}, limit=1))
    return "allocation candidates can be read"


def _may_write(client: PlacementClient) -> str:
    """Ask for an empty write: Placement looks at the role first, and then refuses it because it is empty."""
    with suppress(BadRequest):
        client.post_allocations({})
    return "allocations can be written (an empty write was tried, nothing was changed)"


REACHED = Step("TLS", _reach, "check that the server is up, endpoint_override or the catalog, and cafile")
MICROVERSION = Step("microversion", _negotiate, "use a Placement that speaks 1.28 (Rocky) or later")
TOKEN = Step("token", _authenticate, "check auth_type, auth_url, user and password in [placement]")
ROLE = (
    Step("hosts", _list_hosts, _ROLE),
    Step("candidates", _list_candidates, _ROLE),
    Step("claims", _may_write, _ROLE),
)
