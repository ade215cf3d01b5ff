"""A part of the cases with Nova's answers, kept so that tests need no Nova."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from parity.case import Answer, Case, packed, unpacked
from parity.compare import meaning
from parity.generate.corners import CORNERS
from parity.nova import Nova
from parity.rules import RULES, Rule
from parity.tally import Tally, answered

DIRECTORY = Path(__file__).resolve().parents[1] / "tests" / "parity" / "recorded"
MOST = {"decision": 100, "query": 60}
"""How many cases of a rule are kept, by its kind; 20 otherwise."""

LOOKED_THROUGH = {"decision": 6000}
"""Of how many cases of a rule those that are kept are chosen, by its kind; of 400 otherwise."""

LONGEST = 1000
"""Characters of a case that is kept."""

DIGITS = 10
"""Of weights; far more than a comparison looks at."""

Entry = tuple[Case, Answer, list[str]]
"""A case without its kind and rule, Nova's answer, and the names of the listed differences that it shows."""


def record(nova: Nova) -> Iterator[str]:
    """Write what is kept, a file a kind, and what Nova calls its rules; yield what was written."""
    kept: dict[str, dict[str, list[Entry]]] = {}
    for rule in RULES:
        kept.setdefault(rule.kind, {})[rule.name] = _chosen(rule, nova)
    for kind, rules in kept.items():
        yield _written(DIRECTORY / f"{kind}.json", packed(_lines(rules)))
    yield _written(DIRECTORY / "nova_names.json", json.dumps(nova.names(), indent=1, sort_keys=True))


def recorded(kind: str) -> Iterator[tuple[Case, Answer, list[str]]]:
    """Yield the whole cases of a kind that are kept, each with Nova's answer and the names of differences."""
    kept = json.loads(unpacked((DIRECTORY / f"{kind}.json").read_text(encoding="utf-8")))
    for rule, entries in kept.items():
        for case, theirs, names in entries:
            yield {"kind": kind, "rule": rule, **case}, theirs, names


def _chosen(rule: Rule, nova: Nova) -> list[Entry]:
    """Return the corners, and short cases, one of each kind of answer and of difference first.

    Raises ValueError where a difference is not listed.
    """
    tally, met, found = Tally(rule), Counter[str](), list[tuple[int, int, Entry]]()
    written = CORNERS.get(rule.name, [])
    sizes = sorted(
        (len(json.dumps(case)), at, case) for at, case in enumerate(rule.cases(LOOKED_THROUGH.get(rule.kind, 400)))
    )
    for case, theirs, ours in answered((case for size, _, case in sizes if size < LONGEST), nova):
        names = list(tally.add(case, theirs, ours))
        shape = json.dumps([names, sorted(theirs), _told(case, theirs)])
        met.update((shape, str(names)))
        entry = (_bare(case), _rounded(theirs), names)
        must = entry[0] in written or met[str(names)] == 1
        found.append((0 if must else met[shape], len(found), entry))
    if tally.unlisted:
        raise ValueError(f"{rule.name} has differences that are not listed; nothing is recorded")
    return [entry for _, _, entry in sorted(found, key=lambda one: one[:2])[: MOST.get(rule.kind, 20)]]


def _told(case: Case, theirs: Answer) -> list[object]:
    """Return what makes an answer like another: which hosts pass, what a query asks for; else the number of hosts."""
    if "query" in theirs:
        asked = meaning(theirs["query"])
        classes = (
            part.partition(":")[0] for key, parts in asked.items() if key.startswith("resources") for part in parts
        )
        return [*sorted(asked), *sorted(set(classes) - {"VCPU", "MEMORY_MB"})]
    return list(theirs["passed"]) if "passed" in theirs else [len(case["hosts"])]


def _bare(case: Case) -> Case:
    return {name: part for name, part in case.items() if name not in ("kind", "rule")}


def _rounded(theirs: Answer) -> Answer:
    if "weights" not in theirs:
        return theirs
    return {"weights": [round(weight, DIGITS) for weight in theirs["weights"]]}


def _lines(rules: Mapping[str, Iterable[Entry]]) -> str:
    parts = (f'"{rule}": [\n' + ",\n".join(map(_line, entries)) + "\n]" for rule, entries in rules.items())
    return "{\n" + ",\n".join(parts) + "\n}"


def _line(entry: Entry) -> str:
    return json.dumps(entry, separators=(",", ":"), sort_keys=True)


def _written(path: Path, text: str) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text + "\n", encoding="utf-8")
    return f"{path.name}: {len(text) + 1} bytes"
