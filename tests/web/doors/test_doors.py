"""What is in front of the single doors: one application for each first part of a path, and the devices' door."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from support.clock import ManualClock
from taigan.barriers.barrier import LaneKey
from taigan.barriers.door import PICTURE_LIMIT, REPORT_LIMIT, Answer, Door, Mailbox, Post
from taigan.web.asgi import Receive, Scope, Send, respond
from taigan.web.doors.devices import Devices
from web.house import Houses, client_of


async def console(scope: Scope, receive: Receive, send: Send) -> None:
    await respond(send, 200, f"console at {scope['path']}".encode(), "text/plain")


async def test_another_application_can_be_mounted_by_the_first_part_of_its_paths(houses: Houses) -> None:
    house = await houses(extra={"console": console, "": console})
    async with client_of(house, None) as client:
        assert (await client.get("/console/lanes")).text == "console at /console/lanes"
        assert (await client.get("/")).text == "console at /"
        assert (await client.get("/healthz")).status_code == 200


@pytest.mark.parametrize(
    "address", ["/nothing", "/apiv1", "/bolinks", "/schema", "/schema/openapi.json", "/%2e%2e/etc"]
)
async def test_an_address_nobody_answers_at_is_404_in_the_apis_form(houses: Houses, address: str) -> None:
    async with client_of(await houses(), None) as client:
        answer = await client.get(address)
    assert answer.status_code == 404
    assert answer.json() == {
        "error": {"code": "not_found", "message": "there is nothing at this address", "field": None}
    }


SECRET = "the-secret-of-this-camera"


class Camera:
    """Stands in for the driver of a device that posts."""

    def __init__(self, **mailbox: Any) -> None:
        self.heard: list[Post] = []
        self.warned: list[str] = []
        self.fails = False
        self.clock = ManualClock()
        self.door = Door(self.clock, open_to=frozenset(mailbox.pop("open_to", ())))
        own = {"secret": SECRET, "forms": True, "limit": PICTURE_LIMIT, **mailbox}
        self.door.put(Mailbox(LaneKey("lot", "A1"), "vzenith-http", "SN1", self.handle, self.warned.append, **own))

    async def handle(self, post: Post) -> Answer:
        if self.fails:
            raise RuntimeError("broken")
        self.heard.append(post)
        return Answer(b"<ok/>", content_type="text/xml")


ADDRESS = f"/devices/vzenith-http/SN1/{SECRET}"


async def post(
    camera: Camera,
    houses: Houses,
    address: str = ADDRESS,
    body: bytes = b"",
    method: str = "POST",
    headers: dict[str, str] | None = None,
) -> httpx.Response:
    async with client_of(await houses(devices=camera.door), None) as client:
        return await client.request(method, address, content=body, headers=headers)


async def test_what_a_device_posts_reaches_its_driver_and_the_answer_goes_back(houses: Houses) -> None:
    camera = Camera()
    answer = await post(camera, houses, f"{ADDRESS}?a=1", b"\xff\x00")
    assert (answer.status_code, answer.headers["content-type"], answer.content) == (200, "text/xml", b"<ok/>")
    assert [heard.body for heard in camera.heard] == [b"\xff\x00"]


@pytest.mark.parametrize(
    ("address", "method", "body", "status"),
    [
        ("/devices/vzenith-http/unknown", "POST", b"", 404),
        ("/devices/vzenith-http/SN1", "POST", b"", 404),
        ("/devices/vzenith-http/SN1/", "POST", b"", 404),
        ("/devices/vzenith-http/SN1/another-secret-entirely", "POST", b"", 404),
        ("/devices/vzenith-http/SN1/%ff", "POST", b"", 404),
        (f"{ADDRESS}/more", "POST", b"", 404),
        ("/devices/vzenith-http", "POST", b"", 404),
        ("/devices/%ff/a", "POST", b"", 404),
        (ADDRESS, "GET", b"", 405),
        (ADDRESS, "POST", b"x" * (PICTURE_LIMIT + 1), 413),
    ],
)
async def test_what_no_device_posts_is_refused(
    houses: Houses, address: str, method: str, body: bytes, status: int
) -> None:
    camera = Camera()
    assert (await post(camera, houses, address, body, method)).status_code == status
    assert camera.heard == []


@pytest.mark.parametrize("header", ["Origin", "Sec-Fetch-Site", "Referer"])
async def test_a_page_in_a_browser_is_never_heard(houses: Houses, header: str) -> None:
    camera = Camera()
    assert (await post(camera, houses, headers={header: "https://evil.example"})).status_code == 403
    assert camera.heard == []


async def test_an_unknown_device_is_refused_before_its_body_is_read() -> None:
    async def receive() -> Any:
        raise AssertionError("the body was read")

    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    headers = [(b"content-length", b"400000")]
    for path in (b"/devices/vzenith-http/unknown", b"/devices/vzenith-http/SN1/wrong"):
        scope = {"method": "POST", "path": path.decode(), "raw_path": path, "headers": headers, "client": ("x", 1)}
        await Devices(Camera().door)(scope, receive, send)
    assert [message["status"] for message in sent if "status" in message] == [404, 404]


async def test_all_that_is_no_picture_is_small(houses: Houses) -> None:
    camera = Camera(limit=REPORT_LIMIT)
    assert (await post(camera, houses, body=b"x" * REPORT_LIMIT)).status_code == 200
    assert (await post(camera, houses, body=b"x" * (REPORT_LIMIT + 1))).status_code == 413


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("application/x-www-form-urlencoded", b"a=1&" * 101),
        ("multipart/form-data; boundary=b", b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n' * 8000),
        ("multipart/form-data", b"--b\r\n\r\n"),
        ("multipart/form-data; boundary=b", b"--b\r\n" + b"X: y\r\n" * 100 + b"\r\n"),
    ],
)
async def test_a_form_that_no_camera_sends_is_400(houses: Houses, kind: str, body: bytes) -> None:
    camera = Camera()
    answer = await post(camera, houses, body=body, headers={"content-type": kind})
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "bad_form")
    assert camera.heard == []


async def test_a_form_is_not_looked_at_where_the_driver_wants_none(houses: Houses) -> None:
    camera = Camera(forms=False)
    kind = {"content-type": "application/x-www-form-urlencoded"}
    assert (await post(camera, houses, body=b"a=1&" * 101, headers=kind)).status_code == 200
    assert camera.heard[0].form == {}


async def test_a_device_that_is_named_may_post_without_its_secret(houses: Houses) -> None:
    camera = Camera(open_to=["vzenith-http/SN1"])
    assert (await post(camera, houses, "/devices/vzenith-http/SN1")).status_code == 200
    assert (await post(camera, houses, "/devices/vzenith-http/SN1/wrong")).status_code == 404


async def test_a_device_with_an_address_of_its_own_is_heard_from_there_alone(houses: Houses) -> None:
    camera = Camera(sender="192.168.1.64")
    assert (await post(camera, houses)).status_code == 403
    assert (camera.heard, len(camera.warned)) == ([], 1)
    assert "192.168.1.64" in camera.warned[0]


def test_two_addresses_for_one_device_within_minutes_are_an_alarm_once_an_hour() -> None:
    camera = Camera()
    mailbox = camera.door.find("vzenith-http", "SN1")
    assert mailbox is not None
    for sender in ("10.0.0.1", "10.0.0.1", "10.0.0.2", "10.0.0.1", "10.0.0.2"):
        assert camera.door.is_from(mailbox, sender)
    assert camera.warned == ["10.0.0.2 and 10.0.0.1 both speak for this device"]
    camera.clock.advance(3601)
    assert camera.door.is_from(mailbox, "10.0.0.3")  # it has another address now
    assert len(camera.warned) == 1


class _TimeOfALoop(asyncio.SelectorEventLoop):
    """A loop whose time passes when a test says so, however slow the machine is."""

    passed = 0.0

    def time(self) -> float:
        return self.passed


def test_a_body_that_stands_still_is_given_up_and_one_that_moves_is_not() -> None:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def asked(pause: float, pieces: int) -> int:
        left = [pieces]
        loop = asyncio.get_running_loop()
        assert isinstance(loop, _TimeOfALoop)

        async def receive() -> Any:
            loop.passed += pause
            for _ in range(2):  # the loop looks at its timers once in between
                await asyncio.sleep(0)
            left[0] -= 1
            return {"type": "http.request", "body": b"x", "more_body": left[0] > 0}

        sent.clear()
        scope = {"method": "POST", "path": ADDRESS, "raw_path": ADDRESS.encode(), "headers": [], "client": ("x", 1)}
        await Devices(Camera().door, piece_timeout=3, body_timeout=60)(scope, receive, send)
        return int(sent[0]["status"])

    with asyncio.Runner(loop_factory=_TimeOfALoop) as runner:
        assert runner.run(asked(pause=2.9, pieces=20)) == 200
        assert runner.run(asked(pause=3.1, pieces=1)) == 408
        assert runner.run(asked(pause=2.9, pieces=21)) == 408


async def test_a_driver_that_breaks_is_an_error_of_ours(houses: Houses) -> None:
    camera = Camera()
    camera.fails = True
    assert (await post(camera, houses)).status_code == 500


async def test_without_devices_there_is_no_such_door(houses: Houses) -> None:
    async with client_of(await houses(), None) as client:
        assert (await client.post("/devices/vzenith-http/a")).status_code == 404
