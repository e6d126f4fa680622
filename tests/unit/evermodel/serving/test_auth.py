"""Who may ask: keys of a directory, that come and go while the server runs."""

import os

import pytest

from evermodel.errors import SpecError
from evermodel.serving import auth
from evermodel.serving.auth import LONGEST, SHORTEST, Keys, given_key, parse_key, read_keys

WARD, LAB = b"ward-key-0123456789abcdef", b"lab-key-0123456789abcdefgh"


@pytest.fixture
def directory(tmp_path):
    (tmp_path / "ward").write_bytes(WARD + b"\n")
    (tmp_path / "lab").write_bytes(LAB)
    return tmp_path


def bearer(key: bytes) -> dict[bytes, bytes]:
    return {b"authorization": b"Bearer " + key}


def test_a_key_is_known_in_either_header_and_named_by_its_file(directory):
    keys = Keys(directory)
    assert keys.find(bearer(WARD)) == keys.find({b"x-api-key": WARD}) == "ward"
    assert keys.find({b"authorization": b"bearer   " + LAB + b" "}) == "lab"
    assert keys.refuse(bearer(LAB)) is None
    for wrong in (WARD[:-1], WARD + b"x", WARD.upper(), b"", b"\xff" * 30):
        assert keys.find(bearer(wrong)) is keys.find({b"x-api-key": wrong}) is None


def test_who_may_not_ask_is_told_how_and_never_what_the_keys_are(directory):
    keys = Keys(directory)
    missing, wrong = keys.refuse({}), keys.refuse(bearer(b"something else"))
    assert missing.status == wrong.status == 401
    assert "an API key is needed" in str(missing)
    assert "not one that is known" in str(wrong)
    assert dict(missing.headers)[b"www-authenticate"] == b'Bearer realm="evermodel"'
    assert b"invalid_token" in dict(wrong.headers)[b"www-authenticate"]
    for told in (str(missing), str(wrong), repr(keys.names)):
        assert "0123456789" not in told
        assert "something else" not in told


@pytest.mark.parametrize(
    "headers", [{b"authorization": b"Basic " + WARD}, {b"authorization": WARD}, {b"authorization": b""}, {}]
)
def test_other_kinds_of_authorization_are_no_key(directory, headers):
    assert given_key(headers) is None
    assert given_key(headers | {b"x-api-key": WARD}) == WARD


def test_every_key_is_compared_whichever_it_is(directory, monkeypatch):
    # given a count of comparisons, each of which takes the same time for all digests of one length
    compared = []
    monkeypatch.setattr(auth, "compare_digest", lambda a, b: compared.append((len(a), len(b))) or a == b)
    keys = Keys(directory)
    for key in (LAB, WARD, b"neither of them"):
        keys.find(bearer(key))
    # then all keys are compared each time, by digests of one length
    assert compared == [(32, 32)] * 6


def test_keys_that_cannot_be_sent_or_are_guessed_are_refused(tmp_path):
    for wrong in (
        b"",
        b" \n",
        b"short",
        b"x" * (SHORTEST - 1),
        b"with a space in it",
        b"\xc3\xa9" * 20,
        b"x" * (LONGEST + 1),
    ):
        with pytest.raises(SpecError, match="API key mine ") as caught:
            parse_key("mine", wrong)
        assert caught.value.reason == "KeyInvalid"
    assert parse_key("mine", b"  " + b"x" * SHORTEST + b"\r\n") == b"x" * SHORTEST


def test_a_directory_without_keys_is_refused(tmp_path):
    for path in (tmp_path, tmp_path / "none"):
        with pytest.raises(SpecError, match="put one file for each key there") as caught:
            Keys(path)
        assert caught.value.reason == "KeysMissing"
    (tmp_path / "mine").write_bytes(b"short")
    with pytest.raises(SpecError, match="API key mine has 5 characters"):
        Keys(tmp_path)


def test_keys_come_and_go_while_the_server_runs(directory, capfd):
    keys = Keys(directory)
    assert not keys.look()
    # when one is changed and one goes
    (directory / "ward").write_bytes(b"another-ward-key-0123456789")
    (directory / "lab").unlink()
    assert keys.look()
    # then the old ones count no more
    assert [keys.find(bearer(key)) for key in (WARD, LAB, b"another-ward-key-0123456789")] == [None, None, "ward"]
    # when a file comes that is no key, then it is told, and the others go on
    (directory / "new").write_bytes(b"short")
    assert keys.look()
    assert keys.names == ["ward"]
    # when the last one goes, then nobody may ask
    (directory / "ward").unlink()
    (directory / "new").unlink()
    assert keys.look()
    assert keys.refuse(bearer(WARD)) is not None
    err = capfd.readouterr().err
    assert "known are now ward" in err
    assert "API key new has 5 characters" in err
    assert "every request is refused" in err
    assert "another-ward-key" not in err


def test_a_secret_is_swapped_as_kubernetes_does(tmp_path):
    # given a mounted Secret: links to a folder that is a link itself
    for name, key in (("..1", WARD), ("..2", LAB)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "ward").write_bytes(key)
    (tmp_path / "..data").symlink_to("..1")
    (tmp_path / "ward").symlink_to("..data/ward")
    keys = Keys(tmp_path)
    assert keys.names == ["ward"]
    # when it is swapped
    (tmp_path / "..new").symlink_to("..2")
    os.replace(tmp_path / "..new", tmp_path / "..data")  # noqa: PTH105
    # then the new key counts, and is the only one
    assert keys.look()
    assert (keys.find(bearer(LAB)), keys.find(bearer(WARD))) == ("ward", None)


def test_what_cannot_be_read_is_told_by_its_name(tmp_path):
    (tmp_path / "good").write_bytes(WARD)
    (tmp_path / "large").write_bytes(b"x" * 10**6)
    known, faults = read_keys(tmp_path)
    assert [name for _, name in known] == ["good"]
    assert [fault.reason.value for fault in faults] == ["KeyInvalid"]
