"""`evermodel runs show`: everything that is known of one run, for people."""

from collections.abc import Sequence

from evermodel.training.ledger import Ledger, Trial
from evermodel.training.memory import Mirrored, PastRun, fold_score, objective_of
from evermodel.training.text import (
    Column,
    Paint,
    count_text,
    printable,
    score_text,
    seconds_text,
    table,
    value_text,
    wrapped,
)
from evermodel_api.training import Metric

_BEST_TRIALS = 10


def show_text(run: PastRun, mirrored: Mirrored | None, paint: Paint, *, all_trials: bool = False) -> list[str]:
    """Lines about a run.

    Args:
        run: the run.
        mirrored: where it was copied to.
        paint: colours.
        all_trials: every trial, and not only the best ten.

    Raises:
        DataError: `RecordInvalid` when the run wrote no ledger.
    """
    ledger = run.needed_ledger()
    good = ledger.outcome in ("Succeeded", "Skipped")
    lines = [f"{paint(run.name, 'bold')}: {paint(ledger.outcome, 'good' if good else 'bad')}"]
    lines += wrapped(ledger.message)
    parts: list[tuple[str, list[str]]] = [
        ("Run", _run(ledger)),
        ("Data", _data(ledger, paint)),
        ("Search", _search(ledger, paint, all_trials=all_trials)),
        ("Folds of the winner", _folds(ledger, paint)),
        ("Scores", _scores(ledger, paint)),
        ("Slices of the test rows", _slices(ledger, paint)),
        ("Gates", _gates(ledger, paint)),
        ("Seconds of each phase", _pairs({name: seconds_text(value) for name, value in ledger.phases.items()})),
        ("Model", _model(ledger)),
        ("Documents", _documents(run)),
        ("MLflow", _mirrored(mirrored)),
    ]
    for title, content in parts:
        if content:
            lines += ["", paint(title, "bold"), *content]
    return lines


def _pairs(pairs: dict[str, str]) -> list[str]:
    """Names and values below each other; a value that is too long goes on, indented."""
    known = {name: printable(value) for name, value in pairs.items() if value}
    width = min(30, max(map(len, known), default=0))
    lines: list[str] = []
    for name, value in known.items():
        first, *rest = wrapped(value, width + 4)
        lines += [f"  {printable(name):<{width}}  {first.strip()}", *rest]
    return lines


def _run(ledger: Ledger) -> list[str]:
    request = f" (request {ledger.cause.request})" if ledger.cause.request else ""
    return _pairs(
        {
            "began": ledger.dump()["asOf"][:19].replace("T", " ") + " UTC",
            "because": f"{ledger.cause.reason}, asked by {ledger.cause.by}{request}",
            "answers": f"{ledger.target} ({ledger.task})",
            "took": f"{seconds_text(ledger.seconds)} s, CPU {seconds_text(ledger.cpu_seconds)} s, "
            f"at most {ledger.peak_memory_mb:,.0f} MB",
            "seed": str(ledger.seed),
            "spec": ledger.spec_digest,
            "image": ledger.image or "",
            "python": str(ledger.environment.get("python", "")),
            "libraries": ", ".join(f"{name} {which}" for name, which in _libraries(ledger).items()),
        }
    )


def _libraries(ledger: Ledger) -> dict[str, str]:
    libraries = ledger.environment.get("libraries")
    return dict(libraries) if isinstance(libraries, dict) else {}


def _data(ledger: Ledger, paint: Paint) -> list[str]:
    data = ledger.data
    quarantined = f", {count_text(data.quarantined)} set aside as wrong" if data.quarantined else ""
    lines = _pairs(
        {
            "rows": f"{count_text(data.rows_read)} read, {count_text(data.rows)} after cleaning{quarantined}",
            "divided": f"{count_text(data.training_rows)} for training, {count_text(data.test_rows)} held out",
            "digest": data.digest,
            "columns": str(len(data.columns) or ""),
            "snapshot": data.snapshot or "",
        }
    )
    if not data.sources:
        return lines
    columns = [Column("SOURCE", shrinks=True), Column("ROWS", right=True), Column("SECONDS", right=True)]
    rows = [(source.name, count_text(source.rows), seconds_text(source.seconds)) for source in data.sources]
    return lines + table(columns, rows, paint, indent=2)


def _search(ledger: Ledger, paint: Paint, *, all_trials: bool) -> list[str]:
    search = ledger.search
    lines: list[str] = []
    if search is not None:
        stopped = " (stopped by tuning.timeout)" if search.stopped_by == "Timeout" else ""
        ended = f"{len(ledger.trials)} of {search.trials} trials{stopped}"
        how = f"sampler {search.sampler}, workers {search.workers}, {seconds_text(search.seconds)} s"
        lines = [f"  {ended} by {search.objective}; {how}"]
    if not ledger.trials:
        return lines
    ranked = ranked_trials(ledger.trials, objective_of(ledger))
    shown = ranked if all_trials else ranked[:_BEST_TRIALS]
    columns = [
        Column("TRIAL", right=True),
        Column("ALGORITHM", shrinks=True),
        Column("STATE"),
        Column(objective_of(ledger).upper(), right=True),
        Column("FOLDS", right=True),
        Column("SECONDS", right=True),
        Column("SEARCHED", shrinks=True),
        Column("NOTES", shrinks=True),
    ]
    lines += table(columns, [_trial_cells(trial, ledger) for trial in shown], paint, indent=2)
    if len(shown) < len(ranked):
        lines.append(f"  {len(ranked) - len(shown)} more: --trials shows all")
    return lines


def ranked_trials(trials: Sequence[Trial], objective: str) -> list[Trial]:
    """Trials with the best first; those that were given up after the others, those that failed last."""
    states = ("Complete", "Pruned", "Failed")
    sign = -1 if objective not in set(Metric) or Metric(objective).larger_is_better else 1

    def key(trial: Trial) -> tuple[int, float, int]:
        score = trial.scores.get(objective)
        return states.index(trial.state), float("inf") if score is None else sign * score, trial.number

    return sorted(trials, key=key)


def _trial_cells(trial: Trial, ledger: Ledger) -> tuple[str, ...]:
    return (
        f"{'*' if trial.number == ledger.chosen else ''}{trial.number}",
        trial.algorithm,
        trial.state,
        score_text(trial.scores.get(objective_of(ledger))),
        str(len(trial.folds)),
        seconds_text(sum(fold.seconds for fold in trial.folds)),
        ", ".join(f"{name}={value_text(value)}" for name, value in trial.searched.items()),
        "; ".join(trial.notes),
    )


def _folds(ledger: Ledger, paint: Paint) -> list[str]:
    winner = next((trial for trial in ledger.trials if trial.number == ledger.chosen), None)
    if winner is None or not winner.folds:
        return []
    names = list(dict.fromkeys(name for fold in winner.folds for name in fold.scores))[:6]
    columns = [Column("FOLD", right=True), *(Column(name, right=True) for name in names)]
    columns += [Column("train", right=True), Column("seconds", right=True)]
    first = objective_of(ledger)
    rows = [
        (
            str(number),
            *(score_text(fold.scores.get(name)) for name in names),
            score_text(fold.train_scores.get(first)),
            seconds_text(fold.seconds),
        )
        for number, fold in enumerate(winner.folds)
    ]
    return table(columns, rows, paint, indent=2)


def _scores(ledger: Ledger, paint: Paint) -> list[str]:
    if not ledger.metrics:
        return []
    columns = [Column("METRIC"), Column("TEST", right=True), Column("95 % INTERVAL")]
    columns += [Column("TRAIN", right=True), Column("FOLDS", right=True)]
    rows = []
    for name, value in ledger.metrics.items():
        low, high = ledger.intervals.get(name, (None, None))
        interval = f"{score_text(low)} to {score_text(high)}" if low is not None else ""
        folds = score_text(fold_score(ledger)) if name == objective_of(ledger) else ""
        rows.append((name, score_text(value), interval, score_text(ledger.train_metrics.get(name)), folds))
    rows += [(name, score_text(value), "", "", "") for name, value in ledger.costs.items()]
    lines = table(columns, rows, paint, indent=2)
    if ledger.threshold is not None:
        lines.append(f"  the second class is answered from a probability of {ledger.threshold:.4g} on")
    return lines


def _slices(ledger: Ledger, paint: Paint) -> list[str]:
    if not ledger.slices:
        return []
    names = list(dict.fromkeys(name for part in ledger.slices for name in part.scores))[:6]
    columns = [Column("SLICE", shrinks=True), Column("ROWS", right=True), *(Column(name, right=True) for name in names)]
    rows = [
        (
            f"{part.by}={part.level}{'' if part.judged else ' (too few rows)'}",
            count_text(part.rows),
            *(score_text(part.scores.get(name)) for name in names),
        )
        for part in ledger.slices
    ]
    return table(columns, rows, paint, indent=2)


def _gates(ledger: Ledger, paint: Paint) -> list[str]:
    if not ledger.gates:
        return []
    titles = ("METRIC", "RULE", "SLICE", "VALUE", "LIMIT", "CHAMPION", "DIFFERENCE", "VERDICT")
    columns = [Column(title, shrinks=title == "SLICE") for title in titles]
    rows = [
        (
            gate.metric,
            gate.rule,
            gate.slice or "",
            gate.value,
            gate.limit,
            gate.champion or "",
            gate.interval or "",
            "holds" if gate.passed else "refuses",
        )
        for gate in ledger.gates
    ]
    against = [f"  the champion is {ledger.champion}"] if ledger.champion else []
    return table(columns, rows, paint, indent=2) + against


def _model(ledger: Ledger) -> list[str]:
    size = ledger.artifact.size_bytes if ledger.artifact else None
    return _pairs(
        {
            "algorithm": f"{ledger.algorithm} ({ledger.estimator})" if ledger.algorithm else "",
            "parameters": ", ".join(f"{name}={value_text(value)}" for name, value in ledger.params.items()),
            "features": ", ".join(ledger.features),
            "artifact": ledger.artifact.uri if ledger.artifact else "",
            "digest": ledger.artifact.digest if ledger.artifact else "",
            "size": f"{count_text(size)} bytes" if size is not None else "",
        }
    )


def _documents(run: PastRun) -> list[str]:
    there = run.documents()
    return _pairs({"in": run.uri("").rstrip("/"), "are": ", ".join(there)} if there else {})


def _mirrored(mirrored: Mirrored | None) -> list[str]:
    return [] if mirrored is None else wrapped(mirrored.message, 2)
