"""What an exit lane has beside its arm: a camera, a scanner, a handset, a screen with a code, and power that fails."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from support.stacks.simulated_lanes import LOT, Platform, Script, running, settings
from taigan.devices.lanes.camera import misread
from taigan.devices.lanes.lanes import LanesSettings

PLATE = "京A12345"


@pytest.fixture
def lanes(tmp_path: Path) -> LanesSettings:
    return settings(tmp_path)


def journal(lanes: LanesSettings) -> list[dict[str, object]]:
    return [json.loads(line) for line in lanes.journal.read_text().splitlines()]


async def test_the_camera_reads_the_car_that_comes_and_names_its_presence(lanes: LanesSettings) -> None:
    async with running(lanes) as url, Script(url) as script, Platform(url) as platform:
        await platform.watch()
        lane = await script.put(car="arrives", plate=PLATE)
        assert (lane["plate"], lane["read"]) == (PLATE, PLATE)
        arrived, read = await platform.event("arrived"), await platform.event("plate")
        assert (read["plate"], read["presence"]) == (PLATE, arrived["presence"])
        assert platform.kinds == ["arrived", "plate"]
        assert (await script.put(car="backs_out"))["plate"] == ""


@pytest.mark.parametrize("wishes", [{}, {"plate": ""}])
async def test_a_car_without_a_plate_is_not_read(lanes: LanesSettings, wishes: dict[str, str]) -> None:
    async with running(lanes) as url, Script(url) as script, Platform(url) as platform:
        await platform.watch()
        await script.put(car="arrives", **wishes)
        assert platform.kinds == ["arrived"]


async def test_a_lane_without_a_detector_is_read_without_a_presence(lanes: LanesSettings) -> None:
    async with running(lanes) as url, Script(url) as script, Platform(url) as platform:
        await platform.watch(detector=False)
        await script.put(car="arrives", plate=PLATE)
        read = await platform.event("plate")
        assert (read["plate"], read["presence"]) == (PLATE, "")


async def test_a_blind_camera_reads_when_it_sees_again(lanes: LanesSettings) -> None:
    async with running(lanes) as url, Script(url) as script, Platform(url) as platform:
        await platform.watch()
        await script.put(camera="blind")
        lane = await script.put(car="arrives", plate=PLATE)
        assert (lane["plate"], lane["read"], lane["camera"]) == (PLATE, "", "blind")
        assert platform.kinds == ["arrived"]
        assert (await script.put(camera="reads"))["read"] == PLATE
        assert (await platform.event("plate"))["plate"] == PLATE


async def test_a_misread_plate_is_followed_by_a_better_reading_of_the_same_car(lanes: LanesSettings) -> None:
    async with running(lanes) as url, Script(url) as script, Platform(url) as platform:
        await platform.watch()
        await script.put(camera="misreads", car="arrives", plate=PLATE)
        await script.put(camera="reads")
        readings = [frame for frame in platform.frames if frame.get("kind") == "plate"]
        assert [frame["plate"] for frame in readings] == ["京A1234S", PLATE]
        assert len({frame["presence"] for frame in readings}) == 1
        assert len({frame["event"] for frame in readings}) == 2


async def test_a_late_camera_reads_after_a_while_unless_the_car_has_gone(lanes: LanesSettings) -> None:
    async with running(lanes) as url, Script(url) as script, Platform(url) as platform:
        await platform.watch()
        await script.put(camera="late", car="arrives", plate="沪B00001")
        await script.put(car="backs_out")
        assert (await script.put(car="arrives", plate=PLATE))["read"] == ""
        await script.until(read=PLATE)
        assert [frame["plate"] for frame in platform.frames if frame.get("kind") == "plate"] == [PLATE]


@pytest.mark.parametrize("plate", [PLATE, "沪AKKKKK", "粤B9U8M6", "8", "A8"])
def test_a_misread_plate_differs_by_one_character(plate: str) -> None:
    wrong = misread(plate)
    assert len(wrong) == len(plate)
    assert sum(a != b for a, b in zip(plate, wrong, strict=True)) == 1


async def test_the_car_behind_brings_its_own_plate(lanes: LanesSettings) -> None:
    async with running(lanes) as url, Script(url) as script, Platform(url) as platform:
        await platform.watch()
        await script.put(car="arrives", plate=PLATE)
        await script.put(car="second_car", plate="沪B00001")
        assert (await script.put(car="backs_out"))["plate"] == "沪B00001"
        assert [frame["plate"] for frame in platform.frames if frame.get("kind") == "plate"] == [PLATE, "沪B00001"]


async def test_a_scanned_code_is_told_and_written_down_nowhere(lanes: LanesSettings) -> None:
    async with running(lanes) as url, Script(url) as script, Platform(url) as platform:
        await platform.watch()
        await script.put(car="arrives")
        await script.put(scanner="134567890123456789")
        scanned = await platform.event("scanned_code")
        assert (scanned["code"], scanned["presence"]) == (
            "134567890123456789",
            (await platform.event("arrived"))["presence"],
        )
    assert "134567890123456789" not in lanes.journal.read_text()


async def test_the_handset_raises_the_arm_without_a_command(lanes: LanesSettings) -> None:
    async with running(lanes) as url, Script(url) as script, Platform(url) as platform:
        await platform.watch()
        await script.put(handset=True)
        await platform.event("up")
        assert (await script.put(handset=True))["lifts"] == 1
    assert [line.get("command", "") for line in journal(lanes) if line.get("arm") == "rising"] == [""]


async def test_a_screen_shows_a_price_with_its_code_until_the_next_text(lanes: LanesSettings) -> None:
    async with running(lanes) as url, Script(url) as script, Platform(url) as platform:
        await platform.watch()
        price = {"plate": PLATE, "minutes": 185, "due_fen": 1500, "text": "请扫码缴费", "code": "https://pay/1"}
        await platform.send(lot_id=LOT, channel_id="A1", screen="应付15.00元", price=price)
        assert (await script.until(screen="应付15.00元"))["code"] == "https://pay/1"
        await platform.send(lot_id=LOT, channel_id="A1", screen="请驶入")
        assert (await script.until(screen="请驶入"))["code"] == ""


async def test_a_power_cut_raises_the_arm_and_says_only_that_the_lane_is_gone(lanes: LanesSettings) -> None:
    async with running(lanes) as url, Script(url) as script, Platform(url) as platform:
        await platform.watch()
        await script.put(car="arrives", plate=PLATE)
        lane = await script.put(power="cut")
        assert (lane["power"], lane["screen"], lane["car"]) == ("cut", "", "loop")
        await script.until(barrier="open")
        assert platform.kinds == ["arrived", "plate", "offline"]
        for wish in ({"scanner": "134567890123456789"}, {"handset": True}):
            status, answer = await script.try_put(**wish)
            assert (status, answer["error"]["field"]) == (409, "power")


async def test_with_the_power_back_the_loop_has_forgotten_its_car(lanes: LanesSettings) -> None:
    async with running(lanes) as url, Script(url) as script, Platform(url) as platform:
        await platform.watch()
        await script.put(car="arrives", plate=PLATE)
        await script.put(power="cut")
        await script.until(barrier="open")
        seen = len(platform.frames)
        await script.put(power="back")
        snapshot = (await platform.until(lambda frame: "snapshot" in frame, after=seen))["snapshot"][0]
        assert (snapshot["presence"], snapshot["position"], snapshot["ended"]) == ("", "open", [])
        again = await platform.until(lambda frame: frame.get("kind") == "plate", after=seen)
        assert (again["plate"], again["presence"]) == (PLATE, "")
        await script.put(car="passes")
        await script.put(car="arrives")
        assert platform.kinds.count("arrived") == 2
        assert "passed" not in platform.kinds


async def test_a_car_that_left_in_the_dark_was_never_seen(lanes: LanesSettings) -> None:
    async with running(lanes) as url, Script(url) as script, Platform(url) as platform:
        await platform.watch()
        await script.put(car="arrives")
        await script.put(power="cut")
        await script.put(car="passes")
        assert (await platform.watch())["power"] is False
        await script.put(power="back")
        assert (await platform.watch())["ended"] == []
        assert (await script.get())["barrier"] == "open"


async def test_a_command_without_power_is_not_answered(lanes: LanesSettings) -> None:
    async with running(lanes) as url, Script(url) as script, Platform(url) as platform:
        await platform.watch()
        await script.put(power="cut")
        await platform.command("lift-1")
        await script.put(power="back")
        await platform.command("lift-2")
        assert (await platform.reply("lift-2"))["outcome"] == "accepted"
        assert not any(frame.get("reply") == "lift-1" for frame in platform.frames)


async def test_camera_plate_and_power_outlive_the_process(lanes: LanesSettings) -> None:
    async with running(lanes) as url, Script(url) as script:
        await script.put(camera="blind", car="arrives", plate=PLATE)
        await script.put(power="cut")
        await script.until(barrier="open")
    async with running(lanes) as url, Script(url) as script, Platform(url) as platform:
        lane = await script.until(barrier="open")
        assert (lane["camera"], lane["plate"], lane["power"], lane["barrier"]) == ("blind", PLATE, "cut", "open")
        await script.put(power="back")
        assert (await platform.watch())["presence"] == ""
