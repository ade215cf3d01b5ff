"""What a run found, for people and for machines."""

import base64
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from fuzz.target import Finding
from fuzz.worker import Done, finding_of

COLUMNS = ("target", "engine", "inputs", "edges", "findings", "seconds")


def findings_of(done: Sequence[Done]) -> list[Finding]:
    """Return all findings."""
    return [finding_of(one.job.target, found) for one in done for found in one.findings]


def line_of(done: Done) -> str:
    """Return what one job did, as a row of the table."""
    edges = str(done.edges) if done.edges else "-"
    return _row((done.job.target, done.job.engine, done.inputs, edges, len(done.findings), f"{done.seconds:.1f}"))


def heading() -> str:
    """Return the head of the table."""
    return _row(COLUMNS)


def told(finding: Finding) -> Iterator[str]:
    """Yield the lines that tell of a finding: what, the input, and how to run it again."""
    encoded = base64.b64encode(finding.data).decode()
    yield f"FOUND {finding.target}: {finding.what}"
    yield f"  input ({len(finding.data)} bytes): {finding.data[:60].hex()}{'...' if len(finding.data) > 60 else ''}"
    yield f"  again: python -m fuzz --only {finding.target} --input {encoded}"


def write_json(done: Sequence[Done], file: Path) -> None:
    """Write one object: the totals, a row for each job, and the findings with their inputs in base64."""
    file.parent.mkdir(parents=True, exist_ok=True)
    findings = [
        {"target": one.target, "what": one.what, "input": base64.b64encode(one.data).decode()}
        for one in findings_of(done)
    ]
    rows = [
        {"target": one.job.target, "engine": one.job.engine, "seed": one.job.seed, "inputs": one.inputs,
         "edges": one.edges, "findings": len(one.findings), "seconds": round(one.seconds, 1)}
        for one in done
    ]  # fmt: skip
    total = sum(one.inputs for one in done)
    text = json.dumps({"inputs": total, "good": not findings, "rows": rows, "findings": findings}, indent=2)
    file.write_text(text + "\n", encoding="utf-8")


def _row(cells: Sequence[object]) -> str:
    name, engine, *numbers = map(str, cells)
    return f"{name:18} {engine:12} " + " ".join(f"{number:>10}" for number in numbers)
