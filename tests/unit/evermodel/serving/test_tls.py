"""Certificates: taken when they can be used, refused with what to do, swapped for new connections."""

import socket
import ssl
import threading
from datetime import UTC, datetime, timedelta

import pytest

from evermodel.errors import SpecError
from evermodel.serving.tls import TlsContext, read_context, validity
from tests.unit.evermodel.serving.certificates import NOW, write_certificate


def served_name(context: ssl.SSLContext, *, server_name: str | None = None) -> str:
    """The name on the certificate that a client gets."""
    ours, theirs = socket.socketpair()

    def serve() -> None:
        with context.wrap_socket(theirs, server_side=True) as connection:
            connection.recv(1)

    thread = threading.Thread(target=serve)
    thread.start()
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname, client.verify_mode = False, ssl.CERT_NONE
    with client.wrap_socket(ours, server_hostname=server_name) as connection:
        der = connection.getpeercert(binary_form=True)
        connection.send(b"x")
    thread.join(5)
    from cryptography import x509

    assert der is not None
    return str(x509.load_der_x509_certificate(der).subject.rfc4514_string())


def test_a_certificate_that_is_rotated_is_taken_for_new_connections(tmp_path, capfd):
    write_certificate(tmp_path, "old")
    tls = TlsContext(tmp_path)
    assert served_name(tls.context) == "CN=old"
    assert not tls.look()
    # when another one comes, then new connections get it, whether or not they name the server
    write_certificate(tmp_path, "new")
    assert tls.look()
    assert served_name(tls.context) == served_name(tls.context, server_name="a") == "CN=new"
    # when one comes that cannot be used, then that is told, and the one before goes on
    write_certificate(tmp_path, "late", NOW - timedelta(days=9), NOW - timedelta(days=8))
    assert tls.look()
    assert served_name(tls.context) == "CN=new"
    err = capfd.readouterr().err
    assert "new connections get it" in err
    assert "has expired on" in err
    assert "the certificate before it goes on" in err


def test_what_cannot_be_used_is_refused_with_what_to_do(tmp_path):
    good, other = tmp_path / "good", tmp_path / "other"
    write_certificate(good)
    write_certificate(other)

    def refusal(certificate: bytes | None, key: bytes | None, now: datetime = NOW) -> tuple[str, str]:
        directory = tmp_path / "wrong"
        directory.mkdir(exist_ok=True)
        for name, content in (("tls.crt", certificate), ("tls.key", key)):
            (directory / name).unlink(missing_ok=True)
            if content is not None:
                (directory / name).write_bytes(content)
        with pytest.raises(SpecError) as caught:
            read_context(directory, now)
        assert "BEGIN" not in str(caught.value)
        return str(caught.value.reason.value), str(caught.value)

    certificate, key = (good / "tls.crt").read_bytes(), (good / "tls.key").read_bytes()
    another = (other / "tls.key").read_bytes()
    assert "kubectl create secret tls" in refusal(certificate, None)[1]
    assert refusal(None, key)[0] == "CertificateMissing"
    assert "is not the key of tls.crt" in refusal(certificate, another)[1]
    for wrong in ((b"", key), (b"nonsense", key), (certificate, b"nonsense"), (key, key), (certificate[:-200], key)):
        assert refusal(*wrong)[0] == "CertificateInvalid"
    assert refusal(certificate, key, NOW + timedelta(days=2))[0] == "CertificateExpired"
    assert "check this machine's clock" in refusal(certificate, key, NOW - timedelta(days=3))[1]


def test_a_key_with_a_password_is_refused_and_nobody_is_asked(tmp_path):
    from cryptography.hazmat.primitives import serialization

    write_certificate(tmp_path)
    key = serialization.load_pem_private_key((tmp_path / "tls.key").read_bytes(), None)
    secret = serialization.BestAvailableEncryption(b"secret")
    encoded = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, secret)
    (tmp_path / "tls.key").write_bytes(encoded)
    with pytest.raises(SpecError) as caught:
        read_context(tmp_path, NOW)
    assert caught.value.reason == "CertificateInvalid"


@pytest.mark.parametrize(
    "end", [NOW + timedelta(days=30), datetime(2049, 12, 31, tzinfo=UTC), datetime(2060, 1, 1, tzinfo=UTC)]
)
def test_the_time_of_a_certificate_is_read_in_both_of_its_forms(tmp_path, end):
    write_certificate(tmp_path, end=end)
    found = validity(ssl.PEM_cert_to_DER_cert((tmp_path / "tls.crt").read_text()))
    assert (found.begin, found.end) == (NOW - timedelta(days=1), end)


@pytest.mark.parametrize("der", [b"", b"\x30", b"\x30\x84", b"\x30\x03\x02\x01\x01", b"\xff" * 50, b"0" * 200])
def test_bytes_that_are_no_certificate_are_told_apart(der):
    with pytest.raises((ValueError, IndexError)):
        validity(der)
