"""What arms and cars do in the simulated lanes."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from support.stacks.simulated_lanes import Platform, Script, running, settings
from taigan.devices.lanes.lanes import LanesSettings

NEVER = 60.0


@pytest.fixture
def lanes(tmp_path: Path) -> LanesSettings:
    return settings(tmp_path)


@pytest.fixture
def slow_lanes(tmp_path: Path) -> LanesSettings:
    """The arm never arrives while a test looks."""
    return settings(tmp_path, travel_time=NEVER)


async def at_end_of_frames(platform: Platform) -> None:
    """Return when every frame sent so far has been dealt with."""
    await platform.command("end of frames", channel="nowhere")
    await platform.reply("end of frames")


async def test_a_new_lane_is_closed_and_empty(lanes: LanesSettings) -> None:
    async with running(lanes) as url, Script(url) as script:
        assert await script.get() == {
            "lifts": 0,
            "barrier": "closed",
            "car": None,
            "plate": "",
            "read": "",
            "screen": "",
            "code": "",
            "mode": "ok",
            "camera": "reads",
            "power": "back",
        }


async def test_a_car_drives_in_and_the_arm_comes_down_behind_it(lanes: LanesSettings) -> None:
    async with running(lanes) as url, Script(url) as script, Platform(url) as platform:
        await platform.watch()
        assert (await script.put(car="arrives"))["car"] == "loop"
        await platform.command("lift-1")
        assert (await platform.reply("lift-1"))["outcome"] == "accepted"
        await platform.event("up")
        assert (await script.put(car="passes"))["car"] is None
        await platform.event("down")
        assert platform.kinds == ["arrived", "rising", "up", "passed", "falling", "down"]
        lane = await script.get()
        assert (lane["lifts"], lane["barrier"], lane["car"], lane["mode"]) == (1, "closed", None, "ok")


async def test_the_reply_comes_before_the_movement(lanes: LanesSettings) -> None:
    async with running(lanes) as url, Platform(url) as platform:
        await platform.watch()
        await platform.command("lift-1")
        await platform.event("rising")
        told = [frame.get("reply") or frame.get("kind") for frame in platform.frames]
        assert told.index("lift-1") < told.index("rising")


async def test_a_car_under_the_arm_is_seen_there(tmp_path: Path) -> None:
    async with running(settings(tmp_path, travel_time=0.4)) as url, Script(url) as script, Platform(url) as platform:
        await platform.watch()
        await script.put(car="arrives")
        await platform.command("lift-1")
        async with script.watching() as states:
            passing = asyncio.create_task(script.put(car="passes"))
            assert (await states.until(car="under"))["barrier"] == "open"
        assert (await passing)["car"] is None


async def test_passing_waits_for_a_rising_arm(lanes: LanesSettings) -> None:
    async with running(lanes) as url, Script(url) as script, Platform(url) as platform:
        await platform.watch()
        await script.put(car="arrives")
        await platform.command("lift-1")
        await platform.reply("lift-1")
        await script.put(car="passes")
        assert platform.kinds[:4] == ["arrived", "rising", "up", "passed"]


@pytest.mark.parametrize("action", ["passes", "leaves", "backs_out"])
async def test_no_car_cannot_go_anywhere(lanes: LanesSettings, action: str) -> None:
    async with running(lanes) as url, Script(url) as script:
        status, answer = await script.try_put(car=action)
        assert (status, answer["error"]["field"]) == (409, "car")


async def test_a_car_does_not_pass_a_closed_arm(lanes: LanesSettings) -> None:
    async with running(lanes) as url, Script(url) as script:
        await script.put(car="arrives")
        status, answer = await script.try_put(car="passes")
        assert (status, answer["error"]["message"]) == (409, "the arm is not up")
        assert (await script.get())["car"] == "loop"


async def test_a_car_does_not_pass_a_falling_arm(slow_lanes: LanesSettings) -> None:
    async with running(slow_lanes) as url, Script(url) as script, Platform(url) as platform:
        await platform.watch()
        await script.put(car="arrives")
        await platform.command("lift-1")
        await platform.command("down", "close")
        await platform.event("falling")
        assert (await script.try_put(car="passes"))[0] == 409


async def test_two_cars_do_not_stand_on_one_loop(lanes: LanesSettings) -> None:
    async with running(lanes) as url, Script(url) as script:
        await script.put(car="arrives")
        assert (await script.try_put(car="arrives"))[0] == 409


async def test_a_car_that_backs_out_of_a_raised_arm_lets_it_down(lanes: LanesSettings) -> None:
    async with running(lanes) as url, Script(url) as script, Platform(url) as platform:
        await platform.watch()
        await script.put(car="arrives")
        await platform.command("lift-1")
        await platform.event("up")
        await script.put(car="backs_out")
        await platform.event("down")
        assert platform.kinds == ["arrived", "rising", "up", "backed_out", "falling", "down"]


async def test_leaving_is_backing_out_of_a_closed_arm(lanes: LanesSettings) -> None:
    async with running(lanes) as url, Script(url) as script, Platform(url) as platform:
        await platform.watch()
        await script.put(car="arrives")
        await script.put(car="leaves")
        assert platform.kinds == ["arrived", "backed_out"]


async def test_leaving_is_passing_a_raised_arm(lanes: LanesSettings) -> None:
    async with running(lanes) as url, Script(url) as script, Platform(url) as platform:
        await platform.watch()
        await script.put(car="arrives")
        await platform.command("lift-1")
        await script.put(car="leaves")
        assert "passed" in platform.kinds


async def test_a_second_car_follows_through_on_the_same_lift(lanes: LanesSettings) -> None:
    async with running(lanes) as url, Script(url) as script, Platform(url) as platform:
        await platform.watch()
        await script.put(car="arrives")
        await platform.command("lift-1")
        await script.put(car="second_car")
        first = platform.car_kinds[0][1]
        assert platform.car_kinds[1] == ("passed", first)
        kind, second = platform.car_kinds[2]
        assert kind == "second_car"
        assert second != first
        await platform.event("down")
        assert (await script.get())["lifts"] == 1


async def test_a_car_slips_through_an_arm_that_was_left_up(lanes: LanesSettings) -> None:
    async with running(lanes) as url, Script(url) as script, Platform(url) as platform:
        await platform.watch()
        await platform.command("lift-1")
        await script.put(car="second_car")
        await platform.event("down")
        assert platform.kinds == ["rising", "up", "second_car", "falling", "down"]


async def test_a_second_car_at_an_empty_closed_lane_just_arrives(lanes: LanesSettings) -> None:
    async with running(lanes) as url, Script(url) as script, Platform(url) as platform:
        await platform.watch()
        await script.put(car="second_car")
        assert platform.kinds == ["arrived"]


async def test_nose_to_tail_the_loop_is_never_free(lanes: LanesSettings) -> None:
    async with running(lanes) as url, Script(url) as script, Platform(url) as platform:
        await platform.watch()
        await script.put(car="arrives")
        await script.put(car="second_car")
        assert platform.kinds == ["arrived"]
        await platform.command("lift-1")
        assert (await script.put(car="passes"))["car"] == "loop"
        (_, first), passed, (kind, second) = platform.car_kinds
        assert passed == ("passed", first)
        assert kind == "arrived"
        assert second != first
        await platform.event("down")


async def test_the_car_behind_moves_up_when_the_first_leaves_backwards(lanes: LanesSettings) -> None:
    async with running(lanes) as url, Script(url) as script, Platform(url) as platform:
        await platform.watch()
        await script.put(car="arrives")
        await script.put(car="second_car")
        assert (await script.put(car="leaves"))["car"] == "loop"
        assert platform.kinds == ["arrived", "backed_out", "arrived"]


async def test_the_queued_car_follows_and_the_next_one_moves_up(lanes: LanesSettings) -> None:
    async with running(lanes) as url, Script(url) as script, Platform(url) as platform:
        await platform.watch()
        await script.put(car="arrives")
        await script.put(car="second_car")
        await platform.command("lift-1")
        await script.put(car="second_car")
        assert [kind for kind, _ in platform.car_kinds] == ["arrived", "passed", "second_car", "arrived"]
        assert len({presence for _, presence in platform.car_kinds}) == 3


async def test_opening_an_open_arm_is_no_lift(lanes: LanesSettings) -> None:
    async with running(lanes) as url, Script(url) as script, Platform(url) as platform:
        await platform.watch()
        await platform.command("lift-1")
        await platform.event("up")
        await platform.command("lift-2")
        assert (await platform.reply("lift-2"))["outcome"] == "accepted"
        state = await script.get()
        assert (state["lifts"], state["barrier"]) == (1, "open")


async def test_opening_a_falling_arm_is_a_second_lift(slow_lanes: LanesSettings) -> None:
    async with running(slow_lanes) as url, Script(url) as script, Platform(url) as platform:
        await platform.watch()
        await platform.command("lift-1")
        await platform.command("down", "close")
        await platform.command("lift-2")
        await platform.reply("lift-2")
        state = await script.get()
        assert (state["lifts"], state["barrier"]) == (2, "rising")


async def test_a_held_arm_stays_up_behind_cars_until_it_is_closed(lanes: LanesSettings) -> None:
    async with running(lanes) as url, Script(url) as script, Platform(url) as platform:
        await platform.watch()
        await platform.command("hold", "hold")
        await platform.event("up")
        await script.put(car="arrives")
        assert (await script.put(car="passes"))["barrier"] == "open"
        assert (await script.put(car="second_car"))["barrier"] == "open"
        await platform.command("down", "close")
        await platform.event("down")
        assert (await script.get())["lifts"] == 1


async def test_an_open_arm_can_be_held(lanes: LanesSettings) -> None:
    async with running(lanes) as url, Script(url) as script, Platform(url) as platform:
        await platform.watch()
        await platform.command("lift-1")
        await platform.event("up")
        await platform.command("hold", "hold")
        await platform.reply("hold")
        await script.put(car="second_car")
        assert (await script.get())["barrier"] == "open"
        assert (await platform.watch())["held"]


async def test_the_arm_does_not_come_down_onto_a_car(tmp_path: Path) -> None:
    async with running(settings(tmp_path, travel_time=0.4)) as url, Script(url) as script, Platform(url) as platform:
        await platform.watch()
        await script.put(car="arrives")
        await platform.command("lift-1")
        async with script.watching() as states:
            passing = asyncio.create_task(script.put(car="passes"))
            await states.until(car="under")
        await platform.command("down", "close")
        await platform.reply("down")
        await passing
        await platform.event("falling")
        assert platform.kinds == ["arrived", "rising", "up", "passed", "falling"]


async def test_a_command_after_its_deadline_never_moves_the_arm(lanes: LanesSettings) -> None:
    async with running(lanes) as url, Script(url) as script, Platform(url) as platform:
        await platform.watch()
        await platform.command("lift-1", seconds=-0.001)
        assert (await platform.reply("lift-1"))["outcome"] == "rejected"
        assert (await script.get())["lifts"] == 0


async def test_an_unknown_lane_rejects(lanes: LanesSettings) -> None:
    async with running(lanes) as url, Platform(url) as platform:
        await platform.command("lift-1", channel="Z9")
        answer = await platform.reply("lift-1")
        assert (answer["outcome"], answer["reason"]) == ("rejected", "unknown lane")


async def test_watching_an_unknown_lane_makes_it(lanes: LanesSettings) -> None:
    async with running(lanes) as url, Script(url) as script, Platform(url) as platform:
        await platform.watch("Z9")
        assert (await script.get("Z9"))["barrier"] == "closed"


async def test_a_lane_without_detector_reports_the_arm_and_no_cars(lanes: LanesSettings) -> None:
    async with running(lanes) as url, Script(url) as script, Platform(url) as platform:
        await platform.watch(detector=False)
        await script.put(car="arrives")
        await platform.command("lift-1")
        await script.put(car="passes")
        await platform.event("down")
        assert platform.kinds == ["rising", "up", "falling", "down"]
        snapshot = await platform.watch(detector=False)
        assert (snapshot["presence"], snapshot["ended"]) == ("", [])


async def test_the_screen_shows_what_it_is_told(lanes: LanesSettings) -> None:
    async with running(lanes) as url, Script(url) as script, Platform(url) as platform:
        await platform.send(lot_id="200002-7", channel_id="A1", screen="欢迎光临")
        await at_end_of_frames(platform)
        assert (await script.get())["screen"] == "欢迎光临"


class TestModes:
    async def test_fault_reports_itself_and_rejects(self, lanes: LanesSettings) -> None:
        async with running(lanes) as url, Script(url) as script, Platform(url) as platform:
            await platform.watch()
            await script.put(mode="fault")
            assert platform.kinds == ["fault"]
            await platform.command("lift-1")
            assert (await platform.reply("lift-1"))["outcome"] == "rejected"
            assert (await script.get())["lifts"] == 0

    async def test_silent_neither_moves_nor_answers(self, lanes: LanesSettings) -> None:
        async with running(lanes) as url, Script(url) as script, Platform(url) as platform:
            await platform.watch()
            await script.put(mode="silent")
            await platform.command("lift-1")
            await at_end_of_frames(platform)
            assert not any(frame.get("reply") == "lift-1" for frame in platform.frames)
            assert (await script.get())["lifts"] == 0

    async def test_late_moves_and_answers_after_the_deadline(self, tmp_path: Path) -> None:
        late = settings(tmp_path, late_by=3.0)
        async with running(late) as url, Script(url) as script, Platform(url) as platform:
            await platform.watch()
            await script.put(mode="late")
            await platform.command("lift-1", seconds=2.0)
            await at_end_of_frames(platform)
            assert (await script.get())["barrier"] == "closed"
            await platform.event("up")
            assert (await platform.reply("lift-1"))["outcome"] == "accepted"
            assert (await script.get())["lifts"] == 1

    async def test_mute_moves_and_only_the_loops_report(self, lanes: LanesSettings) -> None:
        async with running(lanes) as url, Script(url) as script, Platform(url) as platform:
            await platform.watch()
            await script.put(mode="mute")
            await script.put(car="arrives")
            await platform.command("lift-1")
            await script.until(barrier="open")
            assert (await platform.watch())["position"] == "unknown"
            await script.put(car="passes")
            await script.until(barrier="closed")
            await at_end_of_frames(platform)
            assert platform.kinds == ["arrived", "passed"]
            assert not any(frame.get("reply") == "lift-1" for frame in platform.frames)
            assert (await script.get())["lifts"] == 1

    async def test_locked_accepts_and_stays_down(self, lanes: LanesSettings) -> None:
        async with running(lanes) as url, Script(url) as script, Platform(url) as platform:
            await platform.watch()
            await script.put(mode="locked")
            await platform.command("lift-1")
            assert (await platform.reply("lift-1"))["outcome"] == "accepted"
            state = await script.get()
            assert (state["lifts"], state["barrier"]) == (0, "closed")

    @pytest.mark.parametrize("mode", ["fault", "silent", "mute", "locked", "late"])
    async def test_ok_clears_the_mode_and_the_arm_answers_again(self, lanes: LanesSettings, mode: str) -> None:
        async with running(lanes) as url, Script(url) as script, Platform(url) as platform:
            await platform.watch()
            await script.put(mode=mode)
            assert (await script.put(mode="ok"))["mode"] == "ok"
            await platform.command("lift-1")
            assert (await platform.reply("lift-1"))["outcome"] == "accepted"

    async def test_ok_brings_a_held_arm_back_to_closed_before_it_returns(self, lanes: LanesSettings) -> None:
        async with running(lanes) as url, Script(url) as script, Platform(url) as platform:
            await platform.watch()
            await platform.command("hold", "hold")
            await platform.event("up")
            assert (await script.put(mode="ok"))["barrier"] == "closed"
            assert platform.kinds[-1] == "down"

    async def test_ok_drops_a_late_command(self, tmp_path: Path) -> None:
        async with (
            running(settings(tmp_path, late_by=2.0)) as url,
            Script(url) as script,
            Platform(url) as platform,
        ):
            await platform.watch()
            await script.put(mode="late")
            await platform.command("dropped")
            await at_end_of_frames(platform)
            await script.put(mode="ok")
            await script.put(mode="late")
            await platform.command("lift-2")
            await platform.reply("lift-2")
            assert not any(frame.get("reply") == "dropped" for frame in platform.frames)

    async def test_after_mute_the_arm_says_where_it_is(self, lanes: LanesSettings) -> None:
        async with running(lanes) as url, Script(url) as script, Platform(url) as platform:
            await platform.watch()
            await script.put(mode="mute")
            await platform.command("lift-1")
            await script.until(barrier="open")
            await script.put(mode="locked")
            assert platform.kinds == ["up"]

    async def test_a_car_arrives_in_the_same_request_as_the_mode(self, lanes: LanesSettings) -> None:
        async with running(lanes) as url, Script(url) as script:
            state: dict[str, Any] = await script.put(mode="locked", car="arrives")
            assert (state["mode"], state["car"]) == ("locked", "loop")


class TestWatchers:
    async def test_a_put_returns_only_when_every_watcher_acknowledged(self, lanes: LanesSettings) -> None:
        async with (
            running(lanes) as url,
            Script(url) as script,
            Platform(url) as quick,
            Platform(url, acknowledges=False) as slow,
        ):
            await quick.watch()
            await slow.watch()
            arriving = asyncio.create_task(script.put(car="arrives"))
            event = await slow.event("arrived")
            await quick.event("arrived")
            await at_end_of_frames(quick)
            assert not arriving.done()
            await slow.send(ack=event["event"])
            await arriving

    async def test_a_put_does_not_wait_for_a_watcher_that_is_gone(self, lanes: LanesSettings) -> None:
        async with running(lanes) as url, Script(url) as script:
            async with Platform(url, acknowledges=False) as platform:
                await platform.watch()
                arriving = asyncio.create_task(script.put(car="arrives"))
                await platform.event("arrived")
            await arriving

    async def test_a_put_does_not_wait_for_ever(self, tmp_path: Path) -> None:
        quick = settings(tmp_path, acknowledged_within=0.01)
        async with running(quick) as url, Script(url) as script, Platform(url, acknowledges=False) as platform:
            await platform.watch()
            await script.put(car="arrives")

    async def test_watchers_of_other_lanes_hear_nothing(self, tmp_path: Path) -> None:
        async with running(settings(tmp_path, "A1", "A2")) as url, Script(url) as script, Platform(url) as platform:
            await platform.watch("A2")
            await script.put("A1", car="arrives")
            await script.put("A2", car="arrives")
            assert [frame["channel_id"] for frame in platform.frames if "event" in frame] == ["A2"]

    async def test_a_snapshot_tells_what_is_and_what_was(self, lanes: LanesSettings) -> None:
        async with running(lanes) as url, Script(url) as script:
            for _ in range(60):
                await script.put(car="arrives")
                await script.put(car="leaves")
            await script.put(car="arrives")
            async with Platform(url) as platform:
                snapshot = await platform.watch()
                assert len(snapshot["ended"]) == 50
                assert {kind for _, kind, _ in snapshot["ended"]} == {"backed_out"}
                assert snapshot["presence"]
                assert snapshot["position"] == "closed"

    @pytest.mark.parametrize(
        "frame",
        [
            "{",
            "[]",
            "{}",
            '"text"',
            "[" * 100_000,
            '{"watch": [{"lot_id": "", "channel_id": "A1"}]}',
            '{"id": "1", "lot_id": "200002-7", "channel_id": "A1", "command": "explode"}',
            '{"deadline": 1e999, "command": "open"}',
        ],
    )
    async def test_a_useless_frame_is_answered_and_the_channel_lives(self, lanes: LanesSettings, frame: str) -> None:
        async with running(lanes) as url, Platform(url) as platform:
            await platform.channel.send_str(frame)
            await platform.until(lambda answer: "error" in answer)
            await at_end_of_frames(platform)

    async def test_acknowledging_what_nobody_told_changes_nothing(self, lanes: LanesSettings) -> None:
        async with running(lanes) as url, Platform(url) as platform:
            await platform.send(ack="unheard of")
            await platform.channel.send_bytes(b"\xff")
            await at_end_of_frames(platform)
