"""The admin's page: what BoLink's side knows and has seen, and the faults to switch on. Plain forms, no scripts."""

from __future__ import annotations

from dataclasses import replace
from http import HTTPStatus
from typing import Any

import msgspec
import sqlalchemy as sa
from litestar import Response, Router, get, post
from litestar.datastructures import Cookie
from litestar.response import Redirect

from taigan.hub import drivers, lists
from taigan.hub.admin import ADMIN_COOKIE, token_fits
from taigan.hub.faults import Fault, FaultKind
from taigan.hub.hub import FromHub
from taigan.hub.pages import AnyRequest, FromPages, Pages, Visit, read_form

_SHOWN = 50


def _overview(conn: sa.Connection, public_url: str) -> dict[str, Any]:
    return {
        "lots": lists.lots_known(conn, public_url).items,
        "entries": lists.entries_of(conn, "", None, _SHOWN).items,
        "exits": lists.exits_of(conn, "", None, _SHOWN).items,
        "pushes": lists.pushes_of(conn, "", None, _SHOWN).items,
        "arrivals": lists.arrivals_of(conn, "", None, _SHOWN).items,
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
    return pages.page("admin.html", visit, faults=hub.faults.left(), kinds=list(FaultKind), **seen)


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
    visit = await _admin(pages, request)
    if visit is None or not pages.form_is_ours(visit.session, form):
        stranger = pages.stranger(request)
        return pages.page("notice.html", stranger, status=HTTPStatus.FORBIDDEN, again="/admin", kind="form")
    if form.get("do") == "clear":
        hub.faults.set([])
    else:
        asked = {name: form[name] for name in ("kind", "lot_id", "channel_id", "service_name") if form.get(name)}
        times = form.get("times", "")
        try:
            fault = msgspec.convert(asked | {"times": int(times) if times else None}, Fault)
        except (ValueError, msgspec.ValidationError):
            return pages.page("notice.html", visit, status=HTTPStatus.BAD_REQUEST, again="/admin", kind="error")
        hub.faults.set([*hub.faults.left(), fault])
    return Redirect("/admin", status_code=303)


def admin_page_routes() -> Router:
    """The admin's page."""
    handlers = [overview, log_in, log_out, change_faults]
    return Router(path="/admin", route_handlers=handlers, include_in_schema=False)
