"""What a controller of anyone's own reports, over MQTT and over HTTP alike."""

from __future__ import annotations

import msgspec

from taigan.barriers.barrier import Position
from taigan.barriers.watching.lane_watch import LaneWatch


class Report(msgspec.Struct):
    """What a controller reports; which one it is shows in what is set."""

    id: str = ""
    loop: bool | None = None
    under: bool | None = None
    position: Position | None = None
    fault: str = ""
    plate: str = ""
    code: str = ""
    alive: bool = False


def tell(watch: LaneWatch, report: Report, *, detector: bool) -> None:
    """Tell a lane's watch what a controller reported."""
    if detector and report.loop is not None:
        watch.loop(report.loop, report.id)
    if detector and report.under is not None:
        watch.under(report.under, report.id)
    if report.position is not None:
        watch.arm(report.position, report.id)
    if report.fault:
        watch.fault(report.fault, report.id)
    if report.plate:
        watch.plate(report.plate, report.id)
    if report.code:
        watch.scanned(report.code, report.id)
