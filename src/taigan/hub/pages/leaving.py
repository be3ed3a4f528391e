"""The driver's pages for leaving: what a stay costs, at an exit's code or the lot's prepay code, and paying it.

As at the entry, fetching an address asks nothing and pays nothing; only our own forms do.
"""

from __future__ import annotations

import base64
import re
from collections.abc import AsyncIterator
from contextlib import suppress
from http import HTTPStatus
from typing import Any

import msgspec
import sqlalchemy as sa
from litestar import Response, Router, get, post, route
from litestar.enums import HttpMethod
from litestar.params import FromPath
from litestar.response import Redirect, ServerSentEvent, ServerSentEventMessage

from taigan.bolink import fen, yuan
from taigan.hub.book import registry
from taigan.hub.book.registry import Lot
from taigan.hub.drivers import codes, quotes
from taigan.hub.drivers.bill import Bill
from taigan.hub.drivers.codes import PAY_PATH, Code, CodeKind
from taigan.hub.drivers.quotes import Ask
from taigan.hub.errors import Unknown, Unusable
from taigan.hub.identity import Identity
from taigan.hub.pages.driver import PING, AnyRequest, FromPages, Now, Pages, Visit, lane_of, log_in, read_form
from taigan.hub.taking.stays import BEIJING
from taigan.hub.taking.uploads import COUNTER_PATH
from taigan.languages import N_

_PLATE = re.compile(r"\w{5,10}")
_PRICE = re.compile(r"[0-9]{1,6}(\.[0-9]{1,2})?")
_SILENT = N_("车场没有回答，请稍后再试")


@route(PAY_PATH, http_method=[HttpMethod.GET, HttpMethod.HEAD])
async def code_page(request: AnyRequest, pages: FromPages) -> Response[Any]:
    """Where an exit's code, or the lot's prepay code, leads: the button, or the plate to type and one's own stays."""
    visit = await pages.visit(request)
    found = await pages.hub.book.read(lane_of, visit.query.get("p", ""))
    if found is None:
        return pages.page("gone.html", visit, status=HTTPStatus.NOT_FOUND, leaving=True)
    code, lot = found
    lane: dict[str, Any] = {"lot": lot, "channel_id": code.channel_id, "code": code.code, "leaving": True}
    if not code.good or code.kind is CodeKind.ENTRY:
        return pages.page("gone.html", visit, status=HTTPStatus.GONE, **lane)
    if visit.driver is None or not pages.is_named(visit):
        return log_in(pages, request, visit, {"p": code.code}, lane)
    if code.kind is CodeKind.EXIT_PAY:
        return pages.page("leaving/exit.html", visit, **lane)
    own = await pages.hub.book.read(quotes.own_stays, lot.lot_id, visit.driver)
    owed = await pages.hub.book.read(quotes.own_arrears, visit.driver)
    return pages.page("leaving/prepay.html", visit, own=own, owed=owed, local=_local, yuan=yuan, **lane)


@get("/unionapi/payorder")
async def prepay_by_lot(request: AnyRequest, pages: FromPages) -> Response[Any]:
    """An older address in prepay codes, seen in public clients and not in the document: `data` is JSON in Base64 that
    names the lot's `park_id`. It leads to the lot's prepay page."""
    visit = await pages.visit(request)
    code = await pages.hub.book.read(_prepay_code, visit.query.get("union_id", ""), visit.query.get("data", ""))
    if not code:
        return pages.page("gone.html", visit, status=HTTPStatus.NOT_FOUND, leaving=True)
    return Redirect(visit.url(PAY_PATH, p=code), status_code=303)


def _prepay_code(conn: sa.Connection, union_id: str, data: str) -> str:
    try:
        padded = data.replace(" ", "+") + "=" * (-len(data) % 4)
        named = msgspec.json.decode(base64.b64decode(padded, b"+/" if "+" in padded or "/" in padded else b"-_"))
        park_id = named["park_id"]
    except (ValueError, TypeError, KeyError, RecursionError, msgspec.DecodeError):
        return ""
    return codes.good_code(conn, registry.lot_id_of(union_id.strip(), str(park_id).strip()), CodeKind.PREPAY, "")


@post(PAY_PATH, status_code=HTTPStatus.SEE_OTHER)
async def ask(request: AnyRequest, pages: FromPages) -> Response[Any]:
    """The driver's button: ask the lot for the price (5.1)."""
    form = await read_form(request)
    visit = await pages.visit(request)
    code = form.get("p", "") or visit.query.get("p", "")
    to_code = visit.url(PAY_PATH, p=code)
    if visit.driver is None:
        return Redirect(to_code, status_code=303)
    if not pages.form_is_ours(visit.session, form):
        return pages.page("notice.html", visit, status=HTTPStatus.FORBIDDEN, again=to_code, kind="form")
    asked = Ask(
        Identity(visit.driver.app, visit.driver.pay_user_id),
        code=code,
        car_number=form.get("car_number", "")[:32],
        order_id=form.get("order_id", "")[:128],
    )
    try:
        scan_id = await pages.hub.cashier.ask(asked)
    except (Unknown, Unusable):
        return Redirect(to_code, status_code=303)
    return Redirect(visit.url(f"/bills/{scan_id}"), status_code=303)


async def _own_bill(pages: Pages, visit: Visit, scan_id: str) -> Bill | None:
    """The bill, for the driver who asked for it and nobody else."""
    if visit.driver is None:
        return None
    try:
        bill = await pages.hub.cashier.bill(scan_id)
    except Unknown:
        return None
    return bill if bill.quote.driver_id == visit.driver.id else None


@get("/bills/{scan_id:str}")
async def bill_page(request: AnyRequest, pages: FromPages, scan_id: FromPath[str]) -> Response[str]:
    """The price, and what became of the payment."""
    visit = await pages.visit(request)
    bill = await _own_bill(pages, visit, scan_id)
    if bill is None:
        return pages.page("notice.html", visit, status=HTTPStatus.NOT_FOUND, again="", kind="scan")
    return pages.page("leaving/bill.html", visit, **_values(pages, bill))


@post("/bills/{scan_id:str}/pay", status_code=HTTPStatus.SEE_OTHER)
async def pay(request: AnyRequest, pages: FromPages, scan_id: FromPath[str]) -> Response[Any]:
    """Pay what is shown, with the simulated WeChat or Alipay."""
    form = await read_form(request)
    visit = await pages.visit(request)
    bill = await _own_bill(pages, visit, scan_id)
    to_bill = visit.url(f"/bills/{scan_id}")
    if bill is None:
        return pages.page("notice.html", visit, status=HTTPStatus.NOT_FOUND, again="", kind="scan")
    if not pages.form_is_ours(visit.session, form):
        return pages.page("notice.html", visit, status=HTTPStatus.FORBIDDEN, again=to_bill, kind="form")
    if bill.payable:
        await pages.hub.cashier.pay(scan_id)
    return Redirect(to_bill, status_code=303)


@post("/bills/{scan_id:str}/invoice", status_code=HTTPStatus.SEE_OTHER)
async def have_invoiced(request: AnyRequest, pages: FromPages, scan_id: FromPath[str]) -> Response[Any]:
    """Have an invoice made for what was paid; the lot is told (11.7)."""
    form = await read_form(request)
    visit = await pages.visit(request)
    to_bill = visit.url(f"/bills/{scan_id}")
    if await _own_bill(pages, visit, scan_id) is None:
        return pages.page("notice.html", visit, status=HTTPStatus.NOT_FOUND, again="", kind="scan")
    if not pages.form_is_ours(visit.session, form):
        return pages.page("notice.html", visit, status=HTTPStatus.FORBIDDEN, again=to_bill, kind="form")
    if form.get("buyer", "").strip():
        with suppress(Unusable):
            await pages.hub.cashier.invoice(scan_id)
    return Redirect(to_bill, status_code=303)


@route("/passes", http_method=[HttpMethod.GET, HttpMethod.HEAD])
async def pass_page(request: AnyRequest, pages: FromPages) -> Response[Any]:
    """The form of a driver who wants a pass of the lot whose prepay code was scanned."""
    visit = await pages.visit(request)
    found = await pages.hub.book.read(lane_of, visit.query.get("p", ""))
    if found is None or visit.driver is None:
        return pages.page("gone.html", visit, status=HTTPStatus.NOT_FOUND, leaving=True)
    return _pass_form(pages, visit, *found, {}, None)


@post("/passes", status_code=HTTPStatus.SEE_OTHER)
async def buy_pass(request: AnyRequest, pages: FromPages) -> Response[Any]:
    """Ask the lot whether the plate may have a pass at that price (11.2), then lead to the counter (5.8)."""
    form = await read_form(request)
    visit = await pages.visit(request)
    found = await pages.hub.book.read(lane_of, form.get("p", ""))
    if found is None or visit.driver is None:
        return pages.page("gone.html", visit, status=HTTPStatus.NOT_FOUND, leaving=True)
    code, lot = found
    if not pages.form_is_ours(visit.session, form):
        again = visit.url("/passes", p=code.code)
        return pages.page("notice.html", visit, status=HTTPStatus.FORBIDDEN, again=again, kind="form")
    plate, price = "".join(form.get("car_number", "").split()).upper(), form.get("amount", "").strip()
    if not _PLATE.fullmatch(plate) or not _PRICE.fullmatch(price) or not (amount := fen(price, "amount")):
        return _pass_form(pages, visit, code, lot, form, "")
    answer = await pages.hub.cashier.buy_pass(visit.driver, lot, plate, amount)
    if isinstance(answer, str):
        return _pass_form(pages, visit, code, lot, form, answer or _SILENT)
    return Redirect(visit.url(COUNTER_PATH, v=answer.code), status_code=303)


def _pass_form(
    pages: Pages, visit: Visit, code: Code, lot: Lot, typed: dict[str, str], wrong: str | None
) -> Response[Any]:
    status = HTTPStatus.OK if wrong is None else HTTPStatus.UNPROCESSABLE_ENTITY
    shown: dict[str, Any] = {"lot": lot, "channel_id": "", "code": code.code, "leaving": True}
    return pages.page("leaving/pass.html", visit, status=status, typed=typed, wrong=wrong, **shown)


@post("/arrears/{code:str}/pay", status_code=HTTPStatus.SEE_OTHER)
async def pay_arrears(request: AnyRequest, pages: FromPages, code: FromPath[str]) -> Response[Any]:
    """The driver's button: pay what was left owing at the counter; the lot is told (5.9)."""
    form = await read_form(request)
    visit = await pages.visit(request)
    if visit.driver is None or not pages.form_is_ours(visit.session, form):
        return pages.page("notice.html", visit, status=HTTPStatus.FORBIDDEN, again="", kind="form")
    try:
        payment = await pages.hub.cashier.settle_arrears(visit.driver, code)
    except (Unknown, Unusable):
        return pages.page("notice.html", visit, status=HTTPStatus.NOT_FOUND, again="", kind="missing")
    return Redirect(visit.url(COUNTER_PATH, v=payment.code), status_code=303)


def _local(moment: Any) -> Any:
    return moment.astimezone(BEIJING)


def _values(pages: Pages, bill: Bill) -> dict[str, Any]:
    now = pages.hub.book.clock.now()
    left = (bill.leave_by - now).total_seconds() if bill.leave_by is not None else 0.0
    return {
        "bill": bill,
        "quote": bill.quote,
        "told": bill.quote.told,
        "yuan": yuan,
        "local": _local,
        "waited": max(0.0, (now - bill.asked_at).total_seconds()),
        "minutes_left": max(0, int(left // 60)),
        "lot": bill.lot,
        "channel_id": bill.quote.channel_id,
        "code": bill.quote.code,
        "leaving": True,
    }


def _now(pages: Pages, visit: Visit, bill: Bill) -> Now:
    return Now(pages.piece("leaving/bill_screen.html", visit, **_values(pages, bill)), bill.digest, bill.listening)


@get("/bills/{scan_id:str}/now")
async def bill_now(request: AnyRequest, pages: FromPages, scan_id: FromPath[str]) -> Response[Now | None]:
    """The polling behind the event stream."""
    visit = await pages.visit(request)
    bill = await _own_bill(pages, visit, scan_id)
    if bill is None:
        return Response(None, status_code=HTTPStatus.NOT_FOUND)
    return Response(_now(pages, visit, bill), headers={"Cache-Control": "no-store"})


@get("/bills/{scan_id:str}/events")
async def bill_events(request: AnyRequest, pages: FromPages, scan_id: FromPath[str]) -> Response[Any]:
    """The bill as it changes, until it can change no more. `Last-Event-ID`, or `seen`: what the page has already."""
    visit = await pages.visit(request)
    if await _own_bill(pages, visit, scan_id) is None:
        return Response(None, status_code=HTTPStatus.NOT_FOUND)
    seen = request.headers.get("last-event-id", "") or visit.query.get("seen", "")
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return ServerSentEvent(_pictures(pages, visit, scan_id, seen), headers=headers)


async def _pictures(pages: Pages, visit: Visit, scan_id: str, seen: str) -> AsyncIterator[ServerSentEventMessage]:
    with pages.hub.book.live.listen(scan_id) as listener:
        while True:
            bill = await pages.hub.cashier.bill(scan_id)
            if bill.digest != seen:
                seen = bill.digest
                picture = msgspec.json.encode(_now(pages, visit, bill)).decode()
                yield ServerSentEventMessage(picture, event="picture", id=seen, retry=1000)
            if not bill.listening:
                return
            step = await listener.next(PING if bill.changes_in is None else min(PING, bill.changes_in + 0.01))
            if listener.ended:
                return
            if step is None:
                yield ServerSentEventMessage(None, comment="")


def leaving_routes() -> Router:
    """The addresses of drivers who leave."""
    asking = [code_page, prepay_by_lot, ask, bill_page, pay, bill_now, bill_events]
    beside = [have_invoiced, pass_page, buy_pass, pay_arrears]
    return Router(path="/", route_handlers=[*asking, *beside], include_in_schema=False)
