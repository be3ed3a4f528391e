"""Pictures as cameras and gates send them: whole, of the right lane, and never in the way of a plate or a lift."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import msgspec
import pytest

from support.clock import ManualClock
from support.servers.ports import free_port
from support.stacks.barrier_bench import bench
from taigan.barriers.barrier import EventKind, LaneKey, Outcome, Photo, Position, Why
from taigan.barriers.door import Post
from taigan.barriers.kinds.vzenith.camera import Camera, Wiring
from taigan.barriers.watching.lane_watch import LaneWatch
from taigan.barriers.wires.photos import decoded
from taigan.devices.lanes.photos import photo_of

PLATE = "粤B12345"
HX: dict[str, Any] = {"driver": "hx-http", "serial": "hx-7"}
VZENITH: dict[str, Any] = {"driver": "vzenith-http", "serial": "vz-7"}


@pytest.mark.parametrize("settings", [HX, VZENITH], ids=["hx", "vzenith"])
async def test_a_plate_comes_with_its_picture(tmp_path: Path, settings: dict[str, Any]) -> None:
    async with bench(tmp_path, settings, heartbeat=3600) as lane:
        await lane.online()
        await lane.device.read_plate(PLATE)
        assert (await lane.heard.until(EventKind.PLATE)).plate == PLATE
        [photo] = lane.photos
        assert (photo.data, photo.plate, photo.why) == (photo_of(PLATE), PLATE, Why.PLATE)
        assert photo.lane == lane.barrier.watch.lane


@pytest.mark.parametrize("image", [None, 7, "***", ["a"], {"a": 1}, "é"], ids=str)
async def test_a_plate_counts_whatever_its_picture_is(tmp_path: Path, image: Any) -> None:
    async with bench(tmp_path, VZENITH, heartbeat=3600) as lane:
        await lane.online()
        alarm = lane.device.plate_alarm(PLATE, 1)
        alarm["result"]["PlateResult"]["imageFile"] = image
        answer = await lane.barrier.handle(Post(msgspec.json.encode({"AlarmInfoPlate": alarm}), {}, {}))
        assert answer.status == 200
        assert (await lane.heard.until(EventKind.PLATE)).plate == PLATE
        assert lane.photos == []


def gate(driver: str, picture: str) -> dict[str, Any]:
    url = f"http://127.0.0.1:{free_port()}"
    return {"driver": driver, "url": url, "username": "admin", "password": "admin12345", "picture": picture}


@pytest.mark.parametrize(
    ("driver", "path"),
    [("hikvision-isapi", "/ISAPI/Streaming/channels/101/picture"), ("dahua-cgi", "/cgi-bin/snapshot.cgi?channel=1")],
)
async def test_a_gate_with_a_camera_is_asked_for_a_picture_after_each_lift(
    tmp_path: Path, driver: str, path: str
) -> None:
    async with bench(tmp_path, gate(driver, path)) as lane:
        assert (await lane.open()).outcome is Outcome.ACCEPTED
        photo = await lane.next_photo()
        assert (photo.why, photo.data) == (Why.LIFT, photo_of(""))


async def test_a_gate_whose_camera_is_not_there_is_raised_all_the_same(tmp_path: Path) -> None:
    async with bench(tmp_path, gate("dahua-cgi", "/cgi-bin/nothing.cgi")) as lane:
        for _ in range(3):
            assert (await lane.open()).outcome is Outcome.ACCEPTED
        assert lane.photos == []
        assert lane.barrier.state.online


def test_base64_in_a_cameras_own_spelling_is_read() -> None:
    data = bytes(range(256))
    written = base64.b64encode(data).translate(bytes.maketrans(b"+/=", b"-_."))
    assert decoded(written, b"-_.") == data
    assert decoded(base64.b64encode(data).decode()) == data
    assert decoded("é") == decoded(None) == decoded(7) == b""


def test_a_picture_is_named_by_what_it_shows_so_that_every_process_names_it_alike() -> None:
    taken: list[Photo] = []

    async def nobody(event: object) -> None: ...

    for _ in range(2):
        watch = LaneWatch(LaneKey("1-7", "A1"), nobody, ManualClock(), device="camera", photos=taken.append)
        watch.photo(photo_of(PLATE), Why.PLATE, "camera 7", "粤b·12345")
        watch.photo(photo_of("粤B99999"), Why.PLATE, "camera 7", "unreadable" * 30)
    names = [photo.photo_id for photo in taken]
    assert names[:2] == names[2:]
    assert len(set(names)) == 2
    assert [photo.plate for photo in taken[:2]] == [PLATE, ""]


async def test_a_picture_that_a_camera_took_without_a_reason_is_called_by_what_the_lane_does() -> None:
    taken: list[Photo] = []

    async def nobody(event: object) -> None: ...

    watch = LaneWatch(LaneKey("1-7", "A1"), nobody, ManualClock(), device="camera", photos=taken.append)
    camera = Camera("c5h-1", Wiring(), watch)
    image = {"imageFile": base64.b64encode(photo_of("")).decode()}
    watch.loop(True)
    watch.arm(Position.CLOSED)
    camera.snapped(image, "comes")
    watch.arm(Position.OPEN)
    camera.snapped(image, "lifted")
    watch.loop(False)
    camera.snapped(image, "passes")
    camera.plate_read({"result": {"PlateResult": {"license": "", "plateid": 7, **image}}})
    assert [photo.why for photo in taken] == [Why.PLATE, Why.LIFT, Why.PASSAGE, Why.PLATE]
    await watch.stop()
