"""What is asked for: the request and its parts, as frozen values with Nova's names.

Values come from a controller in Python or from JSON (``RequestSpec.from_json``); both are checked the same way: first
against the types here, where the first misfit is reported, then for contradictions, which are reported all at once.
Anything unknown is an error: a constraint is never silently dropped.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Annotated, Literal, TypeVar
from uuid import UUID

import msgspec
from msgspec import Meta, Struct, field

from scheduler.errors import InvalidRequest
from scheduler.model import checks, messages
from scheduler.model.extra_specs import droppable

T = TypeVar("T")

Positive = Annotated[int, Meta(ge=1, le=2**31 - 1, description="an integer from 1 to 2147483647")]
Natural = Annotated[int, Meta(ge=0, le=2**31 - 1, description="an integer from 0 to 2147483647")]
Identifier = Annotated[str, Meta(min_length=1, max_length=255, description="1 to 255 characters")]
HostName = Annotated[str, Meta(min_length=1, max_length=255, description="1 to 255 characters")]
ResourceClass = Annotated[str, Meta(pattern=r"\A[A-Z0-9_]{1,255}\Z", description="an upper-case resource class name")]
Trait = Annotated[str, Meta(pattern=r"\A[A-Z0-9_]{1,255}\Z", description="an upper-case trait name")]
ConsumerType = Annotated[str, Meta(pattern=r"\A[A-Z0-9_]{1,255}\Z", description="an upper-case consumer type")]
Suffix = Annotated[str, Meta(pattern=r"\A[A-Za-z0-9_-]{0,64}\Z", description="at most 64 letters, digits, '_' or '-'")]
Whose = Annotated[str, Meta(max_length=255, description="at most 255 characters")]
RequestId = Annotated[
    str,
    Meta(
        pattern=r"\Areq-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\Z",
        description="'req-' and a UUID in lower case",
    ),
]
PreferredTraits = Annotated[tuple[Trait, ...], Meta(max_length=64, description="a list of at most 64 traits")]
TRAIT_KEY = "trait:"
SpreadKey = Annotated[
    str,
    Meta(
        pattern=rf"\A({TRAIT_KEY}[A-Z0-9_]{{1,255}}|(?!{TRAIT_KEY}).{{1,255}})\Z",
        description="an aggregate metadata key of 1 to 255 characters, or 'trait:' and the beginning of trait names",
    ),
]
HintName = Annotated[str, Meta(min_length=1, max_length=255, description="1 to 255 characters")]
HintText = Annotated[str, Meta(max_length=1024, description="at most 1024 characters")]
HintTexts = Annotated[tuple[HintText, ...], Meta(max_length=64, description="a list of at most 64 strings")]
Hints = Annotated[dict[HintName, HintText | HintTexts], Meta(max_length=64, description="at most 64 hints")]


class _Value(Struct, frozen=True, forbid_unknown_fields=True):
    """A frozen value that refuses fields it does not know."""


class Flavor(_Value, frozen=True, kw_only=True):
    """The size of an instance: virtual CPUs, MiB of memory, GiB of disk, MiB of swap, and extra specs."""

    name: Identifier = "custom"
    vcpus: Natural
    memory_mb: Natural
    root_gb: Natural = 0
    ephemeral_gb: Natural = 0
    swap: Natural = 0
    extra_specs: dict[str, str] = field(default_factory=dict)


class Image(_Value, frozen=True, kw_only=True):
    """What the image demands of a host: its properties (hw_architecture, img_hv_type, ...) and required traits."""

    id: Identifier | None = None
    disk_format: Identifier | None = None
    properties: dict[str, str] = field(default_factory=dict)
    traits_required: tuple[Trait, ...] = ()


class ServerGroup(_Value, frozen=True, kw_only=True):
    """The group of an instance.

    ``members`` are the instances of the group; ``hosts`` names the host of each member that has one, once a member.
    ``uuid`` is for asking who is a member by now.
    """

    policy: Literal["affinity", "anti-affinity", "soft-affinity", "soft-anti-affinity"]
    uuid: UUID | None = None
    members: tuple[UUID, ...] = ()
    hosts: tuple[HostName, ...] = ()
    max_server_per_host: Positive = 1


class Destination(_Value, frozen=True, kw_only=True):
    """Where the instances shall go; filters still apply.

    ``aggregates`` is a conjunction of alternatives: the host must be in at least one aggregate of each entry. ``cell``
    is the only one to go to, or with ``allow_cross_cell_move``, of a move, the one the instance is in and better stays.
    """

    host: HostName | None = None
    node: HostName | None = None
    cell: UUID | None = None
    allow_cross_cell_move: bool = False
    aggregates: tuple[tuple[UUID, ...], ...] = ()
    forbidden_aggregates: tuple[UUID, ...] = ()


class RequestGroup(_Value, frozen=True, kw_only=True):
    """Resources that one provider of the host must give together (a port, a device), besides the flavor's.

    ``any_of_traits`` and ``aggregates`` are conjunctions of alternatives.
    """

    requester_id: Suffix
    resources: dict[ResourceClass, Positive] = field(default_factory=dict)
    required_traits: tuple[Trait, ...] = ()
    forbidden_traits: tuple[Trait, ...] = ()
    any_of_traits: tuple[tuple[Trait, ...], ...] = ()
    aggregates: tuple[tuple[UUID, ...], ...] = ()
    forbidden_aggregates: tuple[UUID, ...] = ()
    in_tree: UUID | None = None


class TopologySpread(_Value, frozen=True, kw_only=True):
    """Spread over domains, racks or zones: none may lead the emptiest one by more than ``max_skew`` instances.

    A domain is a value of the aggregate metadata key ``key``, or where that is ``trait:PREFIX``, the traits of a host
    that begin so. Counted are the other members of the server group, or without one the instances of the request. When
    not ``hard`` it is a wish.
    """

    key: SpreadKey
    max_skew: Positive = 1
    hard: bool = True


Spreads = Annotated[tuple[TopologySpread, ...], Meta(max_length=8, description="a list of at most 8 spreads")]


class RequestedNetwork(_Value, frozen=True, kw_only=True):
    """A network or port that the instances shall have, as far as it matters to hosts; only a controller knows.

    ``segments`` are the segments of a routed network that it may use, each as the aggregates of the hosts that reach
    it; none for a network that is not routed. ``remote_managed`` ports need a host whose devices are managed remotely.
    """

    network_id: Identifier | None = None
    port_id: Identifier | None = None
    segments: tuple[tuple[UUID, ...], ...] = ()
    remote_managed: bool = False


class RequestSpec(_Value, frozen=True, kw_only=True):
    """What a controller asks for: n instances of one shape, and where they may go.

    ``root_required``, ``root_forbidden`` and ``same_subtree`` are handed to Placement as they are. ``instance_uuid`` is
    the instance being placed; the scheduler sets it for filters and weighers. ``scheduler_hints`` are a tenant's words
    to filters and weighers that declare them; nothing else is steered by them. ``preferred_traits`` are wishes.
    """

    flavor: Flavor
    project_id: Identifier
    user_id: Identifier
    num_instances: Positive = 1
    image: Image | None = None
    is_bfv: bool = False
    instance_group: ServerGroup | None = None
    requested_destination: Destination | None = None
    force_hosts: tuple[HostName, ...] = ()
    force_nodes: tuple[HostName, ...] = ()
    ignore_hosts: tuple[HostName, ...] = ()
    availability_zone: Identifier | None = None
    requested_networks: tuple[RequestedNetwork, ...] = ()
    requested_resources: tuple[RequestGroup, ...] = ()
    group_policy: Literal["none", "isolate"] | None = None
    root_required: tuple[Trait, ...] = ()
    root_forbidden: tuple[Trait, ...] = ()
    same_subtree: tuple[tuple[Suffix, ...], ...] = ()
    consumer_type: ConsumerType = "INSTANCE"
    instance_uuid: UUID | None = None
    scheduler_hints: Hints = field(default_factory=dict)
    topology_spread: Spreads = ()
    preferred_traits: PreferredTraits = ()

    @classmethod
    def from_json(cls, text: bytes | str, *, lenient: bool = False) -> "RequestSpec":
        """Load a request from JSON; InvalidRequest names the fields and what is wrong with them.

        ``lenient`` passes over the extra specs that Nova drops; ``checked`` drops them.
        """
        spec = _decoded(lambda: msgspec.json.decode(text, type=cls), cls)
        refuse_doubled_fields(text)
        _sound(spec.without_misfits() if lenient else spec)
        return spec

    def checked(self, *, lenient: bool = False) -> "RequestSpec":
        """Return this request after the checks that JSON gets; InvalidRequest names the fields.

        ``lenient`` drops the extra specs that Nova drops, in place of refusing them.
        """
        spec = _decoded(lambda: msgspec.convert(_plain(self), type=RequestSpec), RequestSpec)
        return _sound(spec.without_misfits() if lenient else spec)

    def without_misfits(self) -> "RequestSpec":
        """Return the same request without the extra specs that Nova drops."""
        gone = droppable(self.flavor.extra_specs)
        kept = {key: value for key, value in self.flavor.extra_specs.items() if key not in gone}
        return msgspec.structs.replace(self, flavor=msgspec.structs.replace(self.flavor, extra_specs=kept))

    def for_instance(self, instance: UUID) -> "RequestSpec":
        """Return the same request with this instance as the one being placed."""
        return msgspec.structs.replace(self, instance_uuid=instance)

    @property
    def has_hard_group(self) -> bool:
        """Tell whether there is a group whose policy is more than a wish."""
        return self.instance_group is not None and self.instance_group.policy in ("affinity", "anti-affinity")

    @property
    def kept_group(self) -> ServerGroup | None:
        """Return the group whose policy this request has to keep: a hard one, unless it forces a host."""
        return self.instance_group if self.has_hard_group and not (self.force_hosts or self.force_nodes) else None

    def with_group(self, group: ServerGroup | None) -> "RequestSpec":
        """Return the same request with the group as it was found since; unchanged where nobody looked."""
        return self if group is None else msgspec.structs.replace(self, instance_group=group)

    def with_members(self, instances: Iterable[UUID]) -> "RequestSpec":
        """Return the same request with these instances in the group, too; unchanged where there is none."""
        group = self.instance_group
        if group is None:
            return self
        members = tuple(dict.fromkeys((*group.members, *instances)))
        return msgspec.structs.replace(self, instance_group=msgspec.structs.replace(group, members=members))

    def with_member_on(self, host: str) -> "RequestSpec":
        """Return the same request with one more member of the group on a host; unchanged where there is none."""
        group = self.instance_group
        if group is None:
            return self
        grown = msgspec.structs.replace(group, hosts=(*group.hosts, host))
        return msgspec.structs.replace(self, instance_group=grown)


class RequestContext(_Value, frozen=True, kw_only=True):
    """On whose behalf a request is made; the controller has authenticated it. Holds no token.

    ``project_id`` may be empty, as a token for the whole system has none; nothing can be placed for nobody.
    ``roles`` are those of its token, for policy rules. ``request_id`` None lets the scheduler mint one ("req-" and a
    random UUID); one that is given has this form, which Placement demands of it too.
    """

    project_id: Whose
    user_id: Whose
    is_elevated: bool = False
    roles: tuple[str, ...] = ()
    request_id: RequestId | None = None

    def checked(self) -> "RequestContext":
        """Return this context when its values are of their types; InvalidRequest names the field that is not."""
        return _decoded(lambda: msgspec.convert({"context": _plain(self)}, type=_Call), _Call, "context").context


class _Call(_Value, frozen=True):
    """What a context is an argument of, so that the path of a problem begins with its name."""

    context: RequestContext


def refuse_doubled_fields(text: bytes | str) -> None:
    """Refuse JSON that names a field of an object twice; the decoder would take the last and drop the others.

    Raises InvalidRequest, also for what nests too deeply to be looked through.
    """
    try:
        json.loads(text, object_pairs_hook=_refuse_doubles)
        return
    except RecursionError:
        problem = "request: nested too deeply"
    raise InvalidRequest(problem)


def _plain(value: _Value) -> object:
    """Return a value as plain values. Raises TypeError, or ValueError, for what cannot be written down as JSON."""
    msgspec.json.encode(value)  # text with a lone surrogate, which nothing further on can send or store
    return msgspec.to_builtins(value)


def _decoded(decode: Callable[[], T], kind: type[T], document: str = "request") -> T:
    try:
        return decode()
    except msgspec.MsgspecError as error:
        problem = messages.in_words(error, kind, document)
    except RecursionError:
        problem = f"{document}: nested too deeply"
    except (TypeError, ValueError):  # a Python value or text that JSON has no way to say
        problem = f"{document}: holds something that is not JSON"
    raise InvalidRequest(problem)


def _refuse_doubles(pairs: list[tuple[str, object]]) -> None:
    if len(dict(pairs)) < len(pairs):
        ((doubled, _),) = Counter(name for name, _ in pairs).most_common(1)
        raise InvalidRequest(f"request: field {messages.shown(doubled)} is given more than once")


def _sound(spec: RequestSpec) -> RequestSpec:
    problems = tuple(checks.problems(spec))
    if problems:
        raise InvalidRequest(*problems)
    return spec
