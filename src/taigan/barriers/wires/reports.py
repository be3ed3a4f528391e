"""What a controller of anyone's own reports, over MQTT and over HTTP alike."""

from __future__ import annotations

from collections import OrderedDict

import msgspec
import structlog

from taigan.barriers.barrier import Position, Why
from taigan.barriers.watching.lane_watch import LaneWatch
from taigan.barriers.wires.photos import decoded

log = structlog.get_logger()

REMEMBERED = 1000
REPEATED_AFTER = 3
"""How many reports later one may be sent again that was not acknowledged."""
REPEATED_WITHIN = 30.0


class Report(msgspec.Struct):
    """What a controller reports; which one it is shows in what is set.

    `id` is the same when it is sent again. `boot` names a run of the controller, where its ids begin anew with each.
    """

    id: str = ""
    boot: str = ""
    loop: bool | None = None
    under: bool | None = None
    position: Position | None = None
    fault: str = ""
    plate: str = ""
    code: str = ""
    tag: str = ""  # the plate that an ETC tag is made out to
    antenna: str = ""  # the antenna that read it: its kind and number
    picture: str = ""  # a JPEG or PNG in base64: of the plate in the same report, or of the lane
    alive: bool = False


class Reports:
    """Tells a lane's watch what its controller reports, each report once.

    `alone`: no other process hears this controller. Then a report's id may begin anew at any time: one that was heard a
    while ago is a new report. Where others hear it too, all must name it alike, and ids must never come again (or come
    with a `boot`).
    """

    def __init__(self, watch: LaneWatch, *, detector: bool, alone: bool) -> None:
        self._watch = watch
        self._detector = detector
        self._alone = alone
        self._run = watch.clock.now().isoformat() if alone else ""
        self._count = 0
        self._heard: OrderedDict[str, tuple[Report, int, float]] = OrderedDict()

    def tell(self, payload: bytes) -> None:
        """Take a report. Raises `msgspec.DecodeError`, `UnicodeDecodeError`, `RecursionError`."""
        report = msgspec.json.decode(payload, type=Report)
        picture, report = report.picture, msgspec.structs.replace(report, picture="")  # what is remembered stays small
        mark = ""
        if report.id:
            if self._is_repeated(report):
                return
            mark = " ".join(filter(None, (report.id, report.boot or self._run)))
        watch = self._watch
        if self._detector and report.loop is not None:
            watch.loop(report.loop, mark)
        if self._detector and report.under is not None:
            watch.under(report.under, mark)
        if report.position is not None:
            watch.arm(report.position, mark)
        if report.fault:
            watch.fault(report.fault, mark)
        if report.plate:
            watch.plate(report.plate, mark)
        if report.code:
            watch.scanned(report.code, mark)
        if report.tag:
            watch.tag(report.tag, report.antenna, mark)
        if data := decoded(picture):
            watch.photo(data, Why.PLATE if report.plate else Why.PASSAGE, mark, report.plate)

    def forget_last(self) -> None:
        """The last report could not be kept: it may come again."""
        if self._heard:
            self._heard.popitem()

    def _is_repeated(self, report: Report) -> bool:
        now = self._watch.clock.monotonic()
        self._count += 1
        name = f"{report.boot} {report.id}"
        before = self._heard.get(name)
        if before is not None:
            same, count, at = before
            if report == same and self._count - count <= REPEATED_AFTER and now - at <= REPEATED_WITHIN:
                return True
            log.warning(
                "a report's id came again: the controller counts anew; let it say its `boot`, or never use an id twice",
                lane=str(self._watch.lane), device=self._watch.device, id=report.id[:64],
            )  # fmt: skip
            self._heard.clear()
            if self._alone:
                self._run = self._watch.clock.now().isoformat()
        self._heard[name] = (report, self._count, now)
        if len(self._heard) > REMEMBERED:
            self._heard.popitem(last=False)
        return False
