"""Numbers that processes count together: each in its own part, none lost, none that go back."""

import os
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evermodel.serving.counters import (
    CODES,
    CONNECTIONS,
    DURATION_PLACES,
    IN_FLIGHT,
    PID,
    ROUTES,
    SECONDS,
    Counters,
    Layout,
    make_file,
)

NAMES = [("heart", "heart-1"), ("heart", "heart-2"), ("line", "line-1")]
LAYOUT = Layout.of(NAMES, 2)


def test_no_two_numbers_have_the_same_place():
    places = [
        *range(8),
        *(LAYOUT.request(v, r, c) for v in LAYOUT.named for r in ROUTES for c in CODES),
        *(LAYOUT.duration(v, r) + n for v in LAYOUT.named for r in ROUTES for n in range(DURATION_PLACES)),
        *(LAYOUT.rows + n for n in range(len(LAYOUT.named))),
    ]
    assert len(places) == len(set(places)) == LAYOUT.logs
    assert max(places) < LAYOUT.logs < LAYOUT.labels < LAYOUT.places
    assert LAYOUT.versions == ("heart-1", "heart-2", "line-1")
    assert LAYOUT.models == ("heart", "line")


@given(
    st.lists(
        st.tuples(
            st.sampled_from(ROUTES),
            st.sampled_from(CODES),
            st.sampled_from(LAYOUT.named),
            st.floats(0, 20),
            st.integers(0, 9),
            st.integers(0, 1),
        ),
        max_size=30,
    )
)
def test_what_two_processes_count_adds_up(requests):
    # given two processes that share a file
    file = make_file(LAYOUT)
    try:
        processes = [Counters(LAYOUT, number, file) for number in range(2)]
        # when each counts its requests
        for route, code, version, seconds, rows, process in requests:
            processes[process].observe(route, code, version, seconds, rows)
        # then each of them sees the sum
        total = processes[0].total()
        assert total == processes[1].total()
        for route, code, version, *_ in requests:
            same = [r for r in requests if r[:3] == (route, code, version)]
            assert total[LAYOUT.request(version, route, code)] == len(same)
        for version in LAYOUT.named:
            mine = [r for r in requests if r[2] == version]
            assert total[LAYOUT.rows + LAYOUT.named.index(version)] == sum(r[4] for r in mine)
            for route in ROUTES:
                first = LAYOUT.duration(version, route)
                seconds = [r[3] for r in mine if r[0] == route]
                assert total[first + DURATION_PLACES - 1] == pytest.approx(sum(seconds))
                expected = [
                    sum(low < s <= high for s in seconds)
                    for low, high in zip((-1, *SECONDS[:-1]), SECONDS, strict=True)
                ]
                assert total[first : first + len(SECONDS)] == expected
                assert total[first + len(SECONDS)] == sum(s > SECONDS[-1] for s in seconds)
    finally:
        os.close(file)


def test_a_process_goes_on_where_its_predecessor_was_killed():
    # given a process that counted and was killed with a request under way
    file = make_file(LAYOUT)
    script = (
        "import os, signal, sys; from evermodel.serving.counters import *;"
        f"c = Counters(Layout.of({NAMES!r}, 2), 1, {file}); c.begin(1.0);"
        "c.observe('infer', 200, 'line-1', 0.1, 3); c.add(IN_FLIGHT, 1); c.set(CONNECTIONS, 5);"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    assert subprocess.run([sys.executable, "-c", script], pass_fds=[file], check=False).returncode == -9
    # when another one takes its place
    again = Counters(LAYOUT, 1, file)
    assert again.get(IN_FLIGHT) == 1
    again.begin(2.0)
    again.observe("infer", 200, "line-1", 0.1, 1)
    # then the counters go on, and what was under way is forgotten
    assert Counters(LAYOUT, 0, file).total()[LAYOUT.request("line-1", "infer", 200)] == 2
    assert (again.get(IN_FLIGHT), again.get(CONNECTIONS)) == (0, 0)
    assert again.all_of(PID) == [0, os.getpid()]
    os.close(file)
