"""Signs to print, over the API: what their addresses take, and how one is answered."""

from __future__ import annotations

import asyncio
from typing import Annotated, Literal
from urllib.parse import quote

from litestar import Response
from litestar.params import QueryParameter

from taigan.web import posters
from taigan.web.api.common import AnyRequest

Drawing = Annotated[
    Literal["", "svg", "png", "pdf"],
    QueryParameter(name="format", description="Empty: as the Accept header asks, else SVG."),
]
SignSize = Annotated[Literal["a4", "screen"], QueryParameter(description="For paper or the lane's screen.")]


async def drawn(request: AnyRequest, sign: posters.Sign, name: str, format_: str, size: str) -> Response[bytes]:
    """A sign in the format that is asked for."""
    kind = posters.Format(format_) if format_ else posters.accepted(request.headers.get("accept", ""))
    body = await asyncio.to_thread(posters.poster, sign, posters.Size(size), kind)
    file = quote(f"{name}.{kind}", safe="")
    headers = {"content-disposition": f"inline; filename*=UTF-8''{file}", "vary": "accept"}
    return Response(body, media_type=posters.MEDIA_TYPES[kind], headers=headers)
