"""The admin's interface: scripts scan, look and break things through it, the admin's page is built on it.

Everything needs `Authorization: Bearer <admin token>`. Errors are
`{"error": {"code", "message", "field"}}`, lists `{"items", "next"}`, newest first, `limit` up to 1000 (default 100).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Any, Literal

import msgspec
from litestar import Request, Router, get, post, put
from litestar.connection import ASGIConnection
from litestar.exceptions import NotAuthorizedException
from litestar.handlers import BaseRouteHandler
from litestar.params import FromPath, JSONBody, QueryParameter
from litestar.response import ServerSentEvent, ServerSentEventMessage

from taigan.hub.admin import lists
from taigan.hub.admin.door import Door, bearer
from taigan.hub.admin.lists import (
    ArrivalDetail,
    ArrivalItem,
    Listed,
    LookItem,
    LotItem,
    PushDetail,
    PushItem,
    UploadItem,
)
from taigan.hub.book import registry, trail
from taigan.hub.book.trail import Step
from taigan.hub.drivers.phone import Screen
from taigan.hub.drivers.scans import Asked, Shown
from taigan.hub.errors import Unusable
from taigan.hub.faults import Fault
from taigan.hub.hub import FromHub, Hub
from taigan.hub.identity import App, simulated_identity, usable_name
from taigan.hub.pages.driver import PING

Limit = Annotated[int, QueryParameter(ge=1, le=1000)]
Cursor = Annotated[str, QueryParameter(pattern=r"^[0-9]{0,18}$")]
LotId = Annotated[str, QueryParameter(max_length=128)]
Short = Annotated[str, msgspec.Meta(max_length=128)]


class ScanRequest(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A driver scans a code, or the code of a lane named by lot_id and channel_id. `driver` is any name."""

    driver: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
    app: Literal["wechat", "alipay"] = "wechat"
    code: Annotated[str, msgspec.Meta(max_length=512)] = ""
    lot_id: Short = ""
    channel_id: Short = ""
    mobile: Annotated[str, msgspec.Meta(max_length=32)] = ""
    verify_code: Annotated[str, msgspec.Meta(max_length=32)] = ""


class ScanResult(msgspec.Struct, kw_only=True):
    """What the phone shows. `state` is the lot's; waiting without a state means that the lot is still being asked.

    A duplicate carries the text and state of the scan it repeats, as they stand.
    """

    scan_id: str
    shown: Shown
    text: str
    state: int | None
    car_number: str
    lot_id: str
    channel_id: str
    first_scan_id: str | None
    order_id: str | None
    listening: bool
    retry_in: float
    created_at: datetime


class FaultList(msgspec.Struct):
    """The faults in force, see `Fault`."""

    faults: list[Fault]


class NewFaults(msgspec.Struct, forbid_unknown_fields=True):
    """The faults to be in force, see `Fault`. `seed`: what the random ones start from."""

    faults: Annotated[list[Fault], msgspec.Meta(max_length=1000)]
    seed: Annotated[int, msgspec.Meta(ge=-(2**53), le=2**53)] | None = None


class NewKey(msgspec.Struct, forbid_unknown_fields=True):
    """A vendor's new key."""

    key: Annotated[str, msgspec.Meta(min_length=1, max_length=128)]


async def admin_only(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
    """The token. Without one set, nobody."""
    door: Door = connection.app.state.door
    if not door.fits(connection, bearer(connection)):
        raise NotAuthorizedException("the admin token is missing or wrong", headers={"WWW-Authenticate": "Bearer"})


@post("/scans", status_code=HTTPStatus.OK)
async def scan(hub: FromHub, data: JSONBody[ScanRequest]) -> ScanResult:
    """A simulated driver scans, by the same way as the phone's page. Answers once the result is known or overdue."""
    if not usable_name(data.driver):
        raise Unusable("a driver's name is 1 to 64 printable characters", "driver")
    code = data.code.rpartition("code=")[2] if "code=" in data.code else data.code
    if bool(code) == bool(data.lot_id or data.channel_id):
        raise Unusable("name either the code or lot_id and channel_id", "code")
    asked = Asked(
        simulated_identity(App(data.app), data.driver),
        code=code,
        lot_id=data.lot_id,
        channel_id=data.channel_id,
        mobile=data.mobile,
        verify_code=data.verify_code,
    )
    scan_id = await hub.desk.scan(asked)
    return _result(await hub.desk.result(scan_id))


@get("/scans/{scan_id:str}")
async def scan_now(hub: FromHub, scan_id: FromPath[str]) -> ScanResult:
    """What the phone of a scan shows now."""
    return _result(await hub.desk.screen(scan_id))


def _result(screen: Screen) -> ScanResult:
    scan = screen.scan
    return ScanResult(
        scan_id=scan.scan_id,
        shown=screen.shown,
        text=screen.text,
        state=screen.state,
        car_number=scan.licence,
        lot_id=scan.lot_id,
        channel_id=scan.channel_id,
        first_scan_id=scan.first_scan_id,
        order_id=scan.order_id,
        listening=screen.listening,
        retry_in=screen.retry_in,
        created_at=scan.created_at,
    )


def before(cursor: str) -> int | None:
    """The row that a page begins before."""
    return int(cursor) if cursor else None


@get("/entries")
async def entries(hub: FromHub, lot_id: LotId = "", limit: Limit = 100, cursor: Cursor = "") -> Listed[UploadItem]:
    """The entries (3.1) that were accepted, one item per order."""
    return await hub.book.read(lists.entries_of, lot_id, before(cursor), limit)


@get("/exits")
async def exits(hub: FromHub, lot_id: LotId = "", limit: Limit = 100, cursor: Cursor = "") -> Listed[UploadItem]:
    """The exits (3.2) that were accepted, one item per order."""
    return await hub.book.read(lists.exits_of, lot_id, before(cursor), limit)


@get("/pushes")
async def pushes(hub: FromHub, lot_id: LotId = "", limit: Limit = 100, cursor: Cursor = "") -> Listed[PushItem]:
    """The messages sent to lots, with the bytes of request and answer."""
    return await hub.book.read(lists.pushes_of, lot_id, before(cursor), limit)


@get("/pushes/{push_id:int}")
async def push(hub: FromHub, push_id: FromPath[int]) -> PushDetail:
    """One message to a lot, with its signature worked out."""
    return await hub.book.read(lists.push_detail, row_id(push_id))


@get("/arrivals")
async def arrivals(hub: FromHub, lot_id: LotId = "", limit: Limit = 100, cursor: Cursor = "") -> Listed[ArrivalItem]:
    """Everything that came to the uplink addresses, accepted or not."""
    return await hub.book.read(lists.arrivals_of, lot_id, before(cursor), limit)


@get("/arrivals/{arrival_id:int}")
async def arrival(hub: FromHub, arrival_id: FromPath[int]) -> ArrivalDetail:
    """One arrival, with its signature worked out."""
    return await hub.book.read(lists.arrival_detail, row_id(arrival_id))


def row_id(number: int) -> int:
    """A row's number as the database can look for it."""
    return min(max(number, 0), 2**63 - 1)


@get("/looks")
async def looks(hub: FromHub, limit: Limit = 100, cursor: Cursor = "") -> Listed[LookItem]:
    """Where somebody at the admin's page had phone numbers, identities or codes shown that the page masks."""
    return await hub.book.read(lists.looks_of, before(cursor), limit)


@get("/lots")
async def lots(hub: FromHub) -> Listed[LotItem]:
    """The lots with their lanes and entry codes."""
    return await hub.book.read(lists.lots_known, hub.public_url)


@get("/faults")
async def faults(hub: FromHub) -> FaultList:
    """The faults that can still strike."""
    return FaultList(hub.faults.left())


@put("/faults")
async def set_faults(hub: FromHub, data: JSONBody[NewFaults]) -> FaultList:
    """Put these faults in place of all before: `{"faults": [{"kind": "answer_lost", "times": 1, "lot_id": "…"}]}`.

    `kind`: `answer_lost`, `answer_late` (`seconds`), `sent_twice` strike pushes; `upload_refused` (`text`),
    `upload_500`, `upload_answer_lost`, `hub_down` strike uploads; `payment_pending`, `payment_failed` strike money.
    `times` is how many messages it hits, `null` until it is taken away, default 1. `lot_id`, `channel_id` and
    `service_name` narrow it to a lot, a lane, a message; an upload is named by its section (`3.1`) or the end of its
    path (`addorder`). With a `chance` below 1 it strikes at random; the same `seed` gives the same faults again.
    """
    hub.faults.set(data.faults, data.seed)
    return FaultList(hub.faults.left())


@post("/vendors/{union_id:str}/keys", status_code=HTTPStatus.NO_CONTENT)
async def new_key(hub: FromHub, union_id: FromPath[str], data: JSONBody[NewKey]) -> None:
    """Change a vendor's key. The one before is accepted from the lot for `key_overlap`."""
    await hub.book.write(registry.change_key, union_id, data.key, hub.key_overlap)


class TrailSteps(msgspec.Struct):
    """The steps of a scan, oldest first."""

    items: list[Step]


@get("/trail")
async def trail_of(hub: FromHub, scan_id: Annotated[str, QueryParameter(max_length=128)]) -> TrailSteps:
    """Everything that happened to a scan, oldest first; empty for an unknown one."""
    return TrailSteps(await hub.book.read(trail.trail_of, scan_id))


@get("/events", include_in_schema=False)
async def events(request: Request[Any, Any, Any], hub: FromHub) -> ServerSentEvent:
    """Each step of each scan as it is stored, one `step` event with its number as id.

    With `Last-Event-ID` (or `after` in the query) those missed come first.
    """
    seen = request.headers.get("last-event-id", "") or request.query_params.get("after", "")
    after = int(seen) if seen.isascii() and seen.isdecimal() and len(seen) < 19 else None
    return ServerSentEvent(_steps(hub, after), headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})


async def _steps(hub: Hub, after: int | None) -> AsyncIterator[ServerSentEventMessage]:
    with hub.book.live.listen() as listener:
        yield ServerSentEventMessage(None, comment="", retry=1000)
        last = after or 0
        missed = [] if after is None else await hub.book.read(trail.steps_after, after, 1000)
        for step in missed:
            last = step.id
            yield _event(step)
        while True:
            fresh = await listener.next(PING)
            if listener.ended:
                return
            if fresh is None:
                yield ServerSentEventMessage(None, comment="")
            elif fresh.id > last:
                last = fresh.id
                yield _event(fresh)


def _event(step: Step) -> ServerSentEventMessage:
    return ServerSentEventMessage(msgspec.json.encode(step).decode(), event="step", id=step.id)


def admin_routes(more: Sequence[BaseRouteHandler]) -> Router:
    """The admin's interface for scripts; `more` are the handlers that other modules bring."""
    handlers = [
        scan,
        scan_now,
        entries,
        exits,
        pushes,
        push,
        arrivals,
        arrival,
        looks,
        lots,
        faults,
        set_faults,
        new_key,
        trail_of,
        events,
    ]
    return Router(path="/admin", route_handlers=[*handlers, *more], guards=[admin_only], tags=["admin"])
