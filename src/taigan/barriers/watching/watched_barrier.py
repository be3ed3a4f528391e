"""What all drivers have in common: a lane's picture, and commands that go through `LaneWatch.carry_out`."""

from __future__ import annotations

from datetime import datetime

from taigan.barriers.barrier import LaneState, NoScreen, Outcome, Result, Screen, Sight
from taigan.barriers.watching.lane_watch import Attempt, LaneWatch


class WatchedBarrier:
    """A `Barrier` whose driver only says how to raise, hold and lower the arm.

    Those three raise `NotSent` or `NoAnswer`, or mark the attempt as sent and let the deadline cut them off.
    """

    def __init__(self, watch: LaneWatch, sight: Sight, screen: Screen | None = None) -> None:
        self.watch = watch
        self._sight = sight
        self._screen = screen or NoScreen()

    @property
    def sight(self) -> Sight:
        """What this device can see."""
        return self._sight

    @property
    def state(self) -> LaneState:
        """The last known picture of the lane."""
        return self.watch.state

    @property
    def screen(self) -> Screen:
        """The lane's display."""
        return self._screen

    async def open(self, command_id: str, deadline: datetime) -> Result:
        """Raise the arm once."""
        result = await self.watch.carry_out(command_id, deadline, self.raise_arm, lifts=True)
        if result.outcome is not Outcome.REJECTED:
            self.lifted(command_id)
        return result

    async def hold(self, command_id: str, deadline: datetime) -> Result:
        """Raise the arm and keep it up."""
        result = await self.watch.carry_out(command_id, deadline, self.hold_arm, lifts=True)
        if result.outcome is not Outcome.REJECTED:
            self.watch.hold(True)
            self.lifted(command_id)
        return result

    async def close(self, command_id: str, deadline: datetime) -> Result:
        """Lower the arm and end a hold."""
        result = await self.watch.carry_out(command_id, deadline, self.lower_arm)
        if result.outcome is Outcome.ACCEPTED:
            self.watch.hold(False)
        return result

    async def cancel(self, command_id: str) -> None:
        """Drop a command that has not left for the device."""
        self.watch.cancel(command_id)

    def adopt(self, presence_id: str, since: datetime | None) -> None:
        """Go on with the car that is known to be on the loop."""
        self.watch.take_over(presence_id, since)

    def lifted(self, command_id: str) -> None:
        """The arm was raised, or may have been: a driver whose camera can take a picture has one taken now."""

    async def raise_arm(self, attempt: Attempt) -> Result:
        """Send the command that raises the arm once."""
        raise NotImplementedError

    async def hold_arm(self, attempt: Attempt) -> Result:
        """Send the command that raises the arm and keeps it up."""
        return Result(Outcome.REJECTED, "this device cannot hold the arm up")

    async def lower_arm(self, attempt: Attempt) -> Result:
        """Send the command that lowers the arm and ends a hold."""
        return Result(Outcome.REJECTED, "this device cannot lower the arm")

    async def start(self) -> None:
        """Begin to report. What is shared with other lanes is started by the `Site`."""

    async def stop(self) -> None:
        """End, and hand over the last events."""
        await self.watch.stop()
