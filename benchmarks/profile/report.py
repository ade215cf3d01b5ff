"""The profile that was taken, as values and as the tables of docs/profile.md."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

import msgspec

from benchmarks.profile.at_once import Busy
from benchmarks.profile.own import Rank, Rooms
from benchmarks.profile.requests import Freezing, Request, Side
from benchmarks.results import ROOT, between
from benchmarks.speed.report import amount

FILE = ROOT / "benchmarks" / "results" / "profile.json"
PAGE = ROOT / "docs" / "profile.md"
BEGIN, END = "<!-- profile, written by make bench-profile -->", "<!-- end of profile -->"
SHOWN = 16
"""How many rooms a table has; the others are added up."""


class Profile(msgspec.Struct, frozen=True, kw_only=True):
    """One run: on what, how busy that was, and where the time went."""

    machine: str
    load: tuple[float, float]
    processors: int
    requests: tuple[Request, ...]
    freezing: tuple[Freezing, ...]
    at_once: tuple[Busy, ...]
    own: Rooms
    rank: Rank
    imports: Rooms


def kept() -> Profile:
    """Return the profile of the last run that was kept."""
    return msgspec.json.decode(FILE.read_bytes(), type=Profile)


def page(text: str, profile: Profile) -> str:
    """Return the page with the tables."""
    return between(text, BEGIN, END, tables(profile))


def tables(profile: Profile) -> str:
    """Return everything, under headings."""
    machine = f"{profile.machine}; load {profile.load[0]} before and {profile.load[1]} after."
    parts = [
        machine,
        "### Requests",
        _table(
            ("request", "call", "times", "statements", "in Placement", "database", "garbage", "its Python"),
            _calls(profile),
        ),
        "\n".join(f"* {verdict(request)}" for request in profile.requests),
        "### A Placement that leaves alone what it loaded",
        _table(
            ("request", "as it comes", "garbage", "frozen", "garbage"),
            ((f"{one.instances}, ours", *_frozen(one)) for one in profile.freezing),
        ),
        "### Requests at once",
        _table(("requests of", "by the wall", *profile.at_once[0].processor, "together"), map(_busy, profile.at_once)),
        f"* {bound(profile)}",
        "### Our own time of a request for one",
        _table(("room", "time", "share"), _rooms(profile.own)),
        "### A rank of 100 hosts",
        _table(("after", "it takes"), ((what, amount(1000 * ms, "µs")) for what, ms in profile.rank.after.items())),
        f"It calls {profile.rank.python_calls:.0f} functions in Python and {profile.rank.c_calls:.0f} in C.",
        _table(("room", "time", "share"), _rooms({room: 1000 * ms for room, ms in profile.rank.rooms.items()}, "µs")),
        "### Import",
        _table(("package", "time", "share"), _rooms(profile.imports)),
    ]
    return "\n\n".join(parts)


def verdict(request: Request) -> str:
    """Return in words whether Placement's part of our request leaves room for the bar."""
    ours, nova = request.ours, request.nova
    leaves = "leaves room for that" if ours.placement < request.allowed else "is more than that by itself"
    return (
        f"Request for {request.instances}: Nova's takes {nova.wall:,.0f} ms, so that {request.bar:g} times as fast is "
        f"{request.allowed:,.0f} ms. What Placement does for our three calls, {ours.placement:,.0f} ms, {leaves}."
    )


def _calls(profile: Profile) -> Iterator[tuple[str, ...]]:
    for request in profile.requests:
        for name, side in (("ours", request.ours), ("Nova's", request.nova)):
            yield from _of_side(f"{request.instances}, {name}", side)


def _of_side(name: str, side: Side) -> Iterator[tuple[str, ...]]:
    for call in side.calls:
        python = call.whole - call.database - call.garbage
        spent = (amount(ms, "ms") for ms in (call.whole, call.database, call.garbage, python))
        yield name, f"`{call.what}`", f"{call.times:.0f}", f"{call.statements:,.0f}", *spent
    yield name, "beside Placement", "", "", amount(side.wall - side.placement, "ms"), "", "", ""
    yield name, "**the whole**", "", "", f"**{amount(side.wall, 'ms')}**", "", "", ""


def _frozen(one: Freezing) -> Iterator[str]:
    for side in (one.plain, one.frozen):
        yield amount(side.wall, "ms")
        yield amount(sum(call.garbage for call in side.calls), "ms")


def _busy(one: Busy) -> tuple[str, ...]:
    return one.name, *(amount(ms, "ms") for ms in (one.wall, *one.processor.values(), one.needed))


def bound(profile: Profile) -> str:
    """Return in words how many requests a second the processors allow."""
    ours, nova = (next(one for one in profile.at_once if one.name == name) for name in ("ours", "Nova"))
    server = ours.needed - ours.processor["client"]
    return (
        f"Nova gets {1000 / nova.wall:.1f} a second, so that three times as many are {3000 / nova.wall:.1f}. Placement "
        f"and its database need {server:,.0f} ms of processor time for one of our requests: {profile.processors} "
        f"processors that did nothing else, and never waited, would serve {1000 * profile.processors / server:.1f}."
    )


def _rooms(rooms: Mapping[str, float], unit: str = "ms") -> Iterator[tuple[str, ...]]:
    whole, named = sum(rooms.values()), dict(list(rooms.items())[:SHOWN])
    for room, spent in {**named, "all others": whole - sum(named.values())}.items():
        yield f"`{room}`" if "/" in room else room, amount(spent, unit), f"{100 * spent / whole:.0f} %"
    yield "**together**", f"**{amount(whole, unit)}**", ""


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ("---", *["---:"] * (len(head) - 1)), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
