"""What is switched on, from flags and orders."""

import pytest

from evermodel.errors import RunError, SpecError
from evermodel.serving.limits import STANDARD, Limits
from evermodel.serving.switches import Switches, make_hooks, wait_until_usable
from tests.unit.evermodel.serving.certificates import write_certificate

KEY = b"ward-key-0123456789abcdef"


def test_nothing_is_on_by_itself(monkeypatch):
    monkeypatch.delenv("OTEL_EXPORTER_OTLP_ENDPOINT", raising=False)
    hooks = make_hooks(Switches())
    assert (hooks.keys, hooks.access_log, hooks.tracer, hooks.tls, hooks.limits) == (None, None, None, None, STANDARD)
    hooks.close()


def test_what_is_on_is_begun_and_ended(tmp_path):
    keys, tls = tmp_path / "keys", tmp_path / "tls"
    keys.mkdir()
    (keys / "ward").write_bytes(KEY)
    write_certificate(tls)
    switches = Switches(keys, tls, access_log=True, limits=Limits(1000, 5))
    assert switches.scheme == "https"
    hooks = make_hooks(switches)
    assert hooks.keys.find({b"x-api-key": KEY}) == "ward"
    assert hooks.tls() is hooks.tls()
    assert hooks.limits.rows == 5
    hooks.close()


def test_a_pod_waits_for_its_secrets_and_then_says_what_is_missing(tmp_path):
    # given a pod whose Secret is not there yet
    slept = []

    def make_later(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) == 3:
            (tmp_path / "ward").write_bytes(KEY)

    # when it comes after three seconds, then the pod goes on
    wait_until_usable(Switches(keys=tmp_path), 20, make_later)
    assert len(slept) == 3
    # when it never comes, then the pod ends with the reason, and it is no fault of the version
    with pytest.raises(RunError) as caught:
        wait_until_usable(Switches(tls=tmp_path / "none"), 5, lambda _: None)
    assert caught.value.reason == "CertificateMissing"
    assert not isinstance(caught.value, SpecError)
