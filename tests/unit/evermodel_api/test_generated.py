"""What is generated is what its source says."""

from hack import generate


def test_the_definitions_are_those_of_the_types():
    assert generate.differing(generate.definitions()) == [], "run make generate"


def test_the_documented_conditions_are_those_of_the_code():
    assert generate.differing(generate.conditions()) == [], "run make generate"


def test_a_file_that_was_edited_by_hand_is_found(tmp_path):
    # given the files as they should be, but one
    files = generate.conditions()
    (path,) = files
    (tmp_path / path).parent.mkdir(parents=True)
    (tmp_path / path).write_text(files[path])
    assert generate.differing(files, tmp_path) == []
    # when somebody edits it
    (tmp_path / path).write_text(files[path] + "one more\n")
    # then it is named
    assert generate.differing(files, tmp_path) == [path]
