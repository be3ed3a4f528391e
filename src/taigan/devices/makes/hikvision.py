"""A Hikvision gate over ISAPI: Digest, `PUT …/barrierGate`, and its position when it is asked.

A locked gate answers 1 as well, and stays down: the lane's mode `locked`, or the command `lock`.
"""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree

from aiohttp import web

from taigan.devices.electronics.gate import HttpGate
from taigan.devices.lanes.lane import Arm, Mode, Verb
from taigan.devices.lanes.photos import photo_of

OK = (1, "OK")
BUSY = (2, "Device Busy")
DEVICE_ERROR = (3, "Device Error")
NOT_SUPPORTED = (4, "Invalid Operation")
BAD_XML = (5, "Invalid XML Format")

VERBS = {"open": Verb.OPEN, "close": Verb.CLOSE, "lock": Verb.HOLD, "unlock": Verb.CLOSE}


class HikvisionGate(HttpGate):
    """The gate."""

    realm = "DS-TMG"

    async def answer(self, request: web.Request) -> web.Response:
        path = f"/ISAPI/Parking/channels/{self.settings.channel}/barrierGate"
        if request.path == f"{path}/barrierGateStatus" and request.method == "GET":
            return _xml(
                f"<BarrierGateStatus><barrierGateStatus>{self._position()}</barrierGateStatus>", "BarrierGateStatus"
            )
        if request.path == path and request.method == "PUT":
            return await self._control(await request.read())
        if request.path == "/ISAPI/Streaming/channels/101/picture" and request.method == "GET":
            return web.Response(body=photo_of(self.lane.plate), content_type="image/jpeg")
        return _status(NOT_SUPPORTED, 404)

    async def _control(self, body: bytes) -> web.Response:
        try:
            root = ElementTree.fromstring(body)
        except (ElementTree.ParseError, ValueError):
            return _status(BAD_XML, 400)
        verb = VERBS.get(root.findtext("ctrlMode", "").strip())
        if root.tag != "BarrierGate" or verb is None:
            return _status(NOT_SUPPORTED, 403)
        reply = await self.act(verb)
        return _status(OK, 200) if reply.accepted else _status(DEVICE_ERROR, 500)

    def _position(self) -> int:
        if self.lane.mode is Mode.MUTE:
            return 0
        return {Arm.CLOSED: 1, Arm.OPEN: 2}.get(self.lane.arm, 0)


def _status(status: tuple[int, str], http: int) -> web.Response:
    code, words = status
    content = (
        "<ResponseStatus><requestURL>/ISAPI/Parking</requestURL>"
        f"<statusCode>{code}</statusCode><statusString>{words}</statusString>"
    )
    response = _xml(content, "ResponseStatus")
    response.set_status(http)
    return response


def _xml(content: str, root: str) -> web.Response:
    namespaced = content.replace(f"<{root}>", f'<{root} version="2.0" xmlns="http://www.isapi.org/ver20/XMLSchema">', 1)
    text = f'<?xml version="1.0" encoding="UTF-8"?>{namespaced}</{root}>'
    return web.Response(text=text, content_type="application/xml")
