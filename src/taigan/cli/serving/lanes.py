"""`taigan lanes`: the simulated lanes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from taigan.cli.running import ClockFile, Config, Failure, WithParent, machine_clock, run_until_told

if TYPE_CHECKING:
    from taigan.settings.model import Settings


def lanes(config: Config = None, stop_with_parent: WithParent = False, clock_file: ClockFile = None) -> None:
    """The simulated lanes: cars, loops, arms and screens, with an HTTP interface for scripts."""
    run_until_told(_lanes, config, stop_with_parent)


async def _lanes(settings: Settings, with_parent: bool) -> None:
    from taigan.devices.lanes.journal import JournalBusy, JournalError
    from taigan.devices.lanes.lanes import LaneSettings, LanesSettings, serve
    from taigan.running.process import listen, stop_when_told

    known = tuple(
        LaneSettings(lot.lot_id, lane.channel_id, lane.detector)
        for lot in settings.lots
        for lane in lot.lanes
        if lane.barrier.get("driver") == "simulated"
    )
    own = settings.lanes
    built = LanesSettings(
        journal=settings.data / "lanes.jsonl", travel_time=own.travel_time, late_by=own.late_by, lanes=known
    )
    stop = stop_when_told(with_parent=with_parent)
    with listen(own.host, own.port, "lanes.port") as listener:
        try:
            await serve(built, stop, clock=machine_clock(), listener=listener)
        except JournalBusy as error:
            raise Failure(str(error), 5) from None
        except JournalError as error:
            raise Failure(str(error), 3) from None
