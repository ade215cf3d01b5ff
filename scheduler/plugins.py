"""From names in the ini to filters and weighers: built-in ones, else entry points; only what is named is loaded."""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from difflib import get_close_matches
from importlib.metadata import entry_points
from typing import Any, Generic, TypeVar

from msgspec import Struct
from stevedore.named import NamedExtensionManager

from scheduler.errors import InvalidSettings

Plugin = TypeVar("Plugin")
Factory = Callable[[], Any]


class Registry(Struct, Generic[Plugin], frozen=True):
    """Where one kind of plugin comes from.

    ``option`` is the option of [filter_scheduler] that names plugins; ``group`` is the entry point group of those out
    of the tree, each a class or function that is called without arguments; ``parts`` are the attributes every plugin
    has, "a or b" where one of them will do. ``adapt`` makes one of ours of a plugin from outside that was written for
    another scheduler.
    """

    option: str
    group: str
    built_in: Mapping[str, Callable[[], Plugin]]
    parts: tuple[str, ...]
    adapt: Callable[[Any], Any] = lambda plugin: plugin

    def load(self, names: Sequence[str]) -> tuple[Plugin, ...]:
        """Return the plugins of these names in their order; InvalidSettings names every one that cannot be had."""
        problems = [f"{name} is given {times} times" for name, times in Counter(names).items() if times > 1]
        outside = _EntryPoints(self.group, [name for name in dict.fromkeys(names) if name not in self.built_in])
        problems += [*outside.problems, *self._unknown(outside)]
        plugins = {} if problems else {name: self._made(name, outside, problems) for name in names}
        if problems:
            raise InvalidSettings(*(f"[filter_scheduler] {self.option}: {problem}" for problem in problems))
        return tuple(plugins.values())

    def _unknown(self, outside: "_EntryPoints") -> Iterable[str]:
        for name in outside.missing:
            close = get_close_matches(name, [*self.built_in, *outside.offered], n=2, cutoff=0.75)
            yield f"{name} is unknown" + (f"; did you mean {' or '.join(close)}?" if close else "")

    def _made(self, name: str, outside: "_EntryPoints", problems: list[str]) -> Any:
        if name in self.built_in:
            return self.built_in[name]()
        plugin, problem = _called(lambda: self.adapt(outside.factories[name]()))
        lacks = [part for part in self.parts if problem is None and not _has_one(plugin, part.split(" or "))]
        if problem is not None:
            problems.append(f"{name} cannot be made ({problem})")
        elif lacks:
            problems.append(f"{name} has no {' and no '.join(lacks)}")
        elif plugin.name != name:
            problems.append(f"{name} calls itself differently; its name must be that of its entry point")
        elif not isinstance(getattr(plugin, "hints", frozenset()), frozenset):
            problems.append(f"{name} declares hints that are not a frozenset of names")
        return plugin


def hints_of(plugin: object) -> frozenset[str]:
    """Return the names of the scheduler hints that a filter or weigher declares to read."""
    return frozenset(getattr(plugin, "hints", ()))


def providers_of(plugins: Mapping[str, Collection[str]]) -> dict[str, str]:
    """Return the versions of the packages that offer these plugins, which are given by entry point group."""
    wanted = {group: names for group, names in plugins.items() if names}  # looking one up reads every package's files
    offered = (point for group, names in wanted.items() for point in entry_points(group=group) if point.name in names)
    return {point.dist.name: point.dist.version for point in offered if point.dist}


class _EntryPoints:
    """The entry points of a group that bear wanted names; nothing is looked up where nothing is wanted."""

    def __init__(self, group: str, wanted: list[str]) -> None:
        self.factories: dict[str, Factory] = {}
        self.problems: list[str] = []
        self.offered: list[str] = []
        if wanted:
            self._look_up(group, wanted)
        broken = {problem.split(" ", 1)[0] for problem in self.problems}
        self.missing = [name for name in wanted if name not in self.factories and name not in broken]

    def _look_up(self, group: str, wanted: list[str]) -> None:
        manager = NamedExtensionManager(
            group,
            wanted,
            on_load_failure_callback=self._failed,
            on_missing_entrypoints_callback=lambda _: None,
        )
        self.offered = sorted(manager.entry_points_names())
        self.factories = {extension.name: extension.plugin for extension in manager}
        times = Counter(extension.name for extension in manager)
        self.problems += [f"{name} is offered by several packages" for name, count in times.items() if count > 1]

    def _failed(self, _: Any, entry_point: Any, error: BaseException) -> None:
        self.problems.append(f"{entry_point.name} cannot be loaded ({type(error).__name__})")


def _has_one(plugin: object, names: list[str]) -> bool:
    return any(hasattr(plugin, name) for name in names)


def _called(factory: Factory) -> tuple[Any, str | None]:
    try:
        return factory(), None
    except Exception as error:  # noqa: BLE001 foreign code may raise anything; the settings are wrong then, not we
        return None, type(error).__name__
