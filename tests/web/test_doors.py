"""What is in front of the single doors: one application for each first part of a path, and the devices' door."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from taigan.web.asgi import Receive, Scope, Send, respond
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
    "address", ["/", "/nothing", "/apiv1", "/bolinks", "/schema", "/schema/openapi.json", "/%2e%2e/etc"]
)
async def test_an_address_nobody_answers_at_is_404_in_the_apis_form(houses: Houses, address: str) -> None:
    async with client_of(await houses(), None) as client:
        answer = await client.get(address)
    assert answer.status_code == 404
    assert answer.json() == {
        "error": {"code": "not_found", "message": "there is nothing at this address", "field": None}
    }


class Camera:
    """Stands in for the drivers of devices that post."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, str, bytes, bytes]] = []
        self.fails = False

    async def __call__(self, driver: str, serial: str, scope: Scope, body: bytes) -> tuple[int, str, bytes] | None:
        if self.fails:
            raise RuntimeError("broken")
        if serial == "unknown":
            return None
        self.heard.append((driver, serial, scope["query_string"], body))
        return 200, "text/xml", b"<ok/>"


async def post(camera: Camera, houses: Houses, address: str, body: bytes = b"", method: str = "POST") -> httpx.Response:
    handler: Any = camera
    async with client_of(await houses(devices=handler), None) as client:
        return await client.request(method, address, content=body)


async def test_what_a_device_posts_reaches_its_driver_and_the_answer_goes_back(houses: Houses) -> None:
    camera = Camera()
    answer = await post(camera, houses, "/devices/vzenith-http/SN%2F1?a=1", b"\xff\x00")
    assert (answer.status_code, answer.headers["content-type"], answer.content) == (200, "text/xml", b"<ok/>")
    assert camera.heard == [("vzenith-http", "SN/1", b"a=1", b"\xff\x00")]


@pytest.mark.parametrize(
    ("address", "method", "body", "status"),
    [
        ("/devices/vzenith-http/unknown", "POST", b"", 404),
        ("/devices/vzenith-http", "POST", b"", 404),
        ("/devices/vzenith-http/a/b", "POST", b"", 404),
        ("/devices/%ff/a", "POST", b"", 404),
        ("/devices/vzenith-http/a", "GET", b"", 405),
        ("/devices/vzenith-http/a", "POST", b"x" * (4 * 1024 * 1024 + 1), 413),
    ],
)
async def test_what_no_device_posts_is_refused(
    houses: Houses, address: str, method: str, body: bytes, status: int
) -> None:
    camera = Camera()
    assert (await post(camera, houses, address, body, method)).status_code == status
    assert camera.heard == []


async def test_a_driver_that_breaks_is_an_error_of_ours(houses: Houses) -> None:
    camera = Camera()
    camera.fails = True
    assert (await post(camera, houses, "/devices/vzenith-http/a")).status_code == 500


async def test_without_devices_there_is_no_such_door(houses: Houses) -> None:
    async with client_of(await houses(), None) as client:
        assert (await client.post("/devices/vzenith-http/a")).status_code == 404
