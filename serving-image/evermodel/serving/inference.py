"""From a request's bytes to the bytes of its answer: read, ask the engine, write, keep for the log.

Small requests to quick models take all steps on the event loop; large ones, and those that ask for reasons, in a
thread; small ones to slow models wait for the engine with others (`worker.py`). The steps are the same.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evermodel.artifact.decision import class_numbers, labels_of
from evermodel.serving.direct import DIRECT_BYTES
from evermodel.serving.exchange import Exchange, Reply
from evermodel.serving.faults import BadRequestError, RequestError
from evermodel.serving.forms import Asked, Form, form_of, id_of_body, read_question
from evermodel.serving.limits import STANDARD
from evermodel.serving.protocol.answers import Answers
from evermodel.serving.protocol.reasons import Reason
from evermodel.serving.registry import Hosted
from evermodel.serving.routes import Route
from evermodel.serving.worker import MERGED_ROWS, Worker

Numbers = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Answered:
    """A request that was answered and is not logged yet."""

    reply: Reply
    question: Asked
    answers: Answers
    chosen: NDArray[Any]
    """Numbers of classes, or values: shape (rows,)."""


class Inference:
    """Answers what asks for predictions."""

    def __init__(self, worker: Worker, now: Callable[[], int], rows: int = STANDARD.rows) -> None:
        self._worker = worker
        self._now = now
        self._rows = rows

    def answer_directly(self, route: Route, hosted: Hosted, exchange: Exchange) -> Reply | None:
        """Answer at once; None when there are so many rows that the event loop would be held for too long.

        Raises:
            RequestError: what to tell the client instead.
        """
        form = form_of(route, exchange.headers)
        if not form.light:
            return None
        question = read(form, route, hosted, exchange, self._rows)
        if question.batch.rows > hosted.direct_rows or question.reasons:
            return None
        numbers = predict(hosted, question)
        return self._keep(hosted, exchange, write(form, hosted, exchange, question, numbers))

    async def answer(self, route: Route, hosted: Hosted, exchange: Exchange, form: Form | None = None) -> Reply:
        """Answer a request, wherever its work belongs; `form` is that of its route and headers when not given.

        Raises:
            RequestError: what to tell the client instead.
        """
        form = form or form_of(route, exchange.headers)
        if not form.light or len(exchange.body) > DIRECT_BYTES:
            return await self._answer_in_thread(form, route, hosted, exchange)
        question = read(form, route, hosted, exchange, self._rows)
        rows = question.batch.rows
        if question.reasons:
            return await self._answer_in_thread(form, route, hosted, exchange, question)
        if rows <= hosted.direct_rows:
            numbers = predict(hosted, question)
        elif rows <= MERGED_ROWS and not hosted.direct_rows:
            numbers = await self._ask(hosted, question)
        else:
            return await self._answer_in_thread(form, route, hosted, exchange)
        return self._keep(hosted, exchange, write(form, hosted, exchange, question, numbers))

    async def _ask(self, hosted: Hosted, question: Asked) -> Numbers:
        try:
            return await self._worker.ask(hosted.served.engine, question.batch)
        except ValueError as error:
            raise refused_rows(error) from error

    async def _answer_in_thread(
        self, form: Form, route: Route, hosted: Hosted, exchange: Exchange, known: Asked | None = None
    ) -> Reply:
        def work() -> Answered:
            question = known or read(form, route, hosted, exchange, self._rows)
            return write(form, hosted, exchange, question, predict(hosted, question))

        return self._keep(hosted, exchange, await self._worker.run(work))

    def _keep(self, hosted: Hosted, exchange: Exchange, answered: Answered) -> Reply:
        """Put a request into the log before its answer leaves, so that what was answered is in it."""
        batch, answers = answered.question.batch, answered.answers
        if hosted.log is not None:
            hosted.log.put(answers.id, self._now(), batch, answered.chosen, answers.probabilities)
        exchange.rows = batch.rows
        return answered.reply


def read(form: Form, route: Route, hosted: Hosted, exchange: Exchange, limit: int = STANDARD.rows) -> Asked:
    """The rows that a request asks about; `limit` is how many there may be.

    Raises:
        RequestError: what is wrong with them.
    """
    try:
        question = read_question(form, route, exchange.headers, exchange.body, hosted.served.signature, limit)
    except RequestError:
        exchange.id = id_of_body(exchange.headers, exchange.body) or exchange.id
        raise
    if question.id:
        exchange.id = question.id
    if question.reasons:
        hosted.served.reasons.check(question.reasons, question.question.coverages, question.batch.rows)
    return question


def predict(hosted: Hosted, question: Asked) -> Numbers:
    """What the engine says of them.

    Raises:
        BadRequestError: the model refuses such rows.
    """
    try:
        return hosted.served.engine.predict(question.batch)
    except ValueError as error:
        raise refused_rows(error) from error


def refused_rows(error: ValueError) -> BadRequestError:
    """What a client is told when the model's library refuses its rows, such as a number too large for it."""
    words = " ".join(str(error).split())
    return BadRequestError(f"the model refuses these rows: {words[:200]}")


def reasons_of(hosted: Hosted, question: Asked, numbers: Numbers) -> Mapping[str, Reason]:
    """The reasons that were asked for."""
    if not question.reasons:
        return {}
    coverages = question.question.coverages
    return hosted.served.reasons.of(question.reasons, coverages, question.batch, numbers)


def write(form: Form, hosted: Hosted, exchange: Exchange, question: Asked, numbers: Numbers) -> Answered:
    """The answer in the form that was asked for.

    Raises:
        BadRequestError: it cannot be written so.
    """
    served = hosted.served
    signature = served.signature
    chosen = class_numbers(numbers, signature.threshold) if signature.classes else numbers
    labels = labels_of(signature, chosen)
    probabilities = numbers if signature.classes else None
    reasons = reasons_of(hosted, question, numbers)
    answers = Answers(labels, probabilities, exchange.id, served.model, served.version, reasons)
    return Answered(form.write(answers, signature, question.question), question, answers, chosen)
