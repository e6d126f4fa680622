"""The champion's answers to the challenger's test rows: from its own image where the libraries differ."""

from pathlib import Path

import pandas as pd

from evermodel.artifact.build import environment
from evermodel.artifact.model import answer, describe_artifact, load_artifact, model_frame
from evermodel.artifact.signature import Signature
from evermodel.errors import DataError, RunError, SpecError
from evermodel.metrics import Answers, Floats
from evermodel.training.exchange import Question, Reply, ask
from evermodel.training.fitting import LIBRARY_ERRORS, library_words
from evermodel.training.gates import Champion
from evermodel.training.progress import Progress
from evermodel_api.runs import ChampionRef


def ask_champion(
    reference: ChampionRef,
    raw: pd.DataFrame,
    truth: Floats,
    signature: Signature,
    exchange: Path | None,
    progress: Progress,
) -> Champion:
    """The champion's answers to the test rows, from the columns that it takes.

    Args:
        reference: the version that serves.
        raw: all columns of the test rows.
        truth: shape (rows,).
        signature: the challenger's: both must answer the same question.
        exchange: directory shared with a container of the champion's image; None when there is none.
        progress: is told where the champion answers.

    Raises:
        RunError: `StoreUnavailable`: it may come back, and then the champion can be asked.
    """
    try:
        found = _reply(reference, raw, exchange, progress)
        _same_question(found, signature)
    except (DataError, SpecError) as error:
        return Champion(reference.version, None, f"the champion {reference.version} cannot be asked: {error}")
    except RunError as error:
        if error.reason != "ChampionSilent":
            raise
        return Champion(reference.version, None, f"the champion {reference.version} cannot be asked: {error}")
    return Champion(reference.version, Answers(truth, found.predicted, found.probabilities, len(signature.classes)))


def _reply(reference: ChampionRef, raw: pd.DataFrame, exchange: Path | None, progress: Progress) -> Reply:
    theirs = describe_artifact(reference.artifact.uri, reference.artifact.digest).environment
    if theirs == environment():
        return answer_here(Question(reference.artifact, raw))
    if exchange is not None:
        progress.say(f"the champion {reference.version} answers in its own image, whose libraries differ")
        return ask(exchange, Question(reference.artifact, raw))
    progress.say(f"the champion {reference.version} was made with other libraries and answers with those of this run")
    return answer_here(Question(reference.artifact, raw))


def answer_here(question: Question) -> Reply:
    """Load a model and ask it.

    Raises:
        DataError: as `load_artifact` and `model_frame`.
        SpecError: `FitFailed` when the model cannot answer them.
        RunError: `StoreUnavailable`.
    """
    loaded = load_artifact(question.artifact.uri, question.artifact.digest)
    try:
        predicted, probabilities = answer(loaded.model, loaded.signature, model_frame(loaded.signature, question.rows))
    except LIBRARY_ERRORS as error:
        raise SpecError(
            "FitFailed", f"it cannot answer the test rows: {library_words(error)}; train it anew"
        ) from error
    signature = loaded.signature
    return Reply(str(signature.task), signature.target, list(signature.classes), predicted, probabilities)


def _same_question(champion: Reply, signature: Signature) -> None:
    """Check that champion and challenger answer the same question."""
    ours = (str(signature.task), signature.target, list(signature.classes))
    if (champion.task, champion.target, champion.classes) == ours:
        return
    raise SpecError(
        "ChampionDiffers",
        f"it answers {champion.target!r} as {champion.classes or 'a number'} and the new model {signature.target!r} as "
        f"{signature.classes or 'a number'}; give the new question a ModelTraining of its own, or drop the gate once",
    )
