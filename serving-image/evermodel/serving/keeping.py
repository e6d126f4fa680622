"""The spool of a server's process, with all kinds of streams that may be found in it."""

import socket

from evermodel.artifact.store import write_bytes
from evermodel.serving.feedback import LabelForm
from evermodel.serving.log import process_name
from evermodel.serving.log_form import LogForm
from evermodel.serving.spool.adoption import Forms
from evermodel.serving.spool.place import SpoolOptions, spool_root
from evermodel.serving.spool.spool import Limits, Spool

FORMS: Forms = {LogForm.kind: LogForm.of_document, LabelForm.kind: LabelForm.of_document}


def open_spool(options: SpoolOptions, store: str) -> Spool:
    """The spool of this process for what goes to a store.

    Raises:
        SpecError: `SpoolUnavailable` when its folder cannot be used.
    """
    root, name = spool_root(options.directory, store), process_name(socket.gethostname())
    return Spool(root, name, write_bytes, FORMS, Limits(total_bytes=options.total_bytes))
