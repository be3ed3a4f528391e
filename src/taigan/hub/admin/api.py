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
import sqlalchemy as sa
from litestar import Request, Router, get, post, put
from litestar.connection import ASGIConnection
from litestar.exceptions import NotAuthorizedException
from litestar.handlers import BaseRouteHandler
from litestar.params import FromPath, JSONBody, QueryParameter
from litestar.response import ServerSentEvent, ServerSentEventMessage

from taigan.bolink import BadMessage, fen, yuan
from taigan.hub.admin import lists
from taigan.hub.admin.door import Door, bearer
from taigan.hub.admin.lists import (
    ArrivalDetail,
    ArrivalItem,
    Listed,
    LookItem,
    LotItem,
    PaymentItem,
    PushDetail,
    PushItem,
    UploadItem,
)
from taigan.hub.book import registry, trail
from taigan.hub.book.trail import Step
from taigan.hub.drivers import codes, quotes
from taigan.hub.drivers.bill import Bill
from taigan.hub.drivers.codes import code_in
from taigan.hub.drivers.phone import Screen
from taigan.hub.drivers.quotes import Ask
from taigan.hub.drivers.scans import Asked, Shown
from taigan.hub.errors import Unknown, Unusable
from taigan.hub.faults import Fault
from taigan.hub.hub import FromHub, Hub
from taigan.hub.identity import App, Identity, simulated_identity, usable_name
from taigan.hub.pages.driver import PING
from taigan.hub.remarks import Note

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

    A duplicate carries the text and state of the scan it repeats, as they stand. `timeout` is any end without a usable
    answer: `outcome` tells which (`answered`, `timed_out`, `unreachable`, `cut`; empty when the lot was not asked),
    `notes` why, and what the answer has wrong.
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
    outcome: str
    notes: list[Note]


class PrepayRequest(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A driver inside a lot asks for the price of a plate's stay, or of the one that `order_id` names."""

    lot_id: Short
    car_number: Short
    driver: Annotated[str, msgspec.Meta(min_length=1, max_length=64)] = "driver"
    app: Literal["wechat", "alipay"] = "wechat"
    order_id: Short = ""


class BillResult(msgspec.Struct, kw_only=True):
    """What a phone that asked for a price shows. Money is yuan; without a price (`state` is not 1) it is null.

    `shown`: `asking`, then `price`, `free`, `refused` or `timeout`, then `paid`, `pending` or `failed`. `outcome` and
    `notes` are as a scan's.
    """

    scan_id: str
    shown: quotes.Shown
    text: str
    state: int | None
    order_id: str
    car_number: str
    price: str | None
    total: str | None
    quote_no: str
    lot_id: str
    channel_id: str
    licence: str
    trade_no: str | None
    leave_by: datetime | None
    created_at: datetime
    outcome: str
    notes: list[Note]


class PayRequest(msgspec.Struct, forbid_unknown_fields=True):
    """How much is paid, in yuan as text or number; what was quoted by default."""

    amount: str | float | None = None


class PayResult(msgspec.Struct):
    """What became of a payment: `paid`, `pending` or `failed`."""

    shown: str
    trade_no: str


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
    door: Door = connection.scope["state"]["door"]
    if not door.fits(connection, bearer(connection)):
        raise NotAuthorizedException("the admin token is missing or wrong", headers={"WWW-Authenticate": "Bearer"})


@post("/scans", status_code=HTTPStatus.OK)
async def scan(hub: FromHub, data: JSONBody[ScanRequest]) -> ScanResult | BillResult:
    """A simulated driver scans, by the same way as the phone's page. Answers once the result is known or overdue.

    At an exit, by its code or named by lot_id and channel_id, the lot is asked for the price.
    """
    identity = _driver(data.app, data.driver)
    code = code_in(data.code)
    if bool(code) == bool(data.lot_id or data.channel_id):
        raise Unusable("name either the code or lot_id and channel_id", "code")
    if await hub.book.read(_leads_out, code, data.lot_id, data.channel_id):
        return await _ask(hub, Ask(identity, code=code, lot_id=data.lot_id, channel_id=data.channel_id))
    asked = Asked(
        identity,
        code=code,
        lot_id=data.lot_id,
        channel_id=data.channel_id,
        mobile=data.mobile,
        verify_code=data.verify_code,
    )
    scan_id = await hub.desk.scan(asked)
    return await _result(hub, await hub.desk.result(scan_id))


@post("/prepays", status_code=HTTPStatus.OK)
async def prepay(hub: FromHub, data: JSONBody[PrepayRequest]) -> BillResult:
    """A simulated driver inside a lot asks what a stay costs (5.1, scene 0), as on the prepay code's page."""
    identity = _driver(data.app, data.driver)
    asked = Ask(identity, lot_id=data.lot_id, car_number=data.car_number, order_id=data.order_id)
    return await _ask(hub, asked)


@post("/scans/{scan_id:str}/pay", status_code=HTTPStatus.OK)
async def pay(hub: FromHub, scan_id: FromPath[str], data: JSONBody[PayRequest | None] = None) -> PayResult:
    """The simulated driver pays what was quoted, or another `amount` in yuan. Again: what became of the first time."""
    try:
        amount = None if data is None or data.amount is None else fen(data.amount, "amount")
    except BadMessage as error:
        raise Unusable(error.reason, "amount") from None
    payment = await hub.cashier.pay(scan_id, amount)
    return PayResult(payment.state, payment.number)


@get("/payments")
async def payments(hub: FromHub, lot_id: LotId = "", limit: Limit = 100, cursor: Cursor = "") -> Listed[PaymentItem]:
    """What drivers paid, however: at exits, inside, by wallet and scanner, for orders that lots placed."""
    return await hub.book.read(lists.payments_of, lot_id, before(cursor), limit)


def _leads_out(conn: sa.Connection, code: str, lot_id: str, channel_id: str) -> bool:
    if not code:
        return codes.is_exit(conn, lot_id, channel_id)
    found = codes.find_code(conn, code)
    return found is not None and found.kind is not codes.CodeKind.ENTRY


def _driver(app: str, name: str) -> Identity:
    if not usable_name(name):
        raise Unusable("a driver's name is 1 to 64 printable characters", "driver")
    return simulated_identity(App(app), name)


async def _ask(hub: Hub, asked: Ask) -> BillResult:
    scan_id = await hub.cashier.ask(asked)
    await hub.cashier.heard(scan_id)
    return await _bill(hub, await hub.cashier.bill(scan_id))


async def _bill(hub: Hub, bill: Bill) -> BillResult:
    quote = bill.quote
    outcome, notes = await hub.book.read(lists.asked_for, quote.scan_id)
    return BillResult(
        scan_id=quote.scan_id,
        shown=bill.shown,
        text=bill.text,
        state=quote.state,
        order_id=quote.order_id,
        car_number=quote.car_number,
        price=yuan(quote.fen) if quote.state == 1 else None,
        total=yuan(quote.total) if quote.state == 1 else None,
        quote_no=quote.quote_no,
        lot_id=quote.lot_id,
        channel_id=quote.channel_id,
        licence=quote.licence,
        trade_no=quote.trade_no,
        leave_by=bill.leave_by,
        created_at=quote.created_at,
        outcome=outcome,
        notes=notes,
    )


@get("/scans/{scan_id:str}")
async def scan_now(hub: FromHub, scan_id: FromPath[str]) -> ScanResult | BillResult:
    """What the phone of a scan shows now."""
    try:
        return await _bill(hub, await hub.cashier.bill(scan_id))
    except Unknown:
        return await _result(hub, await hub.desk.screen(scan_id))


async def _result(hub: Hub, screen: Screen) -> ScanResult:
    scan = screen.scan
    outcome, notes = await hub.book.read(lists.asked_for, scan.first_scan_id or scan.scan_id)
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
        outcome=outcome,
        notes=notes,
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
        prepay,
        pay,
        payments,
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
