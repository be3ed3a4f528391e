"""The lanes' doors for scripts and pages: what they answer, and what they make of nonsense."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as effort
from hypothesis import strategies as some
from yarl import URL

from support.stacks.simulated_lanes import LOT, Platform, Script, running, settings
from taigan.devices.lanes.lanes import PortUnavailable

LANE = f"/lots/{LOT}/lanes/A1"


@pytest.fixture(scope="module")
async def script(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Script]:
    lanes = settings(tmp_path_factory.mktemp("lanes"), "A1", "入口/1 号", "%41")
    async with running(lanes) as url, Script(url) as script:
        yield script


@pytest.mark.parametrize("channel", ["A1", "入口/1 号", "%41"])
async def test_a_lane_is_found_by_its_percent_encoded_name(script: Script, channel: str) -> None:
    await script.put(channel, car="arrives")
    assert (await script.put(channel, car="leaves"))["car"] is None


async def test_an_unknown_lane_is_404(script: Script) -> None:
    for url in (script.lane_url("Z9"), script.lane_url("A1", "200002-8"), script.lane_url("Z9") / "events"):
        async with script.session.get(url) as answer:
            assert answer.status == 404
            assert (await answer.json())["error"]["code"] == "not_found"
    assert (await script.try_put("Z9", car="arrives"))[0] == 404


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b"", "body"),
        (b"{", "body"),
        (b"\xff", "body"),
        (b"[" * 60_000, "body"),
        (b"[]", "body"),
        (b"{}", "body"),
        (b'{"car": "flies"}', "car"),
        (b'{"car": null}', "car"),
        (b'{"car": ["arrives"]}', "car"),
        (b'{"mode": 1}', "mode"),
        (b'{"mode": "ok", "car": ""}', "car"),
        (b'{"lifts": 0}', "lifts"),
        (b'{"plate": "A"}', "plate"),
        (b'{"car": "passes", "plate": "A"}', "plate"),
        (b'{"car": "arrives", "plate": "A\\u0000"}', "plate"),
        (b'{"car": "arrives", "plate": 7}', "plate"),
        (b'{"car": "arrives", "plate": "ABCDEFGHJKLMNPQRS"}', "plate"),
        (b'{"camera": "sees"}', "camera"),
        (b'{"scanner": ""}', "scanner"),
        (b'{"handset": false}', "handset"),
        (b'{"power": "off"}', "power"),
    ],
)
async def test_a_bad_wish_is_400_and_named_and_changes_nothing(script: Script, body: bytes, field: str) -> None:
    before = await script.get()
    async with script.session.put(script.lane_url("A1"), data=body) as answer:
        error = (await answer.json())["error"]
        assert (answer.status, error["field"]) == (400, field)
        assert error["message"]
    assert await script.get() == before


async def test_a_body_that_is_too_large_is_413(script: Script) -> None:
    async with script.session.put(script.lane_url("A1"), data=b" " * 70_000) as answer:
        assert answer.status == 413
        assert (await answer.json())["error"]["code"] == "request_entity_too_large"


async def test_a_wrong_method_or_path_is_answered_in_json(script: Script) -> None:
    async with script.session.delete(script.lane_url("A1")) as answer:
        assert answer.status == 405
        assert "PUT" in answer.headers["Allow"]
        assert (await answer.json())["error"]["code"] == "method_not_allowed"
    async with script.session.get(f"{script.url}/nowhere") as answer:
        assert (await answer.json())["error"]["code"] == "not_found"


@given(body=some.binary(max_size=200) | some.recursive(some.text() | some.none() | some.floats(), some.lists).map(str))
@effort(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_no_body_makes_the_lanes_stumble(script: Script, body: bytes | str) -> None:
    async with script.session.put(script.lane_url("A1"), data=body) as answer:
        assert answer.status in (400, 413)


wishes = some.dictionaries(
    some.sampled_from(["car", "mode"]) | some.text(max_size=3),
    some.sampled_from(["arrives", "passes", "leaves", "backs_out", "second_car", "ok", "fault", "mute"])
    | some.none()
    | some.text(max_size=3)
    | some.integers()
    | some.lists(some.none()),
    max_size=3,
)


@given(wish=wishes)
@effort(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_any_wish_is_granted_refused_or_not_understood(script: Script, wish: dict[str, object]) -> None:
    status, _ = await script.try_put(**wish)
    assert status in (200, 400, 409)


@given(path=some.text(max_size=40), raw=some.binary(max_size=10))
@effort(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_no_path_makes_the_lanes_stumble(script: Script, path: str, raw: bytes) -> None:
    escaped = "".join(f"%{byte:02x}" for byte in path.encode(errors="replace") + raw)
    url = URL(f"{script.url}/lots/{escaped}/lanes/{escaped}", encoded=True)
    async with script.session.get(url) as answer:
        assert answer.status == 404


@given(
    frame=some.text(max_size=100)
    | some.dictionaries(
        some.sampled_from(["watch", "id", "lot_id", "channel_id", "command", "deadline", "screen", "ack"]),
        some.none()
        | some.text(max_size=5)
        | some.floats(allow_nan=False, allow_infinity=False)
        | some.lists(some.none())
        | some.sampled_from(["open", "A1", LOT]),
    ).map(json.dumps)
)
@effort(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_no_frame_makes_the_control_channel_stumble(script: Script, frame: str) -> None:
    async with Platform(script.url) as platform:
        await platform.channel.send_str(frame)
        await platform.command("still there", channel="nowhere")
        await platform.reply("still there")


async def test_all_lanes_are_listed(script: Script) -> None:
    async with script.session.get(f"{script.url}/lanes") as answer:
        lanes = (await answer.json())["items"]
    assert {"A1", "入口/1 号", "%41"} <= {lane["channel_id"] for lane in lanes}
    arm = {"lifts", "barrier", "car", "mode", "held", "queued", "power"}
    assert {"lot_id", "channel_id", "plate", "read", "camera", "screen", "code"} | arm == set(lanes[0])


async def test_a_page_sees_every_change_of_all_lanes_as_it_happens(tmp_path: Path) -> None:
    async with (
        running(settings(tmp_path, "A1", "A2")) as url,
        Script(url) as script,
        script.session.get(f"{url}/events") as stream,
    ):
        lines = (json.loads(line[6:]) async for line in stream.content if line.startswith(b"data: "))
        assert {(await anext(lines))["channel_id"], (await anext(lines))["channel_id"]} == {"A1", "A2"}
        await script.put("A2", car="arrives")
        state = await anext(lines)
        assert (state["channel_id"], state["car"]) == ("A2", "loop")


async def test_a_page_in_a_browser_may_neither_look_nor_act(script: Script) -> None:
    page = {"Origin": "http://127.0.0.1:1"}
    for method in ("OPTIONS", "PUT", "GET"):
        async with script.session.request(method, script.lane_url("A1"), headers=page, json={}) as answer:
            assert answer.status == 403, method
            assert "Access-Control-Allow-Origin" not in answer.headers
    for url in (f"{script.url}/lanes", script.lane_url("A1"), f"{script.url}/events"):
        async with script.session.get(url) as answer:
            assert "Access-Control-Allow-Origin" not in answer.headers


async def test_a_page_may_not_take_the_control_channel(script: Script) -> None:
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await script.session.ws_connect(f"{script.url}/control", headers={"Origin": "http://evil.example"})
    assert refused.value.status == 403


async def test_with_a_token_everything_but_health_asks_for_it(tmp_path: Path) -> None:
    async with running(settings(tmp_path, token="门")) as url, Script(url) as script:
        for headers in ({}, {"Authorization": "Bearer wrong"}):
            async with script.session.get(f"{url}/lanes", headers=headers) as answer:
                assert answer.status == 401
        async with script.session.get(f"{url}/healthz") as answer:
            assert answer.status == 200
        async with script.session.get(URL(f"{url}/lanes").with_query(token="门")) as answer:
            assert answer.status == 200


async def test_the_process_ends_whoever_is_connected(tmp_path: Path) -> None:
    slow = settings(tmp_path, travel_time=3600.0)
    async with aiohttp.ClientSession() as session:
        async with running(slow) as url, Script(url) as script:
            platform = Platform(url, acknowledges=False)
            await platform.__aenter__()
            await platform.watch()
            stream = await session.get(f"{url}{LANE}/events")
            await platform.command("lift-1")
            await platform.event("rising")
            waiting = asyncio.create_task(session.put(f"{url}{LANE}", json={"mode": "ok"}))
            await script.until(barrier="falling")
        with pytest.raises(aiohttp.ClientError):
            await waiting
        stream.close()
        await platform.__aexit__()


async def test_a_port_in_use_is_one_clear_error(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(PortUnavailable, match=f"127.0.0.1:{port} cannot be listened on"):
            async with running(settings(tmp_path, port=port)):
                pass
    async with running(settings(tmp_path, port=port)):
        pass
