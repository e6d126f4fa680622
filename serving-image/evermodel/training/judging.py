"""What is measured of the model that was chosen, and whether its gates hold."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from evermodel.data.columns import Column
from evermodel.errors import SpecError
from evermodel.training.champion import ask_champion
from evermodel.training.costs import latency_ms, size_mb
from evermodel.training.develop import Winner
from evermodel.training.documents import Judged
from evermodel.training.evaluate import wanted_metrics
from evermodel.training.gates import Evidence, explain, judge, judge_overfit
from evermodel.training.intervals import as_pairs, intervals
from evermodel.training.ledger import SliceScore
from evermodel.training.material import Material
from evermodel.training.progress import Progress
from evermodel.training.slices import MIN_ROWS, Part, measure_slices, parts_of
from evermodel_api.runs import TrainingOrder
from evermodel_api.training import Cost, Gate, TrainingSpec
from evermodel_api.version import GateVerdict


def judge_winner(
    order: TrainingOrder, material: Material, winner: Winner, progress: Progress, exchange: Path | None
) -> Judged:
    """Measure the model with its uncertainty, by slice and against its costs, and hold it against its gates.

    Raises:
        SpecError: `ColumnMissing` when a slice names a column that is not there.
        RunError: `StoreUnavailable` when the champion cannot be read now.
    """
    spec = order.spec
    parts = _slices(spec, material)
    costs = _costs(spec, material, winner)
    champion = None
    if order.champion is not None and any(gate.versus for gate in spec.gates):
        raw, truth = material.test_raw, material.test.truth
        champion = ask_champion(order.champion, raw, truth, winner.signature, exchange, progress)
    evidence = Evidence(winner.answers, champion, parts, costs)
    verdicts = judge(spec.gates, evidence, spec.run.seed)
    for gate, verdict in zip(spec.gates, verdicts, strict=True):
        progress.say(_told(gate, verdict, alone=gate.versus is not None and order.champion is None))
    refusals = [
        explain(gate, verdict, champion)
        for gate, verdict in zip(spec.gates, verdicts, strict=True)
        if not verdict.passed
    ]
    guard = _overfit(spec, winner)
    if guard is not None:
        verdicts.append(guard)
        holds = "holds" if guard.passed else "does not hold"
        progress.say(f"overfit {guard.metric} {holds}: {guard.value} better on its own rows, limit {guard.limit}")
        refusals += _overfit_refusal(guard)
    return Judged(
        intervals=as_pairs(intervals(wanted_metrics(spec), winner.answers, spec.task, spec.run.seed)),
        slices=_slice_scores(spec, parts, winner),
        verdicts=verdicts,
        refusals=refusals,
        costs={str(cost): value for cost, value in costs.items()},
        champion=order.champion.version if order.champion else None,
    )


def _told(gate: Gate, verdict: GateVerdict, *, alone: bool) -> str:
    where = f" on {verdict.slice}" if verdict.slice else ""
    holds = (
        f"gate {gate.metric} {verdict.rule} {'holds' if verdict.passed else 'does not hold'}{where}: {verdict.value}"
    )
    if alone:
        return f"{holds}, and there is no champion yet"
    against = f", champion {verdict.champion}" if verdict.champion is not None else ""
    return f"{holds}, limit {verdict.limit}{against}"


def _overfit(spec: TrainingSpec, winner: Winner) -> GateVerdict | None:
    if spec.validation.overfit is None or winner.on_training is None:
        return None
    return judge_overfit(spec.validation.overfit, winner.on_training, winner.answers)


def _overfit_refusal(verdict: GateVerdict) -> list[str]:
    if verdict.passed:
        return []
    text = (
        f"{verdict.metric} is {verdict.value} better on the rows it was fitted on than on the test, and "
        f"validation.overfit allows {verdict.limit}: it has learnt its rows by heart"
    )
    return [text]


def _slices(spec: TrainingSpec, material: Material) -> dict[str, Sequence[Part]]:
    wanted = [*(gate.by for gate in spec.gates), *(each.by for each in spec.validation.slices)]
    return {by: parts_of(by, _column(material, by).at(material.held_out)) for by in wanted if by is not None}


def _column(material: Material, name: str) -> Column:
    for column in (*material.plan.features, *material.dataset.columns):
        if column.name == name:
            return column
    there = ", ".join(column.name for column in material.dataset.columns)
    raise SpecError(
        "ColumnMissing", f"gates and validation.slices name the column {name!r}, which is no feature; there are {there}"
    )


def _slice_scores(spec: TrainingSpec, parts: dict[str, Sequence[Part]], winner: Winner) -> list[SliceScore]:
    least = {each.by: each.min_rows for each in spec.validation.slices}
    least |= {gate.by: gate.min_rows for gate in spec.gates if gate.by is not None and gate.min_rows is not None}
    metrics = wanted_metrics(spec)
    return [
        score
        for by, slices in parts.items()
        for score in measure_slices(slices, metrics, winner.answers, least.get(by, MIN_ROWS))
    ]


def _costs(spec: TrainingSpec, material: Material, winner: Winner) -> dict[Cost, float]:
    """What gates ask for, and the size, which is known anyway."""
    asked = {gate.cost for gate in spec.gates}
    costs = {Cost.SIZE: size_mb(next(iter(winner.files.values())))}
    if Cost.LATENCY in asked:
        costs[Cost.LATENCY] = latency_ms(winner.model, winner.signature, material.test.frame)
    if Cost.ONNX_DIFFERENCE in asked:
        costs[Cost.ONNX_DIFFERENCE] = np.nan if winner.onnx_difference is None else winner.onnx_difference
    return costs
