"""What 臻识 Vzenith cameras (and 千熠/芊熠, 博粤) say and understand, over MQTT and over HTTP alike."""

from __future__ import annotations

import base64
import re
from typing import Annotated, Any

import msgspec

from taigan.barriers.barrier import Position, Why
from taigan.barriers.watching.lane_watch import LaneWatch
from taigan.barriers.wires.led import ScreenSettings, frames
from taigan.barriers.wires.photos import decoded

PLATES_REMEMBERED = 64
PLATE = re.compile(r"[A-Z0-9\u4e00-\u9fff _·-]*")

Output = Annotated[int, msgspec.Meta(ge=0, le=3)]


class Wiring(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How the camera is wired to the barrier.

    `open_output` and `close_output`: the relay outputs, pulsed for `open_pulse` and `close_pulse` milliseconds.
    `loop_input`, `under_input`: the inputs of the loop before the arm and of the one under it, -1 for none.
    `loop_lit`: the value that says that a car is there. `position`: the arm's limit switches are wired to the camera.
    `screen_channel`: the serial port that the LED screen and voice card hang on.
    """

    open_output: Output = 0
    open_pulse: Annotated[int, msgspec.Meta(ge=500, le=5000)] = 1500
    close_output: Annotated[int, msgspec.Meta(ge=-1, le=3)] = 1
    close_pulse: Annotated[int, msgspec.Meta(ge=500, le=5000)] = 3000
    loop_input: Annotated[int, msgspec.Meta(ge=-1, le=3)] = 0
    under_input: Annotated[int, msgspec.Meta(ge=-1, le=3)] = -1
    loop_lit: Annotated[int, msgspec.Meta(ge=0, le=1)] = 1
    position: bool = False
    screen_channel: Annotated[int, msgspec.Meta(ge=0, le=1)] = 0


class TriggerResult(msgspec.Struct):
    """An input that changed."""

    source: int
    value: int


class PlateResult(msgspec.Struct):
    """A plate that was read. `license` is base64 or plain text, as firmware and relays have it.

    `imageFile` is the whole picture in base64, where the camera is set to send it.
    """

    license: str = ""
    imageFile: Any = ""
    plateid: int | str = ""
    isoffline: int = 0


class Camera:
    """Turns the camera's messages into what the lane's watch understands."""

    def __init__(self, serial: str, wiring: Wiring, watch: LaneWatch) -> None:
        self._serial = serial
        self._wiring = wiring
        self._watch = watch
        self._plates: dict[str, None] = {}  # read lately: the camera repeats what it thinks was not heard

    def input_changed(self, alarm: Any, mark: str) -> None:
        """`AlarmGioIn`: a loop was lit or released."""
        trigger = msgspec.convert(_inside(alarm, "result", "TriggerResult"), TriggerResult, strict=False)
        lit = trigger.value == self._wiring.loop_lit
        if trigger.source == self._wiring.loop_input:
            self._watch.loop(lit, mark)
        elif trigger.source == self._wiring.under_input:
            self._watch.under(lit, mark)

    def plate_read(self, alarm: Any) -> bool:
        """`AlarmInfoPlate`: whether it is new and of now; one from the camera's memory, or a repeat, is neither."""
        plate = msgspec.convert(_inside(alarm, "result", "PlateResult"), PlateResult, strict=False)
        mark = f"{self._serial} {plate.plateid}"
        if plate.isoffline or (plate.plateid != "" and mark in self._plates):
            return False
        self._plates[mark] = None
        if len(self._plates) > PLATES_REMEMBERED:
            del self._plates[next(iter(self._plates))]
        text = plate_text(plate.license)
        self._watch.plate(text, mark)
        self._photo(plate.imageFile, mark, Why.PLATE, text)
        return True

    def snapped(self, image: Any, mark: str) -> None:
        """`TriggerImage`: a picture that was not taken for a plate. The camera does not say why it took it; whether the
        arm is up and a car stands before it does."""
        up = self._watch.state.position in (Position.OPEN, Position.RISING)
        why = Why.PLATE if not up else Why.LIFT if self._watch.signals.present else Why.PASSAGE
        self._photo(_inside(image, "imageFile"), mark, why)

    def _photo(self, encoded: Any, mark: str, why: Why, plate: str = "") -> None:
        if data := decoded(encoded):
            self._watch.photo(data, why, mark, plate)

    def arm_moved(self, status: Any, mark: str) -> None:
        """`barr_gate_status`: 1 is up, 0 is down."""
        positions = {0: Position.CLOSED, 1: Position.OPEN}
        self._watch.arm(positions.get(_inside(status, "gate_status"), Position.UNKNOWN), mark)


def serial_data(text: str, screen: ScreenSettings, channel: int) -> list[dict[str, Any]]:
    """The frames of a text as `serialData` items."""
    return [
        {
            "serialChannel": channel,
            "data": base64.b64encode(frame).decode(),
            "dataLen": len(frame),
        }
        for frame in frames(text, screen)
    ]


def _inside(value: Any, *path: str) -> Any:
    """The value under `path`. Raises `msgspec.ValidationError` where it is not there."""
    for step in path:
        if not isinstance(value, dict) or step not in value:
            raise msgspec.ValidationError(f"the message lacks `{step}`")
        value = value[step]
    return value


def plate_text(licence: str) -> str:
    """What `license` says: the plate, whether it came as base64 or as plain text.

    Some plain plates in Latin letters are good base64 as well (AB12, FSM6746N). What they would decode to is no plate:
    it must be Chinese characters, capital letters and digits, and a text that could itself be a plate is taken for
    base64 only where what comes out begins in Chinese.
    """
    try:
        decoded = base64.b64decode(licence, validate=True).decode("utf-8")
    except ValueError:  # not ASCII, not base64, not UTF-8
        return licence
    if not PLATE.fullmatch(decoded):
        return licence
    return licence if decoded[:1].isascii() and PLATE.fullmatch(licence) else decoded
