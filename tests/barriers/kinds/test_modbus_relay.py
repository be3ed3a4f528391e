"""Modbus relays: our emulated board that knows the pulse, and a server of a Modbus library that does not."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest
from aiohttp import web
from pymodbus.datastore import ModbusDeviceContext, ModbusSequentialDataBlock, ModbusServerContext
from pymodbus.server import ModbusTcpServer

from support.beside import beside
from support.clock import PATIENCE
from support.servers.ports import free_port
from support.stacks.barrier_bench import LANE, Bench, HandClock, bench
from support.stacks.simulated_lanes import Heard
from taigan.barriers.barrier import Barrier, EventKind, LaneKey, Outcome, Position
from taigan.barriers.drivers import BadSettings, Fleet, read_settings
from taigan.barriers.site import TICK, Site
from taigan.barriers.wires.modbus import ModbusLine
from taigan.clock import SystemClock
from taigan.devices.electronics.device import Fault
from taigan.devices.lanes.journal import Journal
from taigan.devices.lanes.lane import LaneRecord
from taigan.devices.lanes.lanes import LanesSettings
from taigan.devices.makes.relay import RelayBoard
from taigan.devices.workbench import DeviceLane, Workbench, WorkbenchSettings


def settings(**others: Any) -> dict[str, Any]:
    return {
        "driver": "modbus-relay",
        "host": "127.0.0.1",
        "port": free_port(),
        "pulse_ms": 100,
        "loop_input": 0,
        "up_input": 2,
        "down_input": 3,
        "read_every": 0.05,
        **others,
    }


@pytest.fixture(params=["timed", "hardware"])
async def lane(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Bench]:
    async with bench(tmp_path, settings(pulse=request.param)) as running:
        await running.heard.until(EventKind.DOWN)
        yield running


async def test_a_pulse_is_on_and_then_off_and_the_arm_rises_once(lane: Bench) -> None:
    await lane.opened()
    await lane.heard.until(EventKind.UP)
    await lane.device.coil(0, False)
    assert lane.device.history == [(0, True), (0, False)]
    assert (await lane.script.get())["lifts"] == 1


async def test_cars_and_arm_are_told_from_the_inputs(lane: Bench) -> None:
    await lane.script.put(car="arrives")
    arrived = await lane.heard.until(EventKind.ARRIVED)
    await lane.opened()
    await lane.heard.until(EventKind.UP)
    await lane.script.put(car="passes")
    assert (await lane.heard.until(EventKind.PASSED)).presence_id == arrived.presence_id
    await lane.heard.until(EventKind.DOWN, times=2)
    await lane.script.put(car="arrives")
    await lane.heard.until(EventKind.ARRIVED, times=2)
    await lane.script.put(car="backs_out")
    await lane.heard.until(EventKind.BACKED_OUT)


@beside
async def test_both_limit_switches_off_is_moving(tmp_path: Path) -> None:
    async with bench(tmp_path, settings()) as lane:
        await lane.heard.until(EventKind.DOWN)
        lane.device.arm(up=False, down=False)
        await lane.heard.until(EventKind.RISING)
        lane.device.arm(up=True, down=False)
        await lane.heard.until(EventKind.UP)
        lane.device.arm(up=False, down=False)
        await lane.heard.until(EventKind.FALLING)
        assert lane.barrier.state.position is Position.FALLING


@beside
async def test_inputs_that_are_on_at_rest_are_read_the_other_way_round(tmp_path: Path) -> None:
    async with bench(tmp_path, settings(inverted=[0, 2, 3])) as lane:
        await lane.heard.until(EventKind.DOWN)
        await lane.script.put(car="arrives")
        await lane.heard.until(EventKind.ARRIVED)


@beside
async def test_a_pressed_button_that_is_pressed_again_is_refused(tmp_path: Path) -> None:
    async with bench(tmp_path, settings(pulse_ms=2000)) as lane:
        await lane.heard.until(EventKind.DOWN)
        await lane.opened()
        assert (await lane.open()).outcome is Outcome.REJECTED


@beside
async def test_hold_keeps_the_button_pressed_until_close(tmp_path: Path) -> None:
    async with bench(tmp_path, settings(close_coil=1, hold_coil=2), device={"held_after": 0.05}) as lane:
        await lane.heard.until(EventKind.DOWN)
        assert (await lane.command("hold")).outcome is Outcome.ACCEPTED
        await lane.script.until(held=True, barrier="open")
        assert (await lane.command("close")).outcome is Outcome.ACCEPTED
        await lane.script.until(held=False, barrier="closed")
        assert not any(lane.device.coils[:1])


@beside
async def test_off_follows_even_when_nobody_waits_for_the_pulse_any_more(tmp_path: Path) -> None:
    async with bench(tmp_path, settings()) as lane:
        await lane.heard.until(EventKind.DOWN)
        opening = asyncio.create_task(lane.open())
        await lane.device.coil(0, True)
        opening.cancel()
        await lane.device.coil(0, False)


@beside
async def test_off_follows_when_the_process_ends_in_mid_pulse(tmp_path: Path) -> None:
    async with bench(tmp_path, settings(pulse_ms=300)) as lane:
        await lane.heard.until(EventKind.DOWN)
        await lane.opened()
        await lane.fleet.stop()
        assert lane.device.coils[0] is False


@beside
async def test_off_is_written_at_every_start(tmp_path: Path) -> None:
    own = settings()
    async with bench(tmp_path, own) as lane:
        await lane.heard.until(EventKind.DOWN)
        lane.device.coils[0] = True  # a run before us was killed between on and off
        fleet = Fleet(Heard(), SystemClock(), Random(1))
        fleet.add(LANE, own)
        await fleet.start()
        try:
            await lane.device.coil(0, False)
        finally:
            await fleet.stop()


@beside
async def test_off_follows_when_the_board_comes_back(tmp_path: Path) -> None:
    async with bench(tmp_path, settings(pulse_ms=500)) as lane:
        await lane.heard.until(EventKind.DOWN)
        await lane.opened()
        for connection in tuple(lane.device.wire.connections):
            connection.transport.abort()
        assert lane.device.coils[0] is True
        await lane.device.coil(0, False)


async def test_a_silent_board_is_uncertain_and_gets_no_second_pulse(lane: Bench) -> None:
    await lane.script.put(mode="mute")
    result = await lane.open(3.0)
    assert result.outcome is Outcome.UNCERTAIN
    await lane.device.coil(0, False)
    assert lane.device.history.count((0, True)) == 1


async def test_a_barrier_fault_is_a_refused_write(lane: Bench) -> None:
    await lane.script.put(mode="fault")
    assert (await lane.open()).outcome is Outcome.REJECTED
    await lane.device.coil(0, False)


@beside
async def test_half_a_tcp_answer_is_uncertain(tmp_path: Path) -> None:
    async with bench(tmp_path, settings()) as lane:
        await lane.heard.until(EventKind.DOWN)
        lane.device.fault = Fault.HALF_ANSWERS
        assert (await lane.open(3.0)).outcome in (Outcome.UNCERTAIN, Outcome.REJECTED)
        lane.device.fault = Fault.NONE
        await lane.until(lambda: lane.barrier.state.online and not lane.barrier.watch.gone)  # type: ignore[attr-defined]
        await lane.device.coil(0, False)
        assert lane.device.history.count((0, True)) <= 1


@beside
async def test_an_unplugged_board_is_offline_and_found_again(tmp_path: Path) -> None:
    async with bench(tmp_path, settings()) as lane:
        await lane.heard.until(EventKind.DOWN)
        await lane.device.set_fault(Fault.UNPLUGGED)
        await lane.heard.until(EventKind.OFFLINE)
        assert lane.barrier.state.position is Position.UNKNOWN
        assert (await lane.open()).outcome is Outcome.REJECTED
        await lane.device.set_fault(Fault.NONE)
        await lane.heard.until(EventKind.ONLINE, times=2)
        await lane.opened()


@beside
async def test_rtu_over_tcp(tmp_path: Path) -> None:
    async with bench(tmp_path, settings(framer="rtu")) as lane:
        await lane.heard.until(EventKind.DOWN)
        await lane.opened()
        await lane.heard.until(EventKind.UP)


@beside
async def test_two_lanes_share_a_board_and_its_connection(tmp_path: Path) -> None:
    own = settings()
    heard = Heard()
    async with bench(tmp_path, own) as lane:
        fleet = Fleet(heard, SystemClock(), Random(1))
        fleet.add(LANE, own)
        fleet.add(LaneKey(LANE.lot_id, "B1"), {**own, "open_coil": 4, "loop_input": 4})
        await fleet.start()
        try:
            await heard.until(EventKind.ONLINE, "B1")
            assert len(lane.device.wire.connections) == 2  # the bench's and this fleet's
        finally:
            await fleet.stop()


# Boards and gateways as people meet them


@beside
async def test_a_board_with_four_channels_is_read_where_it_is_wired(tmp_path: Path) -> None:
    async with bench(tmp_path, settings(loop_input=1)) as lane:
        await lane.device.set_fault(Fault.FEW_CHANNELS)
        await lane.heard.until(EventKind.DOWN)
        await lane.opened()
        await lane.script.put(car="arrives")
        await lane.heard.until(EventKind.ARRIVED)
        assert EventKind.OFFLINE not in lane.heard.kinds()


@beside
async def test_eight_inputs_side_by_side_are_read_to_the_last(tmp_path: Path) -> None:
    async with bench(tmp_path, settings(down_input=7)) as lane:
        await lane.heard.until(EventKind.DOWN)
        await lane.script.put(car="arrives")
        await lane.heard.until(EventKind.ARRIVED)


@beside
async def test_a_board_without_inputs_is_asked_for_its_own_coil(tmp_path: Path) -> None:
    blind = {"loop_input": -1, "up_input": -1, "down_input": -1, "open_coil": 3}
    async with bench(tmp_path, settings(**blind)) as lane:
        await lane.device.set_fault(Fault.FEW_CHANNELS)
        await lane.online()
        await lane.opened()


class Impatient(HandClock):
    """Nobody waits, and every wait is written down."""

    def __init__(self) -> None:
        super().__init__()
        self.waits: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        await asyncio.sleep(0)


@beside
async def test_a_board_that_cannot_be_read_is_never_online_and_waits_grow(tmp_path: Path) -> None:
    clock = Impatient()
    async with bench(tmp_path, settings(loop_input=7), clock=clock) as lane:
        await lane.device.set_fault(Fault.FEW_CHANNELS)

        def between_tries() -> list[float]:
            return [wait for wait in clock.waits if wait != TICK]

        await lane.until(lambda: len(between_tries()) >= 6)
        assert between_tries()[5] > 4 * between_tries()[0]
        assert lane.heard.kinds() == []


@beside
async def test_a_gateway_that_got_no_answer_leaves_the_command_open(tmp_path: Path) -> None:
    async with bench(tmp_path, settings()) as lane:
        await lane.heard.until(EventKind.DOWN)
        await lane.device.set_fault(Fault.GATEWAY_TIMES_OUT)
        assert (await lane.open()).outcome is Outcome.UNCERTAIN
        await lane.device.coil(0, False)
        assert lane.device.history == [(0, True), (0, False)]
        assert EventKind.OFFLINE not in lane.heard.kinds()


@beside
async def test_a_late_answer_to_an_earlier_question_refuses_no_command(tmp_path: Path) -> None:
    async with bench(tmp_path, settings(framer="rtu")) as lane:
        await lane.heard.until(EventKind.DOWN)
        await lane.device.set_fault(Fault.STALE_ANSWERS)
        assert (await lane.open()).outcome is Outcome.UNCERTAIN
        await lane.device.set_fault(Fault.NONE)
        await lane.device.coil(0, False)
        assert lane.device.history.count((0, True)) == 1


@pytest.mark.parametrize("unit", [0, 248, 255])
def test_every_unit_of_modbus_tcp_is_taken(unit: int) -> None:
    read_settings({"driver": "modbus-relay", "host": "127.0.0.1", "unit": unit})


@beside
async def test_a_board_with_sixteen_channels_at_unit_255(tmp_path: Path) -> None:
    async with bench(tmp_path, settings(unit=255, open_coil=15, loop_input=12)) as lane:
        await lane.heard.until(EventKind.DOWN)
        await lane.opened()
        await lane.device.coil(15, False)
        assert lane.device.history == [(15, True), (15, False)]
        await lane.script.put(car="arrives")
        await lane.heard.until(EventKind.ARRIVED)


@contextlib.asynccontextmanager
async def gateway(folder: Path, **others: Any) -> AsyncIterator[tuple[list[RelayBoard], list[Barrier], Heard]]:
    """Two boards, units 1 and 2, behind one address; lanes A1 and A2."""
    lanes = ["A1", "A2"]
    own = [{**settings(**others), "unit": number} for number in (1, 2)]
    own[1]["port"] = own[0]["port"]
    wanted = WorkbenchSettings(
        LanesSettings(folder / "devices.journal", travel_time=0.01),
        tuple(DeviceLane(LANE.lot_id, channel, each) for channel, each in zip(lanes, own, strict=True)),
    )
    benched = Workbench(Journal(folder / "devices.journal", LaneRecord), wanted, clock=SystemClock())
    runner = web.AppRunner(benched.build(), shutdown_timeout=0.1)
    await runner.setup()
    heard = Heard()
    fleet = Fleet(heard, SystemClock(), Random(1))
    barriers = [fleet.add(LaneKey(LANE.lot_id, channel), each) for channel, each in zip(lanes, own, strict=True)]
    await fleet.start()
    try:
        boards = [benched.devices[LANE.lot_id, channel] for channel in lanes]
        assert isinstance(boards[0], RelayBoard)
        assert isinstance(boards[1], RelayBoard)
        for channel in lanes:
            await heard.until(EventKind.DOWN, channel)
        yield [boards[0], boards[1]], barriers, heard
    finally:
        await fleet.stop()
        await runner.cleanup()


@pytest.mark.parametrize("framer", ["tcp", "rtu"])
@beside
async def test_behind_a_gateway_each_lane_has_its_own_board(tmp_path: Path, framer: str) -> None:
    async with gateway(tmp_path, framer=framer) as (boards, barriers, heard):
        assert len(boards[0].wire.connections) == 1
        for opened, other in ((1, 0), (0, 1)):
            assert (await barriers[opened].open(f"lift-{opened}", soon())).outcome is Outcome.ACCEPTED
            await boards[opened].coil(0, False)
            assert boards[opened].history[-2:] == [(0, True), (0, False)]
            assert len(boards[other].history) == 2 * opened * other + (0 if opened else 2)
        boards[1].loop(True)
        await heard.until(EventKind.ARRIVED, "A2")
        assert EventKind.ARRIVED not in heard.kinds("A1")


@beside
async def test_a_dead_unit_leaves_its_neighbour_at_work(tmp_path: Path) -> None:
    async with gateway(tmp_path) as (boards, barriers, heard):
        await boards[1].set_fault(Fault.UNPLUGGED)
        await heard.until(EventKind.OFFLINE, "A2")
        assert (await barriers[0].open("lift-1", soon())).outcome is Outcome.ACCEPTED
        assert EventKind.OFFLINE not in heard.kinds("A1")


async def test_units_at_one_address_are_spoken_to_in_one_framing() -> None:
    fleet = Fleet(Heard(), SystemClock(), Random(1))
    own = settings()
    fleet.add(LANE, own)
    with pytest.raises(BadSettings, match="`framer`"):
        fleet.add(LaneKey(LANE.lot_id, "B1"), {**own, "unit": 2, "framer": "rtu"})


@beside
async def test_a_latched_pulse_is_the_fault_of_its_own_lane(tmp_path: Path) -> None:
    own = settings(pulse="hardware", pulse_ms=700)
    async with stock_server(own["port"]):
        heard = Heard()
        fleet = Fleet(heard, SystemClock(), Random(1))
        barrier = fleet.add(LANE, own)
        fleet.add(LaneKey(LANE.lot_id, "B1"), {**own, "open_coil": 4})
        await fleet.start()
        try:
            await heard.until(EventKind.ONLINE)
            assert (await barrier.open("lift-1", soon())).outcome is Outcome.UNCERTAIN
            await heard.until(EventKind.FAULT)
            assert EventKind.FAULT not in heard.kinds("B1")
        finally:
            await fleet.stop()


# A stock server, which knows nothing of pulses


@contextlib.asynccontextmanager
async def stock_server(port: int) -> AsyncIterator[Callable[[int], Awaitable[bool]]]:
    coils = ModbusDeviceContext(co=ModbusSequentialDataBlock(1, [0] * 1024), di=ModbusSequentialDataBlock(1, [0] * 64))
    server = ModbusTcpServer(ModbusServerContext(coils, single=True), address=("127.0.0.1", port))
    await server.serve_forever(background=True)

    async def coil(number: int) -> bool:
        values = await coils.async_getValues(1, number, 1)
        assert isinstance(values, list)
        return bool(values[0])

    try:
        yield coil
    finally:
        await server.shutdown()


@contextlib.asynccontextmanager
async def connected(own: dict[str, Any]) -> AsyncIterator[tuple[Barrier, Heard]]:
    heard = Heard()
    fleet = Fleet(heard, SystemClock(), Random(1))
    barrier = fleet.add(LANE, own)
    await fleet.start()
    try:
        await heard.until(EventKind.ONLINE)
        yield barrier, heard
    finally:
        await fleet.stop()


def soon(seconds: float = PATIENCE) -> Any:
    from datetime import timedelta

    return SystemClock().now() + timedelta(seconds=seconds)


async def test_a_stock_modbus_server_takes_the_timed_pulse() -> None:
    own = settings(pulse="timed")
    async with stock_server(own["port"]) as coil, connected(own) as (barrier, _):
        assert (await barrier.open("lift-1", soon())).outcome is Outcome.ACCEPTED
        assert await coil(0)
        async with asyncio.timeout(PATIENCE):
            while await coil(0):
                await asyncio.sleep(0.01)


async def test_a_board_that_latches_the_hardware_pulse_is_found_out_and_switched_off() -> None:
    own = settings(pulse="hardware", pulse_ms=700)
    async with stock_server(own["port"]) as coil, connected(own) as (barrier, heard):
        assert (await barrier.open("lift-1", soon())).outcome is Outcome.UNCERTAIN
        fault = await heard.until(EventKind.FAULT)
        assert 'pulse = "timed"' in fault.detail
        async with asyncio.timeout(PATIENCE):
            while await coil(0x0200):
                await asyncio.sleep(0.01)


async def test_a_board_that_answers_any_bytes_is_offline_not_up() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while await reader.read(100):
                writer.write(os.urandom(10_000))
        writer.close()

    own = settings()
    heard = Heard()
    fleet = Fleet(heard, SystemClock(), Random(1))
    barrier = fleet.add(LANE, own)
    async with await asyncio.start_server(serve, "127.0.0.1", own["port"]):
        await fleet.start()
        try:
            assert (await barrier.open("lift-1", soon(1.5))).outcome in (Outcome.REJECTED, Outcome.UNCERTAIN)
            assert EventKind.UP not in heard.kinds()
        finally:
            await fleet.stop()


# The last, and by itself: it looks at all tasks, and none of the others' is under way any more.
async def test_a_question_whose_asker_has_gone_ends_with_its_line() -> None:
    asked = asyncio.Event()

    async def never_answers(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(12)
        asked.set()
        await reader.read()
        writer.close()

    async with await asyncio.start_server(never_answers, "127.0.0.1", 0) as server:
        line = ModbusLine("127.0.0.1", server.sockets[0].getsockname()[1], "tcp", Site(Heard(), HandClock(), Random(1)))
        line.join(1, "tcp")
        reading = asyncio.create_task(line.read(1, 0, 8, inputs=True))
        async with asyncio.timeout(PATIENCE):
            await asked.wait()
        reading.cancel()
        await asyncio.wait({reading})
        line.leave(1)
        await line.stop()
        assert not [task for task in asyncio.all_tasks() if "execute" in repr(task.get_coro())]
