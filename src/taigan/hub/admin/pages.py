"""The admin's page: what BoLink's side knows and has seen, and the faults to switch on. Plain forms, no scripts."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from http import HTTPStatus
from typing import Any

import msgspec
import sqlalchemy as sa
from litestar import Response, Router, get, post
from litestar.datastructures import Cookie
from litestar.exceptions import HTTPException
from litestar.response import Redirect

from taigan.bolink import yuan
from taigan.hub.admin import drafts, lists, looks
from taigan.hub.admin.api import row_id
from taigan.hub.admin.door import ADMIN_COOKIE, SESSION_LASTS, Door, FromDoor
from taigan.hub.admin.pushes import PushRequest, owed_of, send
from taigan.hub.admin.records import records_of
from taigan.hub.book import registry
from taigan.hub.errors import Unknown, Unusable
from taigan.hub.faults import Fault, FaultKind
from taigan.hub.hub import FromHub
from taigan.hub.pages.driver import AnyRequest, FromPages, Pages, Visit, read_form
from taigan.hub.taking.settlement import move
from taigan.logs import without_people

_SHOWN = 50


def _overview(conn: sa.Connection, public_url: str) -> dict[str, Any]:
    return {
        "lots": lists.lots_known(conn, public_url).items,
        "entries": lists.entries_of(conn, "", None, _SHOWN).items,
        "exits": lists.exits_of(conn, "", None, _SHOWN).items,
        "pushes": _masked(lists.pushes_of(conn, "", None, _SHOWN).items, "request", "answer"),
        "arrivals": _masked(lists.arrivals_of(conn, "", None, _SHOWN).items, "body", "answer"),
        "looks": lists.looks_of(conn, None, _SHOWN).items,
        "owed": owed_of(conn, "", None, _SHOWN).items,
        "records": _masked(
            [
                {**msgspec.structs.asdict(one), "text": _pretty(bytes(one.data))}
                for one in records_of(conn, "", "", None, _SHOWN, public_url).items
            ],
            "text",
        ),
    }


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


def _draft(conn: sa.Connection, query: dict[str, str], now: datetime) -> dict[str, Any] | None:
    """The message that the admin is about to send, if one was chosen."""
    lot = registry.lot(conn, query.get("lot_id", ""))
    if lot is None or not query.get("service_name"):
        return None
    interface = drafts.downlink(query["service_name"])
    example = msgspec.json.encode(drafts.example(interface, lot, now))
    return {
        "lot_id": lot.lot_id,
        "service_name": interface.event,
        "title": f"{interface.section} {interface.title_zh} {interface.title}",
        "note": interface.note,
        "text": _pretty(example),
    }


async def _admin(pages: Pages, door: Door, request: AnyRequest) -> Visit | None:
    session = request.cookies.get(ADMIN_COOKIE, "")
    return replace(pages.stranger(request), session=session) if await door.holds(session) else None


@get("/")
async def overview(request: AnyRequest, pages: FromPages, hub: FromHub, door: FromDoor) -> Response[str]:
    """Lots, uploads, pushes and faults; or the way in."""
    visit = await _admin(pages, door, request)
    if visit is None:
        return pages.page("admin_login.html", pages.stranger(request), wrong=None)
    seen = await hub.book.read(_overview, hub.public_url)
    draft = await hub.book.read(_draft, visit.query, hub.book.clock.now())
    return pages.page(
        "admin.html",
        visit,
        faults=hub.faults.left(),
        kinds=list(FaultKind),
        downlinks=drafts.DOWNLINKS,
        draft=draft,
        yuan=yuan,
        **seen,
    )


@post("/login", status_code=HTTPStatus.OK)
async def log_in(request: AnyRequest, pages: FromPages, hub: FromHub, door: FromDoor) -> Response[Any]:
    """Change the admin token for a session."""
    form = await read_form(request)
    try:
        right, status = door.fits(request, form.get("admin_token", "").strip()), HTTPStatus.FORBIDDEN
    except HTTPException as shut:
        right, status = False, HTTPStatus(shut.status_code)
    if not right:
        return pages.page("admin_login.html", pages.stranger(request), wrong=status, status=status)
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
    return Redirect("/admin", status_code=303)


@post("/pushes/form", status_code=HTTPStatus.SEE_OTHER)
async def push(request: AnyRequest, pages: FromPages, hub: FromHub, door: FromDoor) -> Response[Any]:
    """Send the message in the form."""
    form = await read_form(request)
    visit = await _ours(pages, door, request, form)
    if visit is None:
        return _expired(pages, request)
    try:
        data = msgspec.json.decode(form.get("data") or "{}")
        asked = PushRequest(lot_id=form.get("lot_id", ""), service_name=form.get("service_name", ""), data=data)
        await send(hub, asked)
    except (msgspec.DecodeError, RecursionError, Unknown, Unusable):
        return _wrong(pages, visit)
    return Redirect("/admin", status_code=303)


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
    return Redirect("/admin", status_code=303)


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
    return pages.page("admin_look.html", visit, texts=texts)


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
    handlers = [overview, log_in, log_out, change_faults, push, move_record, look]
    return Router(path="/admin", route_handlers=handlers, include_in_schema=False)
