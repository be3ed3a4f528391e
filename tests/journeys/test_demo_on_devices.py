"""The demo with an emulated device at its lanes: the same page, scripts and phone."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from support.stacks.stack import Stack, eventually


@pytest.mark.parametrize("barrier", ["vzenith-mqtt", "hikvision-isapi"])
async def test_a_phone_raises_the_arm_of_an_emulated_device(new_stack: Callable[..., Stack], barrier: str) -> None:
    stack = new_stack({"DEMO_BARRIER": barrier})
    await stack.start()
    lane = stack.lane("A1")
    await eventually(lambda: _online(stack))
    await lane.car("arrives")
    await eventually(lambda: _seen(stack, barrier))
    scan = await stack.scan("A1", "demo-driver")
    assert (scan["shown"], scan["text"]) == ("success", "入场成功"), stack.logs()
    await eventually(lambda: _up(stack))
    assert (await lane.state())["screen"]
    assert await stack.stop() == 0


async def test_a_barrier_without_a_demo_is_one_sentence(new_stack: Callable[..., Stack]) -> None:
    stack = new_stack({"DEMO_BARRIER": "drawbridge"})
    with pytest.raises(AssertionError, match="there is no demo on the barrier 'drawbridge'"):
        await stack.start()


async def _online(stack: Stack) -> bool:
    return bool((await stack.lot.get(f"{stack.lot_path}/lanes/A1"))["barrier"]["online"])


async def _seen(stack: Stack, barrier: str) -> bool:
    return barrier == "hikvision-isapi" or bool((await stack.lot.get(f"{stack.lot_path}/lanes/A1"))["occupied"])


async def _up(stack: Stack) -> bool:
    state = await stack.lane("A1").state()
    return bool(state["barrier"] == "open" and state["lifts"] == 1)
