"""What the command refuses before it serves, with which exit code and sentence."""

import pytest

from evermodel import cli
from evermodel.serving.hosting import find_named


@pytest.mark.parametrize(
    ("content", "part"),
    [("{", "is wrong at its root"), ("{}", "is wrong at namespace"), (None, "cannot be read: No such file")],
)
def test_a_wrong_order_ends_with_4_and_the_sentence_where_kubernetes_looks(tmp_path, capsys, content, part):
    # given an order that cannot be followed
    order, message = tmp_path / "order.json", tmp_path / "message"
    if content is not None:
        order.write_text(content)
    # when a pod is to follow it
    code = cli.main(["serve", "--order", str(order), "--termination-log", str(message)])
    # then it is told what is wrong, once for people and once for Kubernetes
    err = capsys.readouterr().err
    assert code == 4
    assert part in err
    assert err == f"evermodel serve: {message.read_text()}\n"


def test_a_message_that_cannot_be_left_changes_nothing_else(tmp_path, capsys):
    code = cli.main(["serve", "--order", str(tmp_path / "none"), "--termination-log", str(tmp_path / "no" / "message")])
    assert code == 4
    assert "cannot be written" in capsys.readouterr().err


def test_a_version_that_is_not_there_names_those_that_are(line, capsys):
    code = cli.main(["serve", "line-77", "--store", str(line.store), "--port", "0"])
    err = capsys.readouterr().err
    assert code == 3
    assert "line-77" in err
    assert "line-1" in err


@pytest.mark.parametrize("arguments", [[], ["line-1", "--order", "order.json"]])
def test_either_versions_or_an_order(arguments, capsys):
    assert cli.main(["serve", *arguments]) == 4
    assert "say what to serve" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("wanted", "model", "version"),
    [
        ("line-1", "line", "line-1"),
        ("line", "line", "line-1"),
        ("other-7={}", "other", "other-7"),
        ("lines={}", "lines", "lines"),
    ],
)
def test_a_model_has_the_name_of_its_version_without_the_number(line, wanted, model, version):
    found = find_named(str(line.store), wanted.format(line.artifact.uri))
    assert found == (model, version, line.artifact.uri, line.artifact.digest)
