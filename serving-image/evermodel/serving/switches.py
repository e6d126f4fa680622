"""What guards and watches a server's requests, as flags, an order and the environment say.

Each process makes its own hooks from it.
"""

import os
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from evermodel.errors import RunError, SpecError
from evermodel.serving.hooks import Hooks
from evermodel.serving.limits import STANDARD, Limits
from evermodel_api.runs import ServingOrder

PATIENCE_SECONDS = 20.0
"""How long a pod waits for keys and a certificate; then it ends, with the reason as its message, and comes again."""
PAUSE_SECONDS = 1.0


@dataclass(frozen=True)
class Switches:
    """What is switched on."""

    keys: Path | None = None
    """Directory of the API keys."""
    tls: Path | None = None
    """Directory of the certificate and its key."""
    access_log: bool = False
    limits: Limits = STANDARD

    @classmethod
    def of_order(cls, order: ServingOrder) -> "Switches":
        """What the order of a pod says."""
        return cls(
            keys=Path(order.keys) if order.keys else None,
            tls=Path(order.tls) if order.tls else None,
            access_log=bool(order.access_log),
            limits=Limits(order.max_body_bytes or STANDARD.body_bytes, order.max_rows or STANDARD.rows),
        )

    @property
    def scheme(self) -> str:
        """What URLs of the server begin with."""
        return "http" if self.tls is None else "https"

    def check(self) -> None:
        """See whether keys and certificate can be used.

        Raises:
            SpecError: `KeysMissing`, `KeyInvalid`, `CertificateMissing`, `CertificateInvalid`, `CertificateExpired`,
                `TracingInvalid`.
        """
        from evermodel.serving.tracing import is_wanted  # noqa: PLC0415  what is off is not imported

        is_wanted(os.environ)
        if self.keys is not None:
            from evermodel.serving.auth import Keys  # noqa: PLC0415

            Keys(self.keys)
        if self.tls is not None:
            from evermodel.serving.tls import TlsContext  # noqa: PLC0415

            TlsContext(self.tls)


NOTHING_ON = Switches()


def wait_until_usable(
    switches: Switches, seconds: float = PATIENCE_SECONDS, sleep: Callable[[float], None] = time.sleep
) -> None:
    """Wait until keys and certificate can be used: in a pod they come from Secrets, which may be made later.

    Raises:
        RunError: they cannot, for so long, with the reasons of `Switches.check`. Not a `SpecError`: the pod is started
            again, and the version is not to blame.
    """
    waited = 0.0
    while True:
        try:
            switches.check()
        except SpecError as error:
            if waited >= seconds:
                raise RunError(error.reason, str(error)) from error
        else:
            return
        sleep(PAUSE_SECONDS)
        waited += PAUSE_SECONDS


def make_hooks(switches: Switches) -> Hooks:
    """Begin what is switched on; `Hooks.close` ends it.

    Raises:
        SpecError: as `Switches.check`.
    """
    from evermodel.serving.tracing import tracer  # noqa: PLC0415  light where it is off

    keys = tls = access_log = None
    ending = ExitStack()
    if switches.keys is not None:
        from evermodel.serving.auth import Keys  # noqa: PLC0415  see `check`

        keys = Keys(switches.keys)
    if switches.tls is not None:
        from evermodel.serving.tls import TlsContext  # noqa: PLC0415

        tls = TlsContext(switches.tls)
    if keys or tls:
        from evermodel.serving.watch import Watch  # noqa: PLC0415

        ending.callback(Watch([watched for watched in (keys, tls) if watched is not None]).close)
    if switches.access_log:
        from evermodel.serving.access_log import AccessLog  # noqa: PLC0415

        access_log = AccessLog(key_of=keys.find if keys else None)
        ending.callback(access_log.close)
    traces = tracer(os.environ, switches.scheme)
    if traces is not None:
        ending.callback(traces.close)
    return Hooks(
        keys=keys,
        access_log=access_log,
        tracer=traces,
        tls=(lambda: tls.context) if tls is not None else None,
        certificate=(lambda: tls.pair) if tls is not None else None,
        limits=switches.limits,
        close=ending.close,
    )
