"""A Dahua gate over CGI: Digest, one GET that opens, `OK` for an answer."""

from __future__ import annotations

from aiohttp import web

from taigan.devices.electronics.gate import HttpGate
from taigan.devices.lanes.lane import Verb
from taigan.devices.lanes.photos import photo_of


class DahuaGate(HttpGate):
    """The gate."""

    realm = "Login to ITC"

    async def answer(self, request: web.Request) -> web.Response:
        query = request.query
        if request.path == "/cgi-bin/snapshot.cgi" and request.method == "GET":
            return web.Response(body=photo_of(self.lane.plate), content_type="image/jpeg")
        if (
            request.path != "/cgi-bin/trafficSnap.cgi"
            or request.method != "GET"
            or query.get("action") != "openStrobe"
            or query.get("channel") != str(self.settings.channel)
            or query.get("info.openType") != "Normal"
        ):
            return web.Response(status=400, text="Error\r\nBad Request!\r\n")
        reply = await self.act(Verb.OPEN)
        return web.Response(text="OK\r\n") if reply.accepted else web.Response(status=500, text="Error\r\n")
