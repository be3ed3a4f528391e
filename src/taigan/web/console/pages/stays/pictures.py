"""Pictures of cars, for whoever may see the stays of the lot. Each has an address of its own; none says whose it is."""

from __future__ import annotations

from http import HTTPStatus

from litestar import Response, get
from litestar.params import FromPath

from taigan.lot.errors import UnknownOrder
from taigan.rights import Right
from taigan.storage.kept import shots
from taigan.web.console.allowed import need
from taigan.web.console.visit import Answer, Here, Visit

KEPT = {"cache-control": "private, max-age=300", "vary": "cookie", "content-disposition": "inline"}


@get("/lots/{lot_id:str}/pictures/{shot_id:str}", right=Right.PICTURE_SEE)
async def picture(visit: Here, shot_id: FromPath[str]) -> Answer:
    """A picture, as large as it is kept."""
    return await _answer(visit, shot_id)


@get("/lots/{lot_id:str}/pictures/{shot_id:str}/small", right=Right.PICTURE_SEE)
async def small_picture(visit: Here, shot_id: FromPath[str]) -> Answer:
    """The same for lists."""
    return await _answer(visit, shot_id, smaller=True)


async def _answer(visit: Visit, shot_id: str, *, smaller: bool = False) -> Answer:
    need(visit, Right.STAY_SEE)
    lot_id = visit.here.lot_id
    shot = await visit.office.database.read(lambda conn: shots.one(conn, lot_id, shot_id))
    found = await visit.office.album.read(shot, smaller=smaller) if shot is not None else None
    if found is None:
        raise UnknownOrder(f"lot {lot_id} has no such picture", "shot_id")
    content_type, data = found
    return Response(data, status_code=HTTPStatus.OK, media_type=content_type, headers=KEPT)


PAGES = (picture, small_picture)
