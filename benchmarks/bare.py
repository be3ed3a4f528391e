"""The limit of the machine: our callback route, the envelope opened and the signature verified, a constant answer."""

from __future__ import annotations

import argparse
import asyncio

import uvloop

from benchmarks.scene import KEY
from taigan import bolink
from taigan.clock import SystemClock
from taigan.deadline import Deadline
from taigan.lot.messages.router import Answered
from taigan.lot.signals.metrics import Metrics
from taigan.running.process import listen, serve
from taigan.web.app import Doors
from taigan.web.doors.callback import Callback

_CLOCK = SystemClock()
ANSWER = '{"errmsg":"入场成功","state":1,"car_number":"0000000","timetemp":1700000000}'.encode()


class Constant:
    """Answers every message that is signed."""

    def deadline(self) -> Deadline:
        return Deadline.within(5.0, _CLOCK)

    async def answer(self, body: bytes, service_name: str = "", by: Deadline | None = None) -> Answered:
        envelope = bolink.open_envelope(body, service_name)
        if bolink.verify(envelope.text, envelope.sign, KEY) is None:
            return Answered(401, b"{}")
        return Answered(200, ANSWER, service_name=envelope.service_name, state=1)


def app() -> Doors:
    """The callback route with nothing behind it."""
    return Doors({"bolink": Callback(Constant(), Metrics(), _CLOCK, body_timeout=3.0)})  # type: ignore[arg-type]


async def main() -> None:
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--port", type=int, required=True)
    with listen("127.0.0.1", arguments.parse_args().port, "--port") as listener:
        await serve(app(), listener, asyncio.Event(), end_streams=lambda: None)


if __name__ == "__main__":
    uvloop.run(main())
