import io

import pytest

from hack.demo.narrate import Narrator


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize(
    ("stream", "environment", "coloured"),
    [(Terminal, {}, True), (Terminal, {"NO_COLOR": "1"}, False), (io.StringIO, {}, False)],
)
def test_colours_only_on_a_terminal_that_wants_them(stream, environment, coloured):
    out = stream()
    Narrator(out, lambda: 0.0, environment).check(True, "a check", "fine")
    assert ("\x1b[3" in out.getvalue()) == coloured


def test_what_is_waited_for_is_one_moving_line_on_a_terminal_and_nothing_elsewhere():
    terminal, file = Terminal(), io.StringIO()
    for out in (terminal, file):
        Narrator(out, lambda: 0.0, {"NO_COLOR": "1"}).waiting("the first run")
    assert "\n" not in terminal.getvalue()
    assert file.getvalue() == ""


def test_a_check_says_pass_or_miss():
    out = io.StringIO()
    narrator = Narrator(out, lambda: 0.0, {})
    narrator.check(True, "a", "x")
    narrator.check(False, "b", "y")
    assert out.getvalue().splitlines() == ["  PASS  a: x", "  MISS  b: y"]
