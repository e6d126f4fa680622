"""An evaluation as a pod does it: a frozen order in, an outcome out, the report in the store."""

import json
from typing import Any

from evermodel.artifact.layout import report_file, report_page_file, report_prefix
from evermodel.artifact.store import absolute_uri, list_names, read_bytes, write_bytes
from evermodel.monitoring.evaluate import evaluate
from evermodel.monitoring.log import Served, read_window
from evermodel.monitoring.look import wants_answers
from evermodel.monitoring.report import encode
from evermodel.monitoring.report_page import report_page
from evermodel.monitoring.subject import read_subject
from evermodel_api.base import parse_duration
from evermodel_api.digest import digest_bytes
from evermodel_api.runs import MonitorOrder, MonitorOutcome

EARLIER = 30
"""Earlier evaluations that are drawn over time."""


def run_order(order: MonitorOrder) -> MonitorOutcome:
    """Evaluate, write the report, say how it went. The same order again gives the recorded answer again.

    Raises:
        DataError: `ArtifactMissing`, `ArtifactDigestMismatch`, `ArtifactInvalid`.
        SpecError: `MetricUnsuited`, `MetricNotMeasured`.
        RunError: `StoreUnavailable`.
    """
    identity = digest_bytes(encode(order.dump()))
    uri = report_file(absolute_uri(order.store), order.monitor, order.evaluation)
    recorded = _recorded(uri, identity)
    if recorded is None:
        document = compute_report(order)
        recorded = encode(document)
        page = report_page(document, earlier_reports(order))
        write_bytes(report_page_file(absolute_uri(order.store), order.monitor, order.evaluation), page.encode())
        write_bytes(uri, recorded)  # last: a report that is there is whole
    outcome = MonitorOutcome.model_validate(json.loads(recorded)["outcome"])
    return outcome.model_copy(update={"report": uri, "report_digest": digest_bytes(recorded)})


def _recorded(uri: str, identity: str) -> bytes | None:
    """The report of this very order; that of another one (the monitor was deleted and made again) does not count."""
    try:
        content = read_bytes(uri)
        document: Any = json.loads(content)
        return content if document["inputs"]["order"] == identity else None
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None


def compute_report(order: MonitorOrder) -> dict[str, Any]:
    """The document. It follows from the order and from the bytes in the store, and from nothing else.

    Raises:
        DataError, SpecError, RunError: as `run_order`.
    """
    subject = read_subject(order.spec, order.version, order.artifact.uri, order.artifact.digest)
    span = order.spec.window
    end = order.now - parse_duration(span.lateness)
    served = Served(
        store=absolute_uri(order.store),
        deployment=order.deployment,
        version=order.version,
        start=end - parse_duration(span.size),
        end=end,
        now=order.now,
    )
    window = read_window(served, subject.signature, span.max_rows, with_answers=wants_answers(order.spec))
    evaluation = evaluate(subject, window, order.memory, order.now, order.situation)
    document = evaluation.document
    return {
        **document,
        "monitor": order.monitor,
        "evaluation": order.evaluation,
        "inputs": {**document["inputs"], "order": digest_bytes(encode(order.dump()))},
        "order": order.dump(),
        "outcome": evaluation.outcome.dump(),
    }


def earlier_reports(order: MonitorOrder) -> list[dict[str, Any]]:
    """What evaluations before this one wrote, oldest first; one that cannot be read is left out."""
    prefix = report_prefix(absolute_uri(order.store), order.monitor)
    names = [name.removesuffix(".json") for name in list_names(prefix) if name.endswith(".json")]
    before = sorted(int(name) for name in names if name.isdigit() and int(name) < int(order.evaluation))
    found = []
    for number in before[-EARLIER:]:
        try:
            document = json.loads(read_bytes(f"{prefix}/{number}.json"))
            if document["version"] == order.version:
                found.append(document)
        except (FileNotFoundError, ValueError, KeyError, TypeError):
            continue
    return found
