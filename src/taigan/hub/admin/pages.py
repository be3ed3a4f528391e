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
from litestar.response import Redirect

from taigan.bolink import yuan
from taigan.hub.admin import drafts, lists
from taigan.hub.admin.api import ADMIN_COOKIE, row_id, token_fits
from taigan.hub.admin.pushes import PushRequest, owed_of, send
from taigan.hub.admin.records import records_of
from taigan.hub.book import registry
from taigan.hub.drivers import drivers
from taigan.hub.errors import Unknown, Unusable
from taigan.hub.faults import Fault, FaultKind
from taigan.hub.hub import FromHub
from taigan.hub.pages.driver import AnyRequest, FromPages, Pages, Visit, read_form
from taigan.hub.taking.settlement import move

_SHOWN = 50


def _overview(conn: sa.Connection, public_url: str) -> dict[str, Any]:
    return {
        "lots": lists.lots_known(conn, public_url).items,
        "entries": lists.entries_of(conn, "", None, _SHOWN).items,
        "exits": lists.exits_of(conn, "", None, _SHOWN).items,
        "pushes": lists.pushes_of(conn, "", None, _SHOWN).items,
        "arrivals": lists.arrivals_of(conn, "", None, _SHOWN).items,
        "owed": owed_of(conn, "", None, _SHOWN).items,
        "records": [
            {**msgspec.structs.asdict(one), "text": _pretty(bytes(one.data))}
            for one in records_of(conn, "", "", None, _SHOWN, public_url).items
        ],
    }


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


async def _admin(pages: Pages, request: AnyRequest) -> Visit | None:
    session = request.cookies.get(ADMIN_COOKIE, "")
    if not session or not await pages.hub.book.read(drivers.is_admin_session, session):
        return None
    return replace(pages.stranger(request), session=session)


@get("/")
async def overview(request: AnyRequest, pages: FromPages, hub: FromHub) -> Response[str]:
    """Lots, uploads, pushes and faults; or the way in."""
    visit = await _admin(pages, request)
    if visit is None:
        return pages.page("admin_login.html", pages.stranger(request), wrong=False)
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
async def log_in(request: AnyRequest, pages: FromPages, hub: FromHub) -> Response[Any]:
    """Change the admin token for a session."""
    form = await read_form(request)
    if not token_fits(hub, form.get("admin_token", "").strip()):
        return pages.page("admin_login.html", pages.stranger(request), wrong=True, status=HTTPStatus.FORBIDDEN)
    session = hub.new_code() + hub.new_code()
    await hub.book.write(drivers.open_session, session, None)
    cookie = Cookie(key=ADMIN_COOKIE, value=session, path="/admin", httponly=True, samesite="strict")
    return Redirect("/admin", status_code=303, cookies=[cookie])


@post("/logout", status_code=HTTPStatus.SEE_OTHER)
async def log_out(request: AnyRequest, pages: FromPages, hub: FromHub) -> Response[Any]:
    """End the session."""
    visit = await _admin(pages, request)
    if visit is not None and pages.form_is_ours(visit.session, await read_form(request)):
        await hub.book.write(drivers.close_session, visit.session)
    return Redirect("/admin", status_code=303)


@post("/faults/form", status_code=HTTPStatus.SEE_OTHER)
async def change_faults(request: AnyRequest, pages: FromPages, hub: FromHub) -> Response[Any]:
    """Add a fault, or take all away."""
    form = await read_form(request)
    visit = await _ours(pages, request, form)
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
async def push(request: AnyRequest, pages: FromPages, hub: FromHub) -> Response[Any]:
    """Send the message in the form."""
    form = await read_form(request)
    visit = await _ours(pages, request, form)
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
async def move_record(request: AnyRequest, pages: FromPages, hub: FromHub) -> Response[Any]:
    """Move a record to its next state."""
    form = await read_form(request)
    visit = await _ours(pages, request, form)
    if visit is None:
        return _expired(pages, request)
    try:
        number = row_id(int(form.get("id", "")))
        _, outgoing = await hub.book.write(move, hub.rules, number, form.get("state", ""), hub.public_url)
    except (ValueError, Unknown, Unusable):
        return _wrong(pages, visit)
    hub.postbox.send_soon(outgoing)
    return Redirect("/admin", status_code=303)


async def _ours(pages: Pages, request: AnyRequest, form: dict[str, str]) -> Visit | None:
    """The admin whose own page sent this form."""
    visit = await _admin(pages, request)
    return visit if visit is not None and pages.form_is_ours(visit.session, form) else None


def _expired(pages: Pages, request: AnyRequest) -> Response[Any]:
    stranger = pages.stranger(request)
    return pages.page("notice.html", stranger, status=HTTPStatus.FORBIDDEN, again="/admin", kind="form")


def _wrong(pages: Pages, visit: Visit) -> Response[Any]:
    return pages.page("notice.html", visit, status=HTTPStatus.BAD_REQUEST, again="/admin", kind="error")


def admin_page_routes() -> Router:
    """The admin's page."""
    handlers = [overview, log_in, log_out, change_faults, push, move_record]
    return Router(path="/admin", route_handlers=handlers, include_in_schema=False)
