"""The end in its steps: first not ready, then answering on, then no new connections, then nobody left."""

import asyncio
import signal

import pytest

from evermodel.serving.drain import drain
from evermodel.serving.registry import Registry, State
from evermodel.serving.signals import StopSignals

pytestmark = pytest.mark.looptime


class Listener:
    """A server of which the test says when the last client leaves."""

    def __init__(self, leaves_after: float):
        self.leaves_after = leaves_after
        self.stopped_at: float | None = None

    async def stop_listening(self):
        self.stopped_at = asyncio.get_running_loop().time()

    @property
    def open_connections(self):
        return int(asyncio.get_running_loop().time() < self.stopped_at + self.leaves_after)


async def run_drain(signals: StopSignals, seconds: float, leaves_after: float = 0.0):
    loop = asyncio.get_running_loop()
    registry, listener = Registry(), Listener(leaves_after)
    started = loop.time()
    ending = asyncio.ensure_future(drain(registry, signals, seconds, listener))
    await asyncio.sleep(0)
    assert registry.state is State.DRAINING  # at once, before anything is waited for
    await ending
    return listener.stopped_at - started, loop.time() - started


async def test_it_answers_on_for_the_drain_time():
    stopped, ended = await run_drain(StopSignals(), 5.0)
    assert stopped == pytest.approx(5.0)
    assert ended == pytest.approx(5.0)


async def test_those_who_had_just_connected_are_waited_for():
    stopped, ended = await run_drain(StopSignals(), 5.0, leaves_after=0.3)
    assert stopped == pytest.approx(5.0)
    assert ended == pytest.approx(5.3, abs=0.02)


async def test_clients_that_never_leave_are_not():
    _, ended = await run_drain(StopSignals(), 5.0, leaves_after=1e9)
    assert ended == pytest.approx(6.0, abs=0.02)


async def test_a_second_signal_cuts_the_wait_short():
    signals = StopSignals()
    signals.on_terminate()
    asyncio.get_running_loop().call_later(2.0, signals.on_terminate)
    stopped, ended = await run_drain(signals, 60.0, leaves_after=1e9)
    assert stopped == ended == pytest.approx(2.0)


async def test_ctrl_c_does_not_wait():
    signals = StopSignals()
    signals.on_interrupt()
    assert signals.stop.is_set()
    stopped, ended = await run_drain(signals, 60.0, leaves_after=1e9)
    assert stopped == ended == pytest.approx(0.0)


async def test_the_signals_are_listened_to():
    # given installed handlers
    signals = StopSignals()
    loop = asyncio.get_running_loop()
    signals.install(loop)
    try:
        # when the process is asked to end
        signal.raise_signal(signal.SIGTERM)
        await asyncio.wait_for(signals.stop.wait(), 5)
    finally:
        loop.remove_signal_handler(signal.SIGTERM)
        loop.remove_signal_handler(signal.SIGINT)
    # then it drains, without hurry
    assert not signals.hurry.is_set()
