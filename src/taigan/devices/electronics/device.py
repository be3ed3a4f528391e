"""What every emulated device is: the electronics between a lane and a platform.

The lane (`taigan.devices.lanes.lane`) has the arm, the loops and the cars; a device gives it a voice, as the real one
would: it turns what happens in the lane into its own messages, and its own commands into the lane's. Times in seconds.
"""

from __future__ import annotations

import enum
import math
from collections.abc import Callable
from typing import Annotated, ClassVar

import msgspec

from taigan.devices.lanes.lane import Happening, Kind, Lane, Reply, Verb


class Fault(enum.StrEnum):
    """What can go wrong with a device, beside what its lane's mode says. A kind of device has some of them."""

    NONE = ""
    UNPLUGGED = "unplugged"  # neither hears nor says anything
    HALF_ANSWERS = "half_answers"  # cuts its answers off in the middle
    PIECES = "pieces"  # its answers come in pieces
    WRONG_PASSWORD = "wrong_password"  # refuses whatever password it is shown
    BASIC_ONLY = "basic_only"  # offers Basic and nothing else
    FORBIDS_OLD_NONCE = "forbids_old_nonce"  # answers 403, not 401, to a nonce it has had
    PLAIN_PLATES = "plain_plates"  # says plates as plain text, not in base64
    CHATTERS = "chatters"  # posts much beside its heartbeats, and obeys no answer to it
    SLOW_LINE = "slow_line"  # its pictures take seconds to be sent
    FEW_CHANNELS = "few_channels"  # has four coils and four inputs, whatever is asked of it
    GATEWAY_TIMES_OUT = "gateway_times_out"  # does it, and its gateway says that it did not answer (0x0B)
    STALE_ANSWERS = "stale_answers"  # a late answer to an earlier question comes first
    COUNTS_SINCE_BOOT = "counts_since_boot"  # the ids of its reports begin at 1 each time it is switched on


class Device:
    """A device of one lane. `faults`: what can go wrong with it."""

    faults: ClassVar[frozenset[Fault]] = frozenset({Fault.NONE, Fault.UNPLUGGED})

    def __init__(self) -> None:
        self.fault = Fault.NONE
        self._lane: Lane | None = None
        self._commands = 0

    @property
    def lane(self) -> Lane:
        """The lane the device is fitted to."""
        if self._lane is None:
            raise RuntimeError("the device is not fitted to a lane")
        return self._lane

    def fit(self, lane: Lane) -> None:
        """Wire the device to a lane, before `start`."""
        self._lane = lane

    async def start(self) -> None:
        """Switch it on."""

    async def stop(self) -> None:
        """Switch it off."""

    async def set_fault(self, fault: Fault) -> None:
        """Break it, or repair it."""
        self.fault = fault

    def command(self, verb: Verb, reply: Callable[[Reply], None]) -> None:
        """Have the lane do something. What reaches a real device has no deadline of its own."""
        self._commands += 1
        self.lane.command(f"device-{self._commands}", verb, math.inf, reply)

    def happened(self, happening: Happening) -> None:
        """Something happened in the lane: as the loops and the limit switches tell it."""
        match happening.kind:
            case Kind.ARRIVED:
                self.loop(True)
            case Kind.PASSED:
                self.drives_through()
            case Kind.BACKED_OUT:
                self.loop(False)
            case Kind.SECOND_CAR:
                self.loop(True)
                self.drives_through()
            case Kind.RISING:
                self.arm(up=False, down=False)
            case Kind.UP:
                self.arm(up=True, down=False)
            case Kind.FALLING:
                self.arm(up=False, down=False)
            case Kind.DOWN:
                self.arm(up=False, down=True)
            case Kind.FAULT:
                self.broken(happening.detail)

    def drives_through(self) -> None:
        """A car leaves the loop before the arm by way of the one under it."""
        self.under(True)
        self.loop(False)
        self.under(False)

    def loop(self, lit: bool) -> None:
        """The loop before the arm."""

    def under(self, lit: bool) -> None:
        """The loop under the arm."""

    def arm(self, *, up: bool, down: bool) -> None:
        """The arm's limit switches."""

    def broken(self, detail: str) -> None:
        """The barrier reports a fault."""


Port = Annotated[int, msgspec.Meta(ge=0, le=65535)]
Seconds = Annotated[float, msgspec.Meta(gt=0, le=3600)]
