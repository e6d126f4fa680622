"""TLS with the certificate of a directory (`tls.crt`, `tls.key`, as a Secret of type kubernetes.io/tls has them).

A certificate that is rotated is taken for new connections, without a restart. One that cannot be used, when it comes
while the server runs, is told on standard error, and the one before goes on.
"""

import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from evermodel.errors import SpecError
from evermodel.serving.watch import Watched, say

CERTIFICATE = "tls.crt"
KEY = "tls.key"
_PEM_END = "-----END CERTIFICATE-----"


class TlsContext(Watched):
    """The context of all connections. Each handshake takes the certificate that is there when it begins."""

    def __init__(self, directory: Path) -> None:
        """Read the certificate.

        Raises:
            SpecError: `CertificateMissing`, `CertificateInvalid`, `CertificateExpired`.
        """
        super().__init__(directory)
        self._current = read_context(directory, datetime.now(UTC))
        self.context = read_context(directory, datetime.now(UTC))
        self.context.sni_callback = self._choose
        self.pair = _read_pair(directory)
        """Certificate and key as PEM: those that were last found to be usable."""

    def _choose(self, connection: ssl.SSLObject | ssl.SSLSocket, _name: str | None, _context: ssl.SSLContext) -> None:
        """Called at the beginning of each handshake, whether or not the client names the server."""
        connection.context = self._current

    def reload(self) -> None:
        """Take the certificate as it is now."""
        try:
            self._current = read_context(self.directory, datetime.now(UTC))
            self.pair = _read_pair(self.directory)
        except SpecError as error:
            say(f"{error}; the certificate before it goes on")
        else:
            say(f"the certificate in {self.directory} has changed; new connections get it")


def _read_pair(directory: Path) -> tuple[bytes, bytes]:
    try:
        return (directory / CERTIFICATE).read_bytes(), (directory / KEY).read_bytes()
    except OSError as error:
        raise SpecError("CertificateInvalid", f"{error.filename} cannot be read: {error.strerror}") from error


def read_context(directory: Path, now: datetime) -> ssl.SSLContext:
    """A context with the certificate of a directory.

    Raises:
        SpecError: `CertificateMissing`, `CertificateInvalid`, `CertificateExpired`.
    """
    certificate, key = directory / CERTIFICATE, directory / KEY
    for file in (certificate, key):
        if not file.is_file():
            text = f"{file} is not there; put {CERTIFICATE} and {KEY} there, or run kubectl create secret tls"
            raise SpecError("CertificateMissing", text)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    try:
        # A key with a password would be asked for on the terminal: this says that there is none.
        context.load_cert_chain(certificate, key, password=lambda: b"")
    except (ssl.SSLError, OSError, ValueError) as error:
        raise SpecError("CertificateInvalid", _why_invalid(directory, error)) from error
    _check_time(certificate, now)
    return context


def _why_invalid(directory: Path, error: Exception) -> str:
    reason = getattr(error, "reason", None)
    if reason == "KEY_VALUES_MISMATCH":
        return f"{KEY} in {directory} is not the key of {CERTIFICATE}; put both of one certificate there"
    detail = str(reason or getattr(error, "strerror", None) or error).lower().replace("_", " ")
    return f"{CERTIFICATE} and {KEY} in {directory} cannot be used ({detail}); they are a PEM certificate and its key"


def _check_time(file: Path, now: datetime) -> None:
    try:
        text = file.read_text("ascii")
        first = text[text.index("-----BEGIN CERTIFICATE-----") : text.index(_PEM_END) + len(_PEM_END)]
        valid = validity(ssl.PEM_cert_to_DER_cert(first))
    except (ValueError, IndexError, OSError) as error:
        raise SpecError("CertificateInvalid", f"{file} cannot be read as a certificate: {error}") from error
    if now >= valid.end:
        raise SpecError("CertificateExpired", f"{file} has expired on {valid.end:%Y-%m-%d %H:%M} UTC; renew it")
    if now < valid.begin:
        text = f"{file} is valid from {valid.begin:%Y-%m-%d %H:%M} UTC only; check this machine's clock, or wait"
        raise SpecError("CertificateExpired", text)


@dataclass(frozen=True)
class Validity:
    """Between which moments a certificate counts."""

    begin: datetime
    end: datetime


def validity(der: bytes) -> Validity:
    """The validity of a certificate in DER (RFC 5280, 4.1).

    Raises:
        ValueError, IndexError: it is no certificate.
    """
    signed = _first(_first(der))
    fields = [(tag, content) for tag, content in _elements(signed) if tag != _VERSION]
    begin, end = (_moment(tag, content) for tag, content in _elements(fields[3][1]))  # after number, algorithm, issuer
    return Validity(begin, end)


_VERSION = 0xA0
_UTC_TIME = 0x17


def _first(content: bytes) -> bytes:
    for _, inner in _elements(content):
        return inner
    raise ValueError("it is no certificate")


def _elements(content: bytes) -> Iterator[tuple[int, bytes]]:
    """Tag and content of each element, one after the other."""
    place = 0
    while place < len(content):
        tag, size = content[place], content[place + 1]
        place += 2
        if size & 0x80:
            width = size & 0x7F
            size = int.from_bytes(content[place : place + width], "big")
            place += width
        yield tag, content[place : place + size]
        place += size


def _moment(tag: int, content: bytes) -> datetime:
    text = content.decode("ascii")
    if tag == _UTC_TIME:  # two digits of the year: 50 to 99 are of the twentieth century
        text = ("19" if text[:2] >= "50" else "20") + text
    return datetime.strptime(text, "%Y%m%d%H%M%SZ").replace(tzinfo=UTC)
