"""NoValidHost and SchedulingUnavailable look the same, byte for byte, whatever their cause."""

import pickle
from collections.abc import Callable
from dataclasses import replace
from itertools import count
from uuid import UUID, uuid4

import msgspec
import pytest

from placement_client.models import Inventory
from placement_client.testing import MockPlacement, faults
from placement_client.testing.mock_state import ConsumerRecord
from scheduler import (
    ClaimInDoubt,
    Fenced,
    FilterScheduler,
    Flavor,
    InstanceConflict,
    JournalUnavailable,
    NoValidHost,
    PluginFailed,
    RequestInProgress,
    SchedulingUnavailable,
)
from scheduler.hosts import snapshot_of
from scheduler.model import Destination, HostFact, Image, RequestedNetwork, ServerGroup
from scheduler.weighers import Weighed
from tests.flow.fleet import CONTEXT, SPEC, hold, scheduler_on

HOSTS = [UUID(int=number) for number in (1, 2)]
ONE_ROUND = "[claims]\nmax_rounds = 1\nmax_open = 1\n"
VERIFIED = f"{ONE_ROUND}verify = always\n"


class ToldError(Exception):
    """What something foreign raises, with text that must go nowhere."""


class Known:
    """A host source that knows these hosts."""

    def __init__(self, *facts: HostFact) -> None:
        self._snapshot = snapshot_of(facts, provider_names={fact.provider_uuid: fact.name for fact in facts})

    def snapshot(self, wanted=(), deadline=None):
        return self._snapshot


class Failing:
    """A plugin, host source and random source that raises what it should not."""

    name, reason = "Failing", "failing"

    def passes(self, *given, **named):
        raise ToldError("canary") from ToldError("cause")

    score = snapshot = seed = passes


@pytest.fixture
def mock():
    placement = MockPlacement()
    client = placement.client()
    for number, host in enumerate(HOSTS):
        client.create_resource_provider(f"h{number}", host)
        client.set_inventories(host, 0, {"VCPU": Inventory(total=8), "MEMORY_MB": Inventory(total=8192)})
    return placement


def looks(error: BaseException) -> tuple[object, ...]:
    """Return everything that can be seen of an error from outside of the process, and what it is chained to."""
    pickled = tuple(pickle.dumps(error, protocol) for protocol in range(pickle.HIGHEST_PROTOCOL + 1))
    chain = (error.__cause__, error.__context__, error.__suppress_context__, getattr(error, "__notes__", None))
    return (str(error), repr(error), error.args, f"{error}", chain, pickled)


def told(scheduler: FilterScheduler, spec=SPEC, **given) -> tuple[BaseException, str]:
    """Ask for an instance; return the error and the reason that the record states."""
    with pytest.raises(Exception) as caught:  # noqa: PT011 - which one it is, is what the tests look at
        scheduler.select_destinations(CONTEXT, spec, [uuid4()], **given)
    record = scheduler.record()
    return caught.value, record.reason if record else caught.value.reason


def spec_of(**changed):
    return msgspec.structs.replace(SPEC, **changed)


def facts(**known) -> Known:
    """Return a source for both hosts that knows this of them."""
    return Known(*(HostFact(name=f"h{number}", provider_uuid=host, **known) for number, host in enumerate(HOSTS)))


def nth_write(number: int, fault: faults.Fault) -> faults.Script:
    writes = count(1)
    return lambda call: fault if call.method == "POST" and next(writes) == number else None


def too_big(mock):
    with scheduler_on(mock) as scheduler:
        return told(scheduler, spec_of(flavor=Flavor(vcpus=1000, memory_mb=1)))


def unknown_host(mock):
    with scheduler_on(mock) as scheduler:
        return told(scheduler, spec_of(requested_destination=Destination(host="nowhere")))


def nowhere(options: str) -> Callable[[MockPlacement], tuple[BaseException, str]]:
    """Return how a request ends that a prefilter refuses."""

    def refused(mock):
        with scheduler_on(mock, f"[scheduler]\n{options}\n") as scheduler:
            return told(scheduler, spec_of(requested_networks=(RequestedNetwork(segments=((),)),)))

    return refused


def filtered(spec=SPEC, **known) -> Callable[[MockPlacement], tuple[BaseException, str]]:
    def refused(mock):
        with scheduler_on(mock, hosts=facts(**known)) as scheduler:
            return told(scheduler, spec)

    return refused


def met(script: faults.Script, ini: str = ONE_ROUND) -> Callable[[MockPlacement], tuple[BaseException, str]]:
    """Return how a request ends whose calls meet these faults."""

    def refused(mock):
        with scheduler_on(mock, ini) as scheduler:
            scheduler.placement.negotiate()
            scheduler.hosts.snapshot()
            mock.faults.play(script)
            answer = told(scheduler)
            mock.faults.play()
            return answer

    return refused


def over_capacity(mock):
    """Somebody else takes all room between the reservation and its verification."""

    def crowded(request, forward):
        answer = forward()
        held = {str(host): {"VCPU": 8} for host in HOSTS}
        mock.state.consumers["somebody"] = ConsumerRecord("somebody", "foreign", "foreigner", held=held)
        return answer

    return met(nth_write(1, crowded), VERIFIED)(mock)


def too_many(mock):
    with scheduler_on(mock, ONE_ROUND) as scheduler, scheduler.reserve(CONTEXT, SPEC, [uuid4()]):
        return told(scheduler)


WITH = {"extra_specs": {"capabilities:colour": "blue"}}
MEMBER = UUID(int=7)
NO_VALID_HOST = {
    "no candidates": (too_big, "no_candidates"),
    "unknown host": (unknown_host, "unknown_host"),
    "unknown zone": (filtered(spec_of(availability_zone="az1")), "unknown_availability_zone"),
    "segment nobody reaches": (
        nowhere("query_placement_for_routed_network_aggregates = true"), "segment_without_aggregate"),
    "project without hosts": (
        nowhere("limit_tenants_to_placement_aggregate = true\nplacement_aggregate_required_for_tenants = true"),
        "tenant_without_aggregate"),
    "ComputeFilter": (filtered(enabled=False), "filtered_out"),
    "ComputeCapabilitiesFilter": (filtered(spec_of(flavor=Flavor(vcpus=1, memory_mb=1, **WITH))), "filtered_out"),
    "ImagePropertiesFilter": (
        filtered(spec_of(image=Image(properties={"hw_architecture": "aarch64"})),
                 supported_instances=(("x86_64", "kvm", "hvm"),)), "filtered_out"),
    "ServerGroupAntiAffinityFilter": (
        filtered(spec_of(instance_group=ServerGroup(policy="anti-affinity", members=(MEMBER,), hosts=("h0", "h1"))),
                 instances=(MEMBER,)), "filtered_out"),
    "ServerGroupAffinityFilter": (
        filtered(spec_of(instance_group=ServerGroup(policy="affinity", members=(MEMBER,), hosts=("h9",)))),
        "filtered_out"),
    "refused at reserve": (met(nth_write(1, faults.capacity_exceeded)), "capacity_exceeded"),
    "lost race": (met(nth_write(1, faults.provider_conflict)), "provider_conflict"),
    "provider gone": (met(nth_write(1, faults.unknown_provider)), "unknown_provider"),
    "over capacity": (over_capacity, "over_capacity"),
    "refused at confirm": (met(nth_write(2, faults.capacity_exceeded)), "capacity_exceeded"),
    "too many claims": (too_many, "too_many_claims"),
}  # fmt: skip


@pytest.mark.parametrize("cause", NO_VALID_HOST)
def test_no_valid_host_looks_the_same_whatever_the_cause(mock, cause):
    """The record tells the causes apart, so that they did happen; the error does not."""
    refuse, reason = NO_VALID_HOST[cause]
    error, recorded = refuse(mock)
    assert recorded == reason
    assert looks(error) == looks(NoValidHost())
    assert type(error) is NoValidHost


def broken(part: str) -> Callable[[MockPlacement], tuple[BaseException, str]]:
    """Return how a request ends with one foreign part that raises."""

    def refused(mock):
        with scheduler_on(mock) as sound:
            plugins, failing = sound.plugins, Failing()
            changed = {
                "filter": {"plugins": replace(plugins, filters=(*plugins.filters, failing))},
                "weigher": {"plugins": replace(plugins, weighers=(*plugins.weighers, Weighed(failing, 1.0)))},
                "host source": {"hosts": failing},
                "random source": {"random_source": failing},
            }
            return told(replace(sound, **changed[part]))

    return refused


def closed(mock):
    with scheduler_on(mock) as scheduler:
        pass
    return told(scheduler)


def late(mock):
    with scheduler_on(mock) as scheduler:
        return told(scheduler, deadline=0.0)


UNAVAILABLE = {
    "not sent": (met(faults.every(faults.not_sent)), "not_sent"),
    "reset": (met(faults.every(faults.reset_before_apply)), "outcome_unknown"),
    "401": (met(faults.every(faults.unauthorized)), "not_authorized"),
    "403": (met(faults.every(faults.forbidden)), "not_authorized"),
    "garbage": (met(faults.every(faults.garbage_body)), "bad_answer"),
    "wrong version": (met(faults.every(faults.wrong_version)), "bad_answer"),
    "reservation lost on the way": (met(nth_write(1, faults.reset_before_apply)), "outcome_unknown"),
    "late": (late, "deadline_exceeded"),
    "filter": (broken("filter"), "plugin_failed"),
    "weigher": (broken("weigher"), "plugin_failed"),
    "host source": (broken("host source"), "plugin_failed"),
    "random source": (broken("random source"), "plugin_failed"),
    "journal": (closed, "closed"),
}


@pytest.mark.parametrize("cause", UNAVAILABLE)
def test_an_outage_looks_the_same_whatever_the_cause(mock, cause):
    refuse, reason = UNAVAILABLE[cause]
    error, recorded = refuse(mock)
    assert recorded == reason
    assert isinstance(error, SchedulingUnavailable)
    assert looks(error) == looks(SchedulingUnavailable())


@pytest.mark.parametrize("part", ["filter", "weigher", "host source"])
def test_what_failed_is_named_for_this_process_alone(mock, part):
    error, _ = broken(part)(mock)
    assert isinstance(error, PluginFailed)
    assert (error.plugin, error.problem) == ("Failing", "ToldError")
    assert error.detail == "Failing failed (ToldError); the request was stopped."
    assert "Failing" not in f"{error} {error!r} {error.args} {pickle.dumps(error)!r}"


def test_the_record_names_the_plugin(mock):
    with scheduler_on(mock) as sound:
        plugins = replace(sound.plugins, filters=(*sound.plugins.filters, Failing()))
        scheduler = replace(sound, plugins=plugins)
        told(scheduler)
        record = scheduler.record()
    assert (record.reason, record.detail) == (
        "plugin_failed",
        "Failing failed (ToldError); the request was stopped.",
    )


ERRORS = [
    NoValidHost("req-1"),
    InstanceConflict("req-1"),
    SchedulingUnavailable("req-1", reason="not_sent", detail="told"),
    PluginFailed("Told", "told"),
    JournalUnavailable("req-1", reason="journal_full", detail="told"),
    Fenced(reason="fenced"),
    RequestInProgress("req-1"),
    ClaimInDoubt("req-1", reason="in_doubt"),
]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_an_error_that_travels_loses_what_is_for_this_process_alone(error):
    """It arrives as what a caller elsewhere has to know: its kind, with its text, and nothing else."""
    arrived = pickle.loads(pickle.dumps(error))
    assert (type(arrived).__name__, str(arrived)) == (repr(error).partition("(")[0], str(error))
    assert looks(arrived) == looks(error)
    assert vars(arrived) == vars(type(arrived)())


def test_what_a_caller_must_do_stays_visible():
    """A claim in doubt must not be tried again blindly, so it is no outage like the others, also elsewhere."""
    kinds = {type(pickle.loads(pickle.dumps(error))) for error in ERRORS}
    assert kinds == {NoValidHost, InstanceConflict, SchedulingUnavailable, RequestInProgress, ClaimInDoubt}


def test_an_instance_that_holds_something_says_nothing_of_whom(mock):
    instance = uuid4()
    hold(mock.client(), instance, HOSTS[0])
    with scheduler_on(mock) as scheduler, pytest.raises(InstanceConflict) as caught:
        scheduler.select_destinations(CONTEXT, SPEC, [instance])
    assert looks(caught.value) == looks(InstanceConflict())
