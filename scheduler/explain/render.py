"""A decision record in words."""

from collections.abc import Iterable, Iterator

from scheduler.explain.reasons import phrase
from scheduler.model import BUILD, DecisionRecord, FilterStep, InstanceDecision, Round, ScoredHost
from scheduler.model.operation import name_of


def in_words(record: DecisionRecord) -> str:
    """Return everything a record says, a few lines long for a request of one instance."""
    lines = [
        _headline(record),
        *_operation(record),
        *(f"Warning: {warning}." for warning in record.warnings),
        *_asked(record),
    ]
    for number, round_ in enumerate(record.rounds, start=1):
        lines += _round(number, round_)
    if record.probes:
        lines.append(f"Without one constraint at a time: {_probes(record)}.")
    if record.left_out:
        lines.append(f"The record was kept without its {record.left_out}, as it would have been too large.")
    return _printable("\n".join([*lines, _effort(record)])) + "\n"


def one_line(record: DecisionRecord) -> str:
    """Return the essence of a record in one line, for tables and summaries."""
    if record.outcome == "selected":
        hosts = [decision.selected for decision in _last_decisions(record) if decision.selected]
        return _printable(f"selected: {', '.join(hosts)}")
    why = phrase(record.reason or record.outcome)
    details = _probes(record) if record.probes else _removals(_last_steps(record)) if _is_filtered(record) else ""
    return _printable(f"{why}: {details}" if details else why)


def _headline(record: DecisionRecord) -> str:
    why = f", {phrase(record.reason)}" if record.reason and record.reason != record.outcome else ""
    detail = f" {record.detail}" if record.detail else ""
    return f"Request {record.request_id}: {phrase(record.outcome)}{why}.{detail}"


def _operation(record: DecisionRecord) -> Iterator[str]:
    if record.inputs and record.inputs.operation != BUILD:
        yield f"Operation: {name_of(record.inputs.operation)}."


def _asked(record: DecisionRecord) -> Iterator[str]:
    amounts = ", ".join(f"{name} {amount}" for name, amount in sorted(record.asked.items()))
    if amounts:
        yield f"Asked for {_number(len(record.instances), 'instance')}, each {amounts}."


def _round(number: int, round_: Round) -> Iterator[str]:
    parts = [f"{_number(round_.candidates, 'candidate')} on {_number(round_.hosts, 'host')}"]
    if round_.verified_providers:
        parts.append(f"usage of {_number(round_.verified_providers, 'provider')} read back")
    if round_.group_looks:
        parts.append(f"other members of the group looked for in {_number(round_.group_looks, 'call')}")
    if round_.answer:
        parts.append(phrase(round_.answer))
    yield f"Round {number}: {'; '.join(parts)}."
    for decision in round_.instances:
        yield f"  Instance {decision.instance_uuid}: {_decision(decision)}."


def _decision(decision: InstanceDecision) -> str:
    came = decision.steps[0].hosts_in if decision.steps else 0
    removed = _removals(decision.steps) or "none removed"
    text = f"{_number(came, 'host')}: {removed}"
    if decision.selected is None:
        return f"{text}; none left"
    return f"{text}; on {decision.selected}{_scores(decision)}"


def _removals(steps: Iterable[FilterStep]) -> str:
    """Say who removed how many: "7 removed by ServerGroupAntiAffinityFilter, a member is there; 5 by ..."."""
    verbs = _first_then("removed by", "by")
    return "; ".join(
        f"{step.removed} {next(verbs)} {step.name}, {phrase(step.reason)}" for step in steps if step.removed
    )


def _scores(decision: InstanceDecision) -> str:
    chosen = next((scored for scored in decision.best_hosts if scored.host == decision.selected), None)
    if chosen is None:
        return ""
    shares = " + ".join(f"{score.name} {score.weighed:.4g}" for score in chosen.scores if score.weighed)
    others = ", ".join(_total(scored) for scored in decision.best_hosts if scored is not chosen)
    return f" with weight {chosen.total:.4g}{f' = {shares}' if shares else ''}{f'; before {others}' if others else ''}"


def _total(scored: ScoredHost) -> str:
    return f"{scored.host} {scored.total:.4g}"


def _probes(record: DecisionRecord) -> str:
    """Name the constraints without which there are hosts; one that changes nothing explains nothing."""
    telling = [probe for probe in record.probes if probe.hosts]
    if not telling:
        return f"none of {_number(len(record.probes), 'constraint')} rules the fleet out alone"
    return "; ".join(f"without {probe.relaxed}: {_number(probe.hosts, 'host')}" for probe in telling)


def _effort(record: DecisionRecord) -> str:
    spent = record.timings
    parts = (("candidates", spent.candidates_ms), ("selection", spent.select_ms), ("claim", spent.claim_ms))
    shares = ", ".join(f"{name} {milliseconds:.1f}" for name, milliseconds in parts if milliseconds)
    version = f" at microversion {record.microversion}" if record.microversion else ""
    calls = _number(record.placement_calls, "call")
    return f"Took {spent.total_ms:.1f} ms{f' ({shares})' if shares else ''} and {calls} to Placement{version}."


def _is_filtered(record: DecisionRecord) -> bool:
    return record.reason == "filtered_out"


def _last_decisions(record: DecisionRecord) -> tuple[InstanceDecision, ...]:
    return record.rounds[-1].instances if record.rounds else ()


def _last_steps(record: DecisionRecord) -> tuple[FilterStep, ...]:
    decisions = _last_decisions(record)
    return decisions[-1].steps if decisions else ()


def _number(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _first_then(first: str, then: str) -> Iterator[str]:
    yield first
    while True:
        yield then


def _printable(text: str) -> str:
    """Escape what could steer a terminal; names in a record are not ours."""
    return "".join(char if char.isprintable() or char == "\n" else ascii(char)[1:-1] for char in text)
