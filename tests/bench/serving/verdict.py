"""From measurements to ratios, targets and tables. Pure: documents in, text and documents out."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

Results = dict[str, dict[str, dict[str, Any]]]
"""By server and model: `cells` by `cell_name`, ready_seconds, rest (memory), kind."""


def cell_name(rows: int, connections: int) -> str:
    """How a cell is called."""
    return f"{rows} rows, {connections} connections"


@dataclass(frozen=True)
class Target:
    """What has to be reached."""

    model: str
    rows: int
    connections: int
    times: float
    """Ours, in answers a second, beside the best peer's in the same run."""


RATES = (
    Target("lr", 1, 1, 4),
    Target("lr", 1, 8, 5),
    Target("lr", 1, 64, 8),
    Target("lr", 100, 8, 3),
    Target("forest", 1, 1, 30),
    Target("forest", 1, 8, 45),
    Target("forest", 1, 64, 70),
    Target("forest", 100, 8, 13),
)
REST_MIB = 180.0
READY_SECONDS = 1.5
P99_CONNECTIONS = 8
P99_SHARE = 1 / 3


@dataclass(frozen=True)
class Verdict:
    """A target, and what was reached; None where it was not measured."""

    name: str
    wanted: str
    got: float | None
    beside: str = ""
    """Whom it was measured beside."""
    held: bool | None = None


def cell(results: Results, server: str, model: str, name: str) -> dict[str, Any] | None:
    """One measurement; None where there is none."""
    found: dict[str, Any] | None = results.get(server, {}).get(model, {}).get("cells", {}).get(name)
    return found


def best(results: Results, kind: str, model: str, name: str) -> tuple[str, dict[str, Any]] | None:
    """The quickest of a kind in a cell, of those that answered without errors; None where there is none."""
    found = [
        (server, measured)
        for server, models in results.items()
        if models.get(model, {}).get("kind") == kind and (measured := cell(results, server, model, name))
    ]
    right = [item for item in found if not item[1]["errors"]] or found
    return max(right, key=lambda item: float(item[1]["rate"]), default=None)


def ratio(results: Results, kind: str, model: str, name: str) -> tuple[str, float] | None:
    """The best of a kind, and ours beside it; None where one of them is missing."""
    other = best(results, kind, model, name)
    ours = best(results, "ours", model, name)
    if other is None or ours is None or not other[1]["rate"]:
        return None
    return other[0], float(ours[1]["rate"]) / float(other[1]["rate"])


def verdicts(results: Results) -> list[Verdict]:
    """All targets."""
    found = []
    for target in RATES:
        name = cell_name(target.rows, target.connections)
        got = ratio(results, "peer", target.model, name)
        told = f"{target.model}, {name}"
        if got is None:
            found.append(Verdict(told, f">= {target.times:g}x", None))
        else:
            found.append(Verdict(told, f">= {target.times:g}x", round(got[1], 2), got[0], got[1] >= target.times))
    return [*found, *_tails(results), *_sizes(results)]


def _tails(results: Results) -> list[Verdict]:
    found = []
    for model in _models(results):
        for rows in (1, 100):
            name = cell_name(rows, P99_CONNECTIONS)
            other, ours = best(results, "peer", model, name), best(results, "ours", model, name)
            if other and ours and other[1]["p99_ms"]:
                share = ours[1]["p99_ms"] / other[1]["p99_ms"]
                told = f"p99 of {model}, {name}"
                found.append(Verdict(told, "< 0.33 of the peer's", round(share, 3), other[0], share < P99_SHARE))
    return found


def _sizes(results: Results) -> list[Verdict]:
    found = []
    for models in results.values():
        for model, measured in models.items():
            if measured["kind"] == "ours":
                pss, ready = measured["rest"]["pss"], measured["ready_seconds"]
                found.append(Verdict(f"MiB at rest, {model}", f"<= {REST_MIB:g}", pss, held=pss <= REST_MIB))
                told = f"<= {READY_SECONDS:g}"
                found.append(Verdict(f"seconds to ready, {model}", told, ready, held=ready <= READY_SECONDS))
    return found


def _models(results: Results) -> list[str]:
    return list(dict.fromkeys(model for models in results.values() for model in models))


def verdict_table(found: list[Verdict]) -> str:
    """Targets as Markdown."""
    lines = ["| target | wanted | got | beside | held |", "|---|---|---|---|---|"]
    for one in found:
        got = "not measured" if one.got is None else f"{one.got:g}"
        held = {True: "yes", False: "NO", None: "-"}[one.held]
        lines.append(f"| {one.name} | {one.wanted} | {got} | {one.beside} | {held} |")
    return "\n".join(lines)


def rate_table(results: Results, model: str, rows: int, connections: list[int]) -> str:
    """All servers with one model and one size of request, as Markdown."""
    heads = " | ".join(f"{count} conn: req/s (p50 / p99 ms)" for count in connections)
    lines = [
        f"| server | {heads} | errors | ready s | MiB at rest, PSS (RSS) | after load |",
        "|" + "---|" * (len(connections) + 5),
    ]
    for server, models in results.items():
        if model not in models:
            continue
        measured = models[model]
        cells = [cell(results, server, model, cell_name(rows, count)) for count in connections]
        told = " | ".join(_cell(found) for found in cells)
        errors = sum(found["errors"] for found in cells if found)
        rest, after = measured["rest"], measured["after"]
        sizes = f"{rest['pss']:.0f} ({rest['rss']:.0f}) | {after['pss']:.0f} ({after['rss']:.0f})"
        lines.append(f"| {server} | {told} | {errors} | {measured['ready_seconds']:.2f} | {sizes} |")
    return "\n".join([*lines, _ratio_line(results, model, rows, connections)])


def _cell(found: dict[str, Any] | None) -> str:
    return f"{found['rate']:.0f} ({found['p50_ms']:.2f} / {found['p99_ms']:.2f})" if found else "-"


def _ratio_line(results: Results, model: str, rows: int, connections: list[int]) -> str:
    lines = []
    for kind in ("peer", "floor"):
        parts = []
        for count in connections:
            got = ratio(results, kind, model, cell_name(rows, count))
            parts.append(f"{got[1]:.2f}x {got[0]}" if got else "-")
        lines.append(f"| ours / best {kind} | {' | '.join(parts)} | | | | |")
    return "\n".join(lines)


def markdown(result: dict[str, Any]) -> str:
    """The whole result for the docs."""
    results: Results = result["results"]
    connections = result["connections"]
    parts = []
    for model in _models(results):
        for rows in result["rows"]:
            parts.append(f"### {model}, {rows} row{'s' if rows > 1 else ''} a request\n")
            parts.append(rate_table(results, model, rows, connections) + "\n")
    parts.append("### Targets\n\n" + verdict_table(verdicts(results)) + "\n")
    if result["failed"]:
        parts.append("### Not measured\n\n" + "\n".join(f"- {k}: {v}" for k, v in result["failed"].items()) + "\n")
    versions = [
        f"- {name}: {', '.join(f'{k} {v}' for k, v in found.items())}" for name, found in result["versions"].items()
    ]
    parts.append("### Versions\n\n" + "\n".join(versions) + "\n")
    return "\n".join(parts)


def as_documents(found: list[Verdict]) -> list[dict[str, Any]]:
    """Targets for programs."""
    return [asdict(one) for one in found]
