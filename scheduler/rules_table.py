"""The tables of all rules in the documentation, generated from the registries."""

from collections.abc import Iterable, Iterator
from inspect import getdoc
from typing import Any

from msgspec import structs

from scheduler.filters import once_per_request, runs_on_rebuild
from scheduler.filters.registry import BUILT_IN as FILTERS
from scheduler.filters.registry import BuiltIn
from scheduler.filters.requested import ALWAYS
from scheduler.prefilters import BUILT_IN as PREFILTERS
from scheduler.settings import FilterSettings, MetricsSettings, PrefilterSettings, WeigherSettings
from scheduler.weighers.registry import BUILT_IN as WEIGHERS

BEGIN, END = "<!-- rules, written by make sample -->", "<!-- end of rules -->"

_DEFAULTS: dict[str, dict[str, Any]] = {
    "filter_scheduler": {**structs.asdict(FilterSettings()), **structs.asdict(WeigherSettings())},
    "metrics": structs.asdict(MetricsSettings()),
    "scheduler": structs.asdict(PrefilterSettings()),
}
"""The defaults of the settings that rules are made of, by the section of the ini that has their options."""

_PAGE = """\
# Every rule

Generated from the registries of prefilters, filters and weighers by `make sample`; do not edit. Options are in
`[filter_scheduler]` unless another section is named. [filters.md](filters.md), [weighers.md](weighers.md) and
[request-language.md](request-language.md) say what each rule reads, [benchmarks.md](benchmarks.md) what it costs.

## Prefilters

They narrow the question to Placement, in this order. One with a switch does nothing unless that is on.

{prefilters}

## Filters

`[filter_scheduler] enabled_filters` names those that run, but for the first four, which always do. A filter that is
asked once a request gives an answer that holds for every instance of a batch.

{filters}

## Weighers

`[filter_scheduler] enabled_weighers` names those that run. Aggregates override a multiplier by metadata of this key.

{weighers}
"""


def text() -> str:
    """Return the page as it is kept in docs/rules.md."""
    return _PAGE.format(
        prefilters=_table(("prefilter", "what it does", "switch", "reads"), _prefilters()),
        filters=_table(("filter", "what passes", "reason", "asked", "on rebuild", "options"), _filters()),
        weighers=_table(("weigher", "what it prefers", "multiplier", "key of aggregates", "options"), _weighers()),
    )


def within(page: str) -> str:
    """Return a page with the short table between its two marks written again."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    short = _table(("rule", "kind", "what it does, passes or prefers"), _short())
    return f"{before}{BEGIN}\n\n{short}\n\n{END}{after}"


def _short() -> Iterator[tuple[str, ...]]:
    for kind, rows in (("prefilter", _prefilters()), ("filter", _filters()), ("weigher", _weighers())):
        for name, purpose, *_ in rows:
            yield name, kind, purpose


def _prefilters() -> Iterator[tuple[str, ...]]:
    for one in PREFILTERS:
        switch = _option(one.switch) if one.switch else "always"
        yield f"`{one.name}`", _purpose(one.rule), switch, _options(one.settings)


def _filters() -> Iterator[tuple[str, ...]]:
    always = [BuiltIn(kind) for kind in ALWAYS]
    for one in (*always, *FILTERS):
        kind = one.kind
        asked = "once a request" if once_per_request(kind) else "every instance"
        rebuild = "yes" if runs_on_rebuild(kind) else "no"
        yield f"`{kind.name}`", _purpose(kind), f"`{kind.reason}`", asked, rebuild, _options(one.settings)


def _weighers() -> Iterator[tuple[str, ...]]:
    for one in WEIGHERS:
        multiplier, key = _option(one.multiplier), f"`{one.key}`"
        yield f"`{one.kind.name}`", _purpose(one.kind), multiplier, key, _options(one.settings)


def _purpose(rule: Any) -> str:
    """Return the first sentence of a rule's docstring."""
    return (getdoc(rule) or "").partition("\n\n")[0].replace("\n", " ").replace("``", "`").removesuffix(".")


def _options(settings: Iterable[str]) -> str:
    return ", ".join(map(_option, settings))


def _option(setting: str) -> str:
    """Return an option as operators write it, with its default where that is short."""
    section = next(section for section, fields in _DEFAULTS.items() if setting in fields)
    where = f"[{section}] " if section != "filter_scheduler" else ""
    return f"`{where}{setting.removesuffix('_s')}`{_default(_DEFAULTS[section][setting])}"


def _default(value: object) -> str:
    if isinstance(value, bool):
        return f" ({str(value).lower()})"
    if isinstance(value, int | float | str):
        return f" ({value})"
    return "" if value else " (unset)"


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = (head, ("---",) * len(head), *rows)
    return "\n".join(f"| {' | '.join(cells)} |".replace("|  |", "| |") for cells in lines)
