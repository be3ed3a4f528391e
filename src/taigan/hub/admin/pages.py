"""The workbench: the admin's pages. Messages with their verdicts, a composer, lots, phones, payments, faults.

Plain forms; one script fetches the list of messages again when there is news.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime
from http import HTTPStatus
from typing import Any

import msgspec
import sqlalchemy as sa
from litestar import Response, Router, get, post
from litestar.datastructures import Cookie
from litestar.exceptions import HTTPException
from litestar.params import FromPath
from litestar.response import Redirect, ServerSentEvent, ServerSentEventMessage

from taigan.bolink import yuan
from taigan.hub.admin import bench, drafts, lists, looks
from taigan.hub.admin.api import row_id
from taigan.hub.admin.bench import Verdict
from taigan.hub.admin.door import ADMIN_COOKIE, SESSION_LASTS, Door, FromDoor
from taigan.hub.admin.pushes import PushRequest, owed_of, send
from taigan.hub.admin.records import records_of
from taigan.hub.book import registry
from taigan.hub.errors import Unknown, Unusable
from taigan.hub.faults import Fault
from taigan.hub.hub import FromHub, Hub
from taigan.hub.pages.driver import PING, AnyRequest, FromPages, Pages, Visit, read_form
from taigan.hub.taking.money.settlement import move
from taigan.languages import N_, SOURCE
from taigan.running.logs import without_people

_SHOWN = 50


ROOMS = {
    "messages": ("/admin", N_("消息")),
    "compose": ("/admin/bench/compose", N_("发消息")),
    "lots": ("/admin/bench/lots", N_("各车场")),
    "phones": ("/admin/bench/phones", N_("手机")),
    "payments": ("/admin/bench/payments", N_("付款")),
    "records": ("/admin/bench/records", N_("记录")),
    "faults": ("/admin/bench/faults", N_("故障")),
}
"""The rooms of the workbench: address and name."""
_OF = frozenset({"arrivals", "pushes"})


def _masked(items: list[Any], *names: str) -> list[dict[str, Any]]:
    """Rows as the page shows them: no phone numbers, identities or codes of people. `masked`: there were some."""
    shown = []
    for item in items:
        row = item if isinstance(item, dict) else msgspec.structs.asdict(item)
        told = {name: without_people(row[name] or "") for name in names}
        shown.append({**row, **told, "masked": any(told[name] != (row[name] or "") for name in names)})
    return shown


def _pretty(data: bytes) -> str:
    return msgspec.json.format(data, indent=1).decode("utf-8", "replace")


def _draft(conn: sa.Connection, lot_id: str, service_name: str, now: datetime) -> dict[str, Any] | None:
    """The message that the admin is about to send, if one was chosen."""
    lot = registry.lot(conn, lot_id)
    if lot is None or not service_name:
        return None
    interface = drafts.downlink(service_name)
    example = msgspec.json.encode(drafts.example(interface, lot, now))
    return {
        "lot_id": lot.lot_id,
        "service_name": interface.event,
        "section": interface.section,
        "title": (interface.title_zh, interface.title),
        "note": interface.note,
        "text": _pretty(example),
    }


async def _admin(pages: Pages, door: Door, request: AnyRequest) -> Visit | None:
    session = request.cookies.get(ADMIN_COOKIE, "")
    return replace(pages.stranger(request), session=session) if await door.holds(session) else None


def _room(pages: Pages, visit: Visit, room: str, *, status: int = HTTPStatus.OK, **values: Any) -> Response[str]:
    chinese = visit.language == SOURCE
    return pages.page(
        f"admin/rooms/{room}.html", visit, status=status, room=room, rooms=ROOMS, which=0 if chinese else 1, **values
    )


@get("/")
async def overview(request: AnyRequest, pages: FromPages, hub: FromHub, door: FromDoor) -> Response[str]:
    """The messages of both directions, newest first, with their verdicts; or the way in."""
    visit = await _admin(pages, door, request)
    if visit is None:
        return pages.page("admin/login.html", pages.stranger(request), wrong=None)
    asked = {name: visit.query.get(name, "") for name in ("lot_id", "verdict", "way")}
    before = visit.query.get("before", "")
    cursor = int(before) if before.isascii() and before.isdecimal() and len(before) < 18 else None
    seen = await hub.book.read(bench.messages, asked["lot_id"], asked["verdict"], asked["way"], cursor)
    lots = await hub.book.read(lists.lots_known, hub.public_url)
    room = "rows" if visit.query.get("part") else "messages"
    return _room(pages, visit, room, asked=asked, before=before, seen=seen, lots=lots.items, verdicts=list(Verdict))


@get("/bench/messages/{of:str}/{number:int}")
async def message(
    request: AnyRequest, pages: FromPages, hub: FromHub, door: FromDoor, of: FromPath[str], number: FromPath[int]
) -> Response[Any]:
    """One message: its bytes, the answer, the signature worked out, what the document says otherwise."""
    visit = await _admin(pages, door, request)
    if visit is None:
        return Redirect("/admin", status_code=303)
    if of not in _OF:
        raise Unknown("message", "of")
    row, detail = await hub.book.read(bench.shown_message, of, row_id(number))
    return _room(pages, visit, "message", row=row, detail=detail)


@get("/bench/{room:str}")
async def a_room(
    request: AnyRequest, pages: FromPages, hub: FromHub, door: FromDoor, room: FromPath[str]
) -> Response[Any]:
    """The other rooms of the workbench."""
    visit = await _admin(pages, door, request)
    if visit is None:
        return Redirect("/admin", status_code=303)
    lot_id = visit.query.get("lot_id", "")
    lots = (await hub.book.read(lists.lots_known, hub.public_url)).items
    match room:
        case "compose":
            return await _compose(pages, hub, visit, lot_id, visit.query.get("service_name", ""))
        case "lots":
            return _room(pages, visit, room, lots=lots)
        case "phones":
            seen = await hub.book.read(bench.phones, lot_id)
            return _room(pages, visit, room, lots=lots, seen=seen, screens=bench.SCREENS)
        case "payments":
            payments = (await hub.book.read(lists.payments_of, lot_id, None, _SHOWN)).items
            owed = (await hub.book.read(owed_of, lot_id, None, _SHOWN)).items
            return _room(pages, visit, room, payments=payments, owed=owed, yuan=yuan)
        case "records":
            kept = (await hub.book.read(records_of, "", lot_id, None, _SHOWN, hub.public_url)).items
            told = [{**msgspec.structs.asdict(one), "text": _pretty(bytes(one.data))} for one in kept]
            looked = (await hub.book.read(lists.looks_of, None, _SHOWN)).items
            return _room(pages, visit, room, records=_masked(told, "text"), looks=looked, yuan=yuan)
        case "faults":
            return _room(
                pages, visit, room, lots=lots, faults=hub.faults.left(), words=bench.FAULTS, rooms_of=bench.FAULT_ROOMS
            )
    raise Unknown("page", "room")


async def _compose(
    pages: Pages,
    hub: Hub,
    visit: Visit,
    lot_id: str,
    service_name: str,
    *,
    text: str = "",
    problem: tuple[str, str] | None = None,
    sent: int | None = None,
) -> Response[str]:
    """The composer; `problem` is what is wrong with the text and with which field, `sent` the message that went out."""
    lots = (await hub.book.read(lists.lots_known, hub.public_url)).items
    lot_id = lot_id or (lots[0].lot_id if lots else "")
    try:
        draft = await hub.book.read(_draft, lot_id, service_name or "nolicence_in_park", hub.book.clock.now())
    except Unknown:
        draft = None
    row, detail = None, None
    if sent is not None:
        row, detail = await hub.book.read(bench.shown_message, "pushes", sent)
    if draft is not None and text:
        draft["text"] = text
    return _room(
        pages,
        visit,
        "compose",
        status=HTTPStatus.OK if problem is None else HTTPStatus.BAD_REQUEST,
        lots=lots,
        downlinks=drafts.DOWNLINKS,
        draft=draft,
        problem=problem,
        row=row,
        detail=detail,
    )


@get("/bench/live", include_in_schema=False)
async def live(request: AnyRequest, pages: FromPages, hub: FromHub, door: FromDoor) -> Response[Any]:
    """A `news` event whenever something came or went, without what it was: the page asks for that itself."""
    if await _admin(pages, door, request) is None:
        return Response(None, status_code=HTTPStatus.UNAUTHORIZED)
    return ServerSentEvent(_news(hub), headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})


async def _news(hub: Hub) -> AsyncIterator[ServerSentEventMessage]:
    with hub.book.live.listen() as listener:
        yield ServerSentEventMessage(None, comment="", retry=1000)
        while True:
            step = await listener.next(PING)
            if listener.ended:
                return
            yield ServerSentEventMessage(None, comment="") if step is None else ServerSentEventMessage("", event="news")


@post("/login", status_code=HTTPStatus.OK)
async def log_in(request: AnyRequest, pages: FromPages, hub: FromHub, door: FromDoor) -> Response[Any]:
    """Change the admin token for a session."""
    form = await read_form(request)
    try:
        right, status = door.fits(request, form.get("admin_token", "").strip()), HTTPStatus.FORBIDDEN
    except HTTPException as shut:
        right, status = False, HTTPStatus(shut.status_code)
    if not right:
        return pages.page("admin/login.html", pages.stranger(request), wrong=status, status=status)
    session = hub.new_code() + hub.new_code()
    await door.open_session(session)
    cookie = Cookie(
        key=ADMIN_COOKIE,
        value=session,
        path="/admin",
        max_age=int(SESSION_LASTS.total_seconds()),
        httponly=True,
        secure=pages.secure,
        samesite="strict",
    )
    return Redirect("/admin", status_code=303, cookies=[cookie])


@post("/logout", status_code=HTTPStatus.SEE_OTHER)
async def log_out(request: AnyRequest, pages: FromPages, hub: FromHub, door: FromDoor) -> Response[Any]:
    """End the session."""
    visit = await _admin(pages, door, request)
    if visit is not None and pages.form_is_ours(visit.session, await read_form(request)):
        await door.close_session(visit.session)
    return Redirect("/admin", status_code=303)


@post("/faults/form", status_code=HTTPStatus.SEE_OTHER)
async def change_faults(request: AnyRequest, pages: FromPages, hub: FromHub, door: FromDoor) -> Response[Any]:
    """Add a fault, or take all away."""
    form = await read_form(request)
    visit = await _ours(pages, door, request, form)
    if visit is None:
        return _expired(pages, request)
    if form.get("do") == "clear":
        hub.faults.set([])
    else:
        asked = {name: form[name] for name in ("kind", "lot_id", "channel_id", "service_name") if form.get(name)}
        times = form.get("times", "")
        try:
            numbers = {"times": int(times) if times else None, "chance": float(form.get("chance") or 1)}
            fault = msgspec.convert(asked | numbers, Fault)
            seed = int(form["seed"]) if form.get("seed") else None
        except (ValueError, msgspec.ValidationError):
            return _wrong(pages, visit)
        hub.faults.set([*hub.faults.left(), fault], seed)
    return Redirect("/admin/bench/faults", status_code=303)


@post("/pushes/form", status_code=HTTPStatus.OK)
async def push(request: AnyRequest, pages: FromPages, hub: FromHub, door: FromDoor) -> Response[Any]:
    """Send the message in the form, and show what the lot answered beside it."""
    form = await read_form(request)
    visit = await _ours(pages, door, request, form)
    if visit is None:
        return _expired(pages, request)
    lot_id, service_name, text = form.get("lot_id", ""), form.get("service_name", ""), form.get("data") or "{}"
    sent: int | None = None
    problem: tuple[str, str] | None = None
    try:
        data = msgspec.json.decode(text)
        sent = (await send(hub, PushRequest(lot_id=lot_id, service_name=service_name, data=data))).id
    except (msgspec.DecodeError, RecursionError) as error:
        problem = ("", str(error))
    except (Unknown, Unusable) as error:
        problem = (error.field, str(error))
    return await _compose(pages, hub, visit, lot_id, service_name, text=text, problem=problem, sent=sent)


@post("/records/form", status_code=HTTPStatus.SEE_OTHER)
async def move_record(request: AnyRequest, pages: FromPages, hub: FromHub, door: FromDoor) -> Response[Any]:
    """Move a record to its next state."""
    form = await read_form(request)
    visit = await _ours(pages, door, request, form)
    if visit is None:
        return _expired(pages, request)
    try:
        number = row_id(int(form.get("id", "")))
        _, outgoing = await hub.book.write(move, hub.rules, hub.faults, number, form.get("state", ""), hub.public_url)
    except (ValueError, Unknown, Unusable):
        return _wrong(pages, visit)
    hub.postbox.send_soon(outgoing)
    return Redirect("/admin/bench/records", status_code=303)


@post("/looks/form", status_code=HTTPStatus.OK)
async def look(request: AnyRequest, pages: FromPages, hub: FromHub, door: FromDoor) -> Response[Any]:
    """Show one row with what the page masks, and keep that it was shown."""
    form = await read_form(request)
    visit = await _ours(pages, door, request, form)
    if visit is None:
        return _expired(pages, request)
    try:
        number = row_id(int(form.get("id", "")))
        texts = await hub.book.write(looks.look, form.get("of", ""), number, visit.session)
    except (ValueError, Unknown):
        return _wrong(pages, visit)
    return pages.page("admin/look.html", visit, texts=texts)


async def _ours(pages: Pages, door: Door, request: AnyRequest, form: dict[str, str]) -> Visit | None:
    """The admin whose own page sent this form."""
    visit = await _admin(pages, door, request)
    return visit if visit is not None and pages.form_is_ours(visit.session, form) else None


def _expired(pages: Pages, request: AnyRequest) -> Response[Any]:
    stranger = pages.stranger(request)
    return pages.page("notice.html", stranger, status=HTTPStatus.FORBIDDEN, again="/admin", kind="form")


def _wrong(pages: Pages, visit: Visit) -> Response[Any]:
    return pages.page("notice.html", visit, status=HTTPStatus.BAD_REQUEST, again="/admin", kind="error")


def admin_page_routes() -> Router:
    """The admin's page."""
    handlers = [overview, message, live, a_room, log_in, log_out, change_faults, push, move_record, look]
    return Router(path="/admin", route_handlers=handlers, include_in_schema=False)
