"""Boards at one address: which answers refuse, which leave a write open, and after which the line is made anew."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from random import Random

import pytest

from support.stacks.barrier_bench import HandClock
from support.stacks.simulated_lanes import Heard
from taigan.barriers.site import Site
from taigan.barriers.watching.lane_watch import Attempt, NoAnswer, NotSent
from taigan.barriers.wires.modbus import ModbusLine
from taigan.deadline import Deadline

ON = 0xFF00
Answer = Callable[[bytes], bytes]
"""From a request's unit, function and data to those of its answer."""


@contextlib.asynccontextmanager
async def board(answer: Answer) -> AsyncIterator[ModbusLine]:
    """A line to a board over TCP that answers so."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            while True:
                head = await reader.readexactly(6)
                said = answer(await reader.readexactly(int.from_bytes(head[4:])))
                writer.write(head[:4] + len(said).to_bytes(2) + said)
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        line = ModbusLine("127.0.0.1", port, "tcp", Site(Heard(), HandClock(), Random(1)))
        line.join(1, "tcp")
        try:
            yield line
        finally:
            line.leave(1)
            await line.stop()


@pytest.mark.parametrize("code", [1, 2, 3, 4, 6, 10])
async def test_a_board_that_refuses_a_write_did_not_do_it(code: int) -> None:
    async with board(lambda asked: bytes((asked[0], asked[1] | 0x80, code))) as line:
        with pytest.raises(NotSent, match="refuses the write"):
            await line.write_coil(1, 3, ON, None)
        assert line.connected


@pytest.mark.parametrize("code", [5, 7, 8, 9, 11])
async def test_a_board_that_fails_in_another_way_may_have_written(code: int) -> None:
    async with board(lambda asked: bytes((asked[0], asked[1] | 0x80, code))) as line:
        with pytest.raises(NoAnswer, match="may or may not"):
            await line.write_coil(1, 3, ON, None)
        assert line.connected


async def test_what_was_written_is_told_as_the_board_echoes_it() -> None:
    asked: list[bytes] = []

    def echo(request: bytes) -> bytes:
        asked.append(request)
        return request[:4] + b"\x00\x07"

    async with board(echo) as line:
        attempt = Attempt("lift-1", Deadline.within(4, HandClock()))
        assert await line.write_coil(9, 0x0203, ON, attempt) == 7
        assert attempt.sent
        assert asked == [b"\x09\x05\x02\x03\xff\x00"]


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (lambda asked: asked[:2] + b"\x00\x04" + asked[4:], "names another coil"),
        (lambda asked: asked[:1] + b"\x01\x01\x00", "to another question"),
    ],
    ids=["another coil", "another function"],
)
async def test_an_echo_of_something_else_leaves_the_write_open_and_ends_the_connection(
    answer: Answer, why: str
) -> None:
    async with board(answer) as line:
        with pytest.raises(NoAnswer, match=why):
            await line.write_coil(1, 3, ON, None)
        assert not line.connected


@pytest.mark.parametrize(("inputs", "function"), [(True, 2), (False, 1)])
async def test_inputs_and_coils_are_read_each_by_their_own_function(inputs: bool, function: int) -> None:
    asked: list[bytes] = []

    def tell(request: bytes) -> bytes:
        asked.append(request)
        return request[:2] + b"\x02\x05\x80"

    async with board(tell) as line:
        told = await line.read(1, 2, 16, inputs=inputs)
        assert [number for number, on in enumerate(told) if on] == [0, 2, 15]
        assert len(await line.read(1, 2, 3, inputs=inputs)) == 3
        assert asked[0] == bytes((1, function, 0, 2, 0, 16))


@pytest.mark.parametrize(
    ("answer", "connected"),
    [
        (lambda asked: bytes((asked[0], asked[1] | 0x80, 2)), True),
        (lambda asked: asked[:1] + b"\x01\x01\x00", False),
        (lambda asked: asked[:2] + b"\x01\x00", False),
    ],
    ids=["a refusal", "another function", "too few"],
)
async def test_a_board_that_does_not_tell_its_inputs_is_no_answer(answer: Answer, connected: bool) -> None:
    async with board(answer) as line:
        with pytest.raises(NoAnswer, match="board"):
            await line.read(1, 0, 9, inputs=True)
        assert line.connected is connected


async def test_a_board_has_a_second_to_answer_and_a_line_that_is_lost_is_not_made_anew_behind_our_back() -> None:
    async with board(lambda asked: asked) as line:
        await line.write_coil(1, 3, ON, None)
        assert line._client is not None
        used = line._client.comm_params
        assert (used.timeout_connect, used.reconnect_delay) == (1.0, 0)


async def test_a_refusal_names_what_was_asked_for() -> None:
    async with board(lambda asked: bytes((asked[0], asked[1] | 0x80, 2))) as line:
        for inputs, what in ((True, "inputs"), (False, "coils")):
            with pytest.raises(NoAnswer, match=f"does not tell {what} 2 to 3:"):
                await line.read(1, 2, 2, inputs=inputs)


async def test_the_end_of_an_earlier_connection_is_not_taken_for_the_end_of_this_one() -> None:
    async with board(lambda asked: asked) as line:
        await line.write_coil(1, 3, ON, None)
        assert line._client is not None
        earlier_ended = line._client.ctx.trace_connect
        line.join(1, "rtu")  # hangs up
        line.join(1, "tcp")
        await line.write_coil(1, 3, ON, None)
        earlier_ended(False)
        assert line.connected
        present = line._client
        present.ctx.trace_connect(False)
        assert not line.connected
        present.close()


async def test_behind_a_gateway_the_line_is_made_anew_after_three_units_in_a_row_that_said_nothing() -> None:
    async def nothing() -> None:
        raise OSError("no answer")

    async def something() -> str:
        return "an answer"

    async with board(lambda asked: asked) as line:
        await line.write_coil(1, 3, ON, None)
        for units, unanswered in ((2, 3), (1, 1)):
            await line.write_coil(1, 3, ON, None)
            if units == 2:
                line.join(2, "tcp")
                for _ in range(2):
                    with pytest.raises(NoAnswer):
                        await line._ask(nothing())  # type: ignore[arg-type]
                await line._ask(something())  # type: ignore[arg-type]
            for still_there in [True] * (unanswered - 1) + [False]:
                with pytest.raises(NoAnswer):
                    await line._ask(nothing())  # type: ignore[arg-type]
                assert line.connected is still_there
            line.leave(2)
