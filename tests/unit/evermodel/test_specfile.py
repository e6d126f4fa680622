"""Reading an object from the file that Kubernetes takes."""

from pathlib import Path

import pytest

from evermodel.errors import SpecError
from evermodel.monitoring.spec import broken_rules as broken_monitor_rules
from evermodel.monitoring.spec import read_monitor
from evermodel.specfile import read_object, read_spec
from evermodel.training.rules import broken_rules
from evermodel_api.kinds import KINDS
from evermodel_api.monitor import MonitorSpec
from evermodel_api.training import TrainingSpec
from tests.cases import CASES
from tests.unit.evermodel.bench import manifest_of, spec_of

RIGHT = manifest_of(spec_of("rows.csv"), "heart")
READ_HERE = {"ModelTraining": (TrainingSpec, broken_rules), "DriftMonitor": (MonitorSpec, broken_monitor_rules)}
SPEC_CASES = [
    case
    for case in CASES
    if case.after["kind"] in READ_HERE and not case.update and case.before["spec"] != case.after["spec"]
]


def read(tmp_path, text):
    path = tmp_path / "training.yaml"
    path.write_text(text)
    return read_object(str(path), "ModelTraining", TrainingSpec, broken_rules)


@pytest.mark.parametrize("case", SPEC_CASES, ids=lambda case: case.name)
def test_a_spec_is_judged_as_the_api_server_judges_it(case):
    # given what the API server accepts or refuses
    schema, rules = READ_HERE[case.after["kind"]]
    # when it is read without a cluster
    if case.accepted:
        read_spec("here", case.after["spec"], schema, rules)
        return
    with pytest.raises(SpecError) as error:
        read_spec("here", case.after["spec"], schema, rules)
    # then it is refused too, a broken rule in the same words
    assert error.value.reason == "InvalidSpec"
    assert "\n" not in str(error.value)
    if case.by == "rule" and not case.message.startswith(("unknown name", "a name must have")):
        assert case.message in str(error.value)


def test_every_rule_of_both_kinds_has_a_case_that_breaks_it():
    def rules(schema, seen):
        if schema in seen or not hasattr(schema, "model_fields"):
            return
        seen.add(schema)
        yield from schema.cel
        for field in schema.model_fields.values():
            stack = [field.annotation]
            while stack:
                one = stack.pop()
                stack.extend(getattr(one, "__args__", ()))
                yield from rules(one, seen)

    refused = {case.message for case in SPEC_CASES if not case.accepted}
    specs = [kind.spec for kind in KINDS if kind.name in READ_HERE]
    assert len(specs) == 2
    missing = [rule.message for spec in specs for rule in rules(spec, set()) if rule.message not in refused]
    assert missing == []


def test_the_one_training_of_a_file_with_more_is_taken(tmp_path):
    name, spec = read(tmp_path, f"kind: DriftMonitor\n---\n{RIGHT}---\n# nothing\n")
    assert (name, spec.target) == ("heart", "y")


def test_a_name_with_an_underscore_is_one_without_a_cluster(tmp_path):
    name, _ = read(tmp_path, RIGHT.replace("name: heart", "name: kneighbors_heart"))
    assert name == "kneighbors_heart"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: [", "is no YAML"),
        ("kind: DriftMonitor", "must hold one ModelTraining and holds DriftMonitor"),
        (f"{RIGHT}---\n{RIGHT}", "must hold one ModelTraining"),
        ("", "holds nothing"),
        ("just text", "holds nothing"),
        (RIGHT.replace("v1alpha1", "v1"), "write apiVersion: evermodel.dev/v1alpha1"),
        (RIGHT.replace("name: heart", "nome: heart"), "has no name"),
        (RIGHT.replace("name: heart", "name: 7"), "has no name"),
        (RIGHT.replace("name: heart", "name: my heart"), "'my heart' cannot be the name of a ModelTraining"),
        (RIGHT.replace("name: heart", "name: ../heart"), "'../heart' cannot be the name of a ModelTraining"),
        (RIGHT.replace("name: heart", f"name: {'h' * 64}"), "at most 63"),
        (
            RIGHT.replace("LinearRegression", "Oracle"),
            "spec.algorithms.0.estimator: Value error, 'Oracle' is no estimator",
        ),
        (RIGHT.replace("LinearRegression", "SVC"), "algorithms must fit the task"),
        (RIGHT.replace("target: y", "traget: y"), "spec.target: Field required"),
        (RIGHT.replace("target: y", "target: y\n  seed: 3"), "spec.seed: there is no such field"),
        (RIGHT.replace("target: y", "target: 7"), "(got '7')"),
    ],
)
def test_a_wrong_file_is_told_in_one_sentence(tmp_path, text, said):
    with pytest.raises(SpecError) as error:
        read(tmp_path, text)
    assert said in str(error.value)
    assert error.value.reason == "InvalidSpec"
    assert "\n" not in str(error.value)


def test_a_file_that_is_not_there_or_not_text_is_told(tmp_path):
    with pytest.raises(SpecError, match="cannot be read"):
        read_object(str(tmp_path / "nowhere.yaml"), "ModelTraining", TrainingSpec, broken_rules)
    (tmp_path / "bytes.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SpecError, match=r"cannot be read|is no YAML"):
        read_object(str(tmp_path / "bytes.yaml"), "ModelTraining", TrainingSpec, broken_rules)


def test_a_field_called_on_is_a_field_and_not_true(tmp_path: Path):
    # given a monitor whose field `on` is written without quotes, which YAML 1.1 would read as true
    file = tmp_path / "monitor.yaml"
    file.write_text(
        "apiVersion: evermodel.dev/v1alpha1\nkind: DriftMonitor\nmetadata: {name: heart}\nspec:\n"
        "  deploymentRef: {name: heart}\n  drift: {}\n"
        "  actions: {retrain: {trainingRef: {name: heart}, on: [Drift]}}\n"
    )
    _, spec = read_monitor(str(file))
    assert spec.actions.retrain.on == ["Drift"]
