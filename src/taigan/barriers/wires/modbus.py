"""Modbus to one address, over TCP or as RTU over TCP: a board, or a gateway with a unit for each board behind it.

Requests are made one at a time and never repeated. A late answer to an earlier request is never taken for the present
one's: over TCP it has another number, over RTU it is of another kind or unit, and the connection is made anew.
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Awaitable
from typing import Literal

from pymodbus import FramerType, ModbusException
from pymodbus.client import AsyncModbusTcpClient
from pymodbus.pdu import ExceptionResponse, ModbusPDU

from taigan.barriers.site import Site
from taigan.barriers.watching.lane_watch import Attempt, NoAnswer, NotSent
from taigan.running.tasks import end, looked_at

ANSWER_WITHIN = 1.0
SILENT_UNITS = 3
"""Requests in a row without an answer after which a line with several units is made anew."""
SURELY_NOT_DONE = frozenset({1, 2, 3, 4, 6, 10})
"""Exceptions that refuse a write: no such function, address or value, failed, busy, no way to the unit. Any other
(5: it is at it; 11: the unit did not answer its gateway in time) leaves open whether it was done."""

Framer = Literal["tcp", "rtu"]


class CoilWrite(ModbusPDU):
    """Function 5 with its value as it stands, for a pulse has values of its own."""

    function_code = 5
    rtu_frame_size = 8

    def __init__(self, address: int = 0, value: int = 0, dev_id: int = 1) -> None:
        super().__init__(dev_id=dev_id, address=address)
        self.value = value

    def encode(self) -> bytes:
        """The request's data."""
        return struct.pack(">HH", self.address, self.value)

    def decode(self, data: bytes) -> None:
        """Take in the echo."""
        self.address, self.value = struct.unpack(">HH", data[:4])


class ModbusLine:
    """The connection to one address. It is made when somebody asks, and closed when the last unit is left."""

    def __init__(self, host: str, port: int, framer: Framer, site: Site) -> None:
        self.address = f"{host}:{port}"
        self.framer = framer
        self._host = host
        self._port = port
        self._units: set[int] = set()
        self._client: AsyncModbusTcpClient | None = None
        self._one_at_a_time = asyncio.Lock()
        self._unanswered: int  # in a row, since the connection was made
        self._asking: set[asyncio.Task[ModbusPDU]] = set()

    @property
    def connected(self) -> bool:
        """Whether the connection is there."""
        return self._client is not None

    def join(self, unit: int, framer: Framer) -> None:
        """Speak to a unit."""
        if framer != self.framer:
            self._hang_up()
            self.framer = framer
        self._units.add(unit)

    def leave(self, unit: int) -> None:
        """Speak to it no longer."""
        self._units.discard(unit)
        if not self._units:
            self._hang_up()

    async def write_coil(self, unit: int, address: int, value: int, attempt: Attempt | None) -> int:
        """Write one coil, and return the value that was echoed. Raises `NotSent`, `NoAnswer`."""
        async with self._one_at_a_time:
            client = await self._connected()
            if attempt is not None:
                if attempt.deadline.passed:
                    raise NotSent("the board was busy until after the deadline")
                attempt.sent = True
            answer = await self._ask(client.execute(False, CoilWrite(address, value, unit)))
            if isinstance(answer, ExceptionResponse):
                if answer.exception_code in SURELY_NOT_DONE:
                    raise NotSent(f"the board refuses the write: {answer}")
                raise NoAnswer(f"the board may or may not have done it: {answer}")
            if not isinstance(answer, CoilWrite):
                self._hang_up()
                raise NoAnswer(f"the answer is to another question: {answer}")
            if answer.address != address:
                self._hang_up()
                raise NoAnswer("the board's echo names another coil")
            return answer.value

    async def read(self, unit: int, start: int, count: int, *, inputs: bool) -> list[bool]:
        """Inputs, or coils, from `start`. Raises `NotSent`, `NoAnswer`."""
        async with self._one_at_a_time:
            client = await self._connected()
            read = client.read_discrete_inputs if inputs else client.read_coils
            answer = await self._ask(read(start, count=count, device_id=unit))
            if isinstance(answer, ExceptionResponse):
                what = "inputs" if inputs else "coils"
                raise NoAnswer(f"the board does not tell {what} {start} to {start + count - 1}: {answer}")
            if answer.isError() or answer.function_code != (2 if inputs else 1) or len(answer.bits) < count:
                self._hang_up()
                raise NoAnswer(f"the board cannot be read: {answer}")
            return list(answer.bits[:count])

    async def start(self) -> None:
        """Nothing yet: who asks first connects."""

    async def stop(self) -> None:
        """The last unit that is left closes the connection; a question nobody waits for any longer ends here."""
        await end(*self._asking)

    async def _connected(self) -> AsyncModbusTcpClient:
        if self._client is not None:
            return self._client

        def changed(there: bool) -> None:
            if not there and self._client is client:
                self._client = None

        client = AsyncModbusTcpClient(
            self._host,
            port=self._port,
            framer=FramerType.RTU if self.framer == "rtu" else FramerType.SOCKET,
            timeout=ANSWER_WITHIN,
            retries=0,  # a repeated write would be a second pulse
            reconnect_delay=0,  # what is owed has to be written first
            trace_connect=changed,
        )
        client.register(CoilWrite)
        try:
            if not await client.connect():
                raise NotSent(f"the board {self.address} cannot be reached")
            self._client = client
            self._unanswered = 0
        except OSError as error:
            raise NotSent(f"the board {self.address} cannot be reached: {error}") from error
        finally:
            if self._client is not client:
                client.close()
        return client

    async def _ask(self, answer: Awaitable[ModbusPDU]) -> ModbusPDU:
        """What comes back. Raises `NoAnswer`."""
        asking = asyncio.ensure_future(answer)
        self._asking.add(asking)
        asking.add_done_callback(self._asking.discard)
        asking.add_done_callback(looked_at)  # whoever asked may have gone
        try:
            # shielded, for pymodbus takes a cancellation for an error of the board's
            answered = await asyncio.shield(asking)
        except (ModbusException, OSError, struct.error, ValueError, IndexError) as error:
            self._unanswered += 1
            if self.framer == "rtu" or len(self._units) < 2 or self._unanswered >= SILENT_UNITS:
                self._hang_up()  # nothing that still comes on it can be trusted
            raise NoAnswer(f"the board did not answer: {error}") from error
        self._unanswered = 0
        return answered

    def _hang_up(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            client.close()
