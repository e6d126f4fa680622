"""The last step before a model is ready: the way of a request is walked with its golden rows, and its pace measured."""

from dataclasses import replace
from time import perf_counter

import orjson

from evermodel.serving.batch import Batch
from evermodel.serving.engine import Engine, batch_of_rows
from evermodel.serving.exchange import Exchange
from evermodel.serving.forms import form_of
from evermodel.serving.inference import predict, read, write
from evermodel.serving.registry import Hosted
from evermodel.serving.routes import Name, Route

DIRECT_SECONDS = 1e-3
"""The event loop may be held by one engine call for so long: other clients and health checks wait meanwhile."""
_TIMES = 5
_MANY = 64
_MOST_ROWS = 10_000


def warm_up(hosted: Hosted) -> Hosted:
    """Answer golden rows through every step but the log, and say how many rows may be asked on the event loop.

    Raises:
        RequestError: a golden row is refused. The engine has reproduced them before, so this is a fault of ours.
    """
    served = hosted.served
    served.reasons.summary()  # a forest's nodes are looked at once, and not while a request waits
    golden = served.documents.golden
    if not golden.rows:
        return hosted
    body = orjson.dumps({"instances": golden.rows})
    route = Route(Name.V1_PREDICT, served.model)
    for _ in range(_TIMES):
        exchange = Exchange("warm-up", body=body)
        form = form_of(route, exchange.headers)
        question = read(form, route, hosted, exchange)
        write(form, hosted, exchange, question, predict(hosted, question))
    if not served.engine.quick:
        return hosted
    batch = batch_of_rows(served.signature, (golden.rows * _MANY)[:_MANY])
    return replace(hosted, direct_rows=count_direct_rows(served.engine, batch))


def count_direct_rows(engine: Engine, batch: Batch) -> int:
    """How many rows the engine answers within `DIRECT_SECONDS`: 0 where not even one, `_MOST_ROWS` at most."""
    first = Batch(batch.values[:1], {position: texts[:1] for position, texts in batch.texts.items()})
    one, many = _seconds(engine, first), _seconds(engine, batch)
    for_each = max(many - one, 1e-9) / (batch.rows - 1)
    return max(0, min(_MOST_ROWS, int((DIRECT_SECONDS - one) / for_each)))


def _seconds(engine: Engine, batch: Batch) -> float:
    """The shortest of a few measured times."""
    found = []
    for _ in range(_TIMES):
        begun = perf_counter()
        engine.predict(batch)
        found.append(perf_counter() - begun)
    return min(found)
