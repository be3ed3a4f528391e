"""`taigan devices`: emulated devices in their place."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from taigan.cli.running import ClockFile, Config, Failure, WithParent, machine_clock, run_until_told
from taigan.cli.serving.edge import edge_settings

if TYPE_CHECKING:
    from taigan.barriers.secrets import DeviceSecrets
    from taigan.settings.model import Settings


def devices(
    config: Config = None,
    edge: Annotated[
        list[Path] | None, typer.Option(help="An edge's settings, to stand in for the devices beside it.")
    ] = None,
    heartbeat: Annotated[
        float | None, typer.Option(help="Seconds between heartbeats, instead of each device's own.", min=0.01)
    ] = None,
    stop_with_parent: WithParent = False,
    clock_file: ClockFile = None,
) -> None:
    """Emulated cameras, gates and relay boards for the lanes of the configuration, in place of `taigan lanes`."""

    async def run(settings: Settings, with_parent: bool) -> None:
        await _devices(settings, with_parent, edge or [], heartbeat)

    run_until_told(run, config, stop_with_parent)


async def _devices(settings: Settings, with_parent: bool, edges: list[Path], heartbeat: float | None) -> None:
    from taigan.barriers.secrets import FILE, DeviceSecrets
    from taigan.devices.lanes.journal import JournalBusy, JournalError
    from taigan.devices.lanes.lanes import LaneSettings, LanesSettings, PortUnavailable
    from taigan.devices.workbench import DeviceLane, UnknownDevice, WorkbenchSettings, serve
    from taigan.running.process import listen, stop_when_told

    lanes = [(lot.lot_id, lane) for lot in settings.lots for lane in lot.lanes]
    simulated = [(lot_id, lane) for lot_id, lane in lanes if lane.barrier.get("driver") == "simulated"]
    secrets = DeviceSecrets(settings.data / FILE)
    emulated = [
        DeviceLane(lot_id, lane.channel_id, _as_set_up(lane.barrier, secrets))
        for lot_id, lane in lanes
        if lane.barrier.get("driver") not in ("simulated", "edge")
    ]
    for file in edges:
        beside = edge_settings(file)
        emulated += [DeviceLane(beside.lot_id, lane.channel_id, lane.barrier) for lane in beside.lanes]
    own = settings.lanes
    built = WorkbenchSettings(
        lanes=LanesSettings(
            journal=settings.data / "lanes.jsonl",
            travel_time=own.travel_time,
            late_by=own.late_by,
            lanes=tuple(LaneSettings(lot_id, lane.channel_id, lane.detector) for lot_id, lane in simulated),
        ),
        devices=tuple(emulated),
        platform_url=settings.lot_url,
        heartbeat=heartbeat,
    )
    stop = stop_when_told(with_parent=with_parent)
    with listen(own.host, own.port, "lanes.port") as listener:
        try:
            await serve(built, stop, clock=machine_clock(), listener=listener)
        except UnknownDevice as error:
            raise Failure(str(error), 2) from None
        except PortUnavailable as error:
            raise Failure(str(error), 4) from None
        except JournalBusy as error:
            raise Failure(str(error), 5) from None
        except JournalError as error:
            raise Failure(str(error), 3) from None


def _as_set_up(barrier: dict[str, Any], secrets: DeviceSecrets) -> dict[str, Any]:
    """A lane's settings as somebody enters them at a camera that posts: the platform's secret is in its address."""
    if barrier.get("driver") not in ("vzenith-http", "hx-http") or barrier.get("secret"):
        return barrier
    return {**barrier, "secret": secrets.of(f"{barrier['driver']}/{barrier.get('serial', '')}")}
