"""Reading the DriftMonitor that Kubernetes takes."""

import pytest

from evermodel.errors import SpecError
from evermodel.monitoring.spec import read_monitor

HEAD = "apiVersion: evermodel.dev/v1alpha1\nkind: DriftMonitor\nmetadata: {name: heart}\n"
RIGHT = HEAD + "spec: {deploymentRef: {name: heart}, drift: {}}\n"


def read(tmp_path, text):
    path = tmp_path / "monitor.yaml"
    path.write_text(text)
    return read_monitor(str(path))


def test_the_one_monitor_of_a_file_with_more_is_taken(tmp_path):
    name, spec = read(tmp_path, f"kind: ModelTraining\n---\n{RIGHT}---\n# nothing\n")
    assert (name, spec.deployment_ref.name, spec.window.min_rows) == ("heart", "heart", 200)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: [", "is no YAML"),
        ("kind: ModelTraining", "must hold one DriftMonitor and holds ModelTraining"),
        (f"{RIGHT}---\n{RIGHT}", "must hold one DriftMonitor"),
        (RIGHT.replace("v1alpha1", "v1"), "write apiVersion: evermodel.dev/v1alpha1"),
        (RIGHT.replace("{name: heart}\n", "{}\n", 1), "has no name"),
        (HEAD, "spec.deploymentRef: Field required"),
        (HEAD + "spec: {deploymentRef: {name: heart}}", "a monitor needs something to watch"),
        (HEAD + "spec: {deploymentRef: {name: heart}, drfit: {}}", "spec.drfit: there is no such field"),
        (
            HEAD + "spec: {deploymentRef: {name: heart}, drift: {alpha: 2}}",
            "spec.drift.alpha: Input should be less than 1",
        ),
        (HEAD + "spec: {deploymentRef: {name: heart}, drift: {}, schedule: {every: 1s}}", "at least 5s"),
        (
            HEAD + "spec: {deploymentRef: {name: heart}, drift: {}, schedule: {every: soon}}",
            "spec.schedule.every: Value error, 'soon' is not a duration",
        ),
        (HEAD + "spec: {deploymentRef: {name: heart}, drift: {}, window: {maxRows: 50}}", "must not be larger"),
        (
            HEAD + "spec: {deploymentRef: {name: heart}, drift: {}, decide: {fire: {of: 3, in: 2}}}",
            "must not be larger",
        ),
        (
            HEAD + "spec: {deploymentRef: {name: heart}, performance: {metrics: [{name: f1}]}}",
            "give a metric min, max or maxDrop",
        ),
        ("- just\n- a list\n", "holds nothing"),
    ],
)
def test_a_wrong_file_is_told_in_one_sentence(tmp_path, text, said):
    with pytest.raises(SpecError) as error:
        read(tmp_path, text)
    assert said in str(error.value)
    assert error.value.reason == "InvalidSpec"
    assert "\n" not in str(error.value)


def test_a_file_that_is_not_there_is_told(tmp_path):
    with pytest.raises(SpecError, match="cannot be read"):
        read_monitor(str(tmp_path / "nowhere.yaml"))
