"""The driver's pages: from the code in the lane to the result.

Fetching an address never asks the lot anything; only the form does, sent by our own page with the driver's session.
Each page is one request with everything in it. The result comes by an event stream, failing that by polling, and
without scripts by a refresh.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from functools import cache, partial
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

import msgspec
import sqlalchemy as sa
from litestar import Request, Response, Router, get, post, route
from litestar.datastructures import Cookie
from litestar.di import NamedDependency
from litestar.enums import HttpMethod
from litestar.params import FromPath
from litestar.response import Redirect, ServerSentEvent, ServerSentEventMessage

from taigan.bolink import by_section
from taigan.hub.book import registry
from taigan.hub.book.registry import Lot
from taigan.hub.drivers import codes, drivers
from taigan.hub.drivers.codes import ENTRY_PATH, PAY_PATH, Code, CodeKind
from taigan.hub.drivers.drivers import Driver, Purpose, proof, proves
from taigan.hub.drivers.phone import Screen, in_language
from taigan.hub.drivers.scans import Asked
from taigan.hub.errors import Unknown, Unusable
from taigan.hub.hub import SIMULATED_PATH, Hub
from taigan.hub.identity import App, Identity, app_of, simulated_identity, usable_name
from taigan.languages import Languages, tongue
from taigan.templates import Filter, Templates

AnyRequest = Request[Any, Any, Any]

PING = 15.0
"""Seconds of silence after which an event stream shows that it is alive."""
_YEAR = 365 * 24 * 3600
_PHONE = re.compile(r"[0-9A-Za-z]{1,8}")
_LOGIN_COOKIE = "login"
_LOGIN = re.compile(r"[0-9A-Za-z]{16}")
_LARGEST_FORM = 64 * 1024
_FORM_TIMEOUT = 10.0
LICENCE_PATH = by_section("7").path


@dataclass(frozen=True, slots=True)
class Visit:
    """A browser that came by: what it asks for, its language, and whose it is.

    With the simulated login one browser can play several phones; each has a name, which the addresses carry.
    """

    path: str
    query: dict[str, str]
    language: str
    phone: str
    session: str
    driver: Driver | None

    @property
    def cookie(self) -> str:
        return f"driver-{self.phone}" if self.phone else "driver"

    def url(self, path: str, **query: str) -> str:
        """One of our addresses, for the same phone."""
        asked = {name: value for name, value in (query | {"phone": self.phone}).items() if value}
        return f"{path}?{urlencode(asked)}" if asked else path

    def here(self, **query: str) -> str:
        """This very page, asked for differently."""
        return self.url(self.path, **self.query | query)


@cache
def _languages() -> Languages:
    return Languages("taigan.hub")


@cache
def _templates() -> Templates:
    """The templates of all hubs of this process."""
    languages = _languages()
    templates = Templates("taigan.hub", languages)
    for tag in languages.tags:
        texts = languages.texts(tag)
        filters: dict[str, Filter] = {
            "translated": partial(in_language, texts),
            "tongue": partial(tongue, language=tag),
        }
        templates.add(tag, filters=filters, values={})
    return templates


class Pages:
    """Renders the pages; `frame_ancestors` are the origins (CSP) that may show them in a frame."""

    def __init__(self, hub: Hub, frame_ancestors: str = "'self'") -> None:
        self.hub = hub
        self.languages = _languages()
        self._frame_ancestors = frame_ancestors
        self._templates = _templates()
        self.ready = self._templates.ready

    @property
    def secure(self) -> bool:
        """Whether drivers come by HTTPS only, and so may their cookies."""
        return self.hub.public_url.startswith("https:")

    async def visit(self, request: AnyRequest) -> Visit:
        """Who is asking, and for what."""
        visit = self.stranger(request)
        session = request.cookies.get(visit.cookie, "")
        driver = await self.hub.book.read(drivers.driver_of_session, session) if session else None
        return replace(visit, session=session, driver=driver) if driver else visit

    def stranger(self, request: AnyRequest) -> Visit:
        """What is asked for, whoever it is."""
        asked = {name: values[-1] for name, values in request.query_params.dict().items()}
        language = self.languages.choose(
            asked.pop("lang", ""), request.cookies.get("lang", ""), request.headers.get("accept-language", "")
        )
        phone = asked.pop("phone", "")
        if not self.hub.login.simulated or not _PHONE.fullmatch(phone):
            phone = ""
        return Visit(request.url.path, asked, language, phone, "", None)

    def piece(self, template: str, visit: Visit, **values: object) -> str:
        """A piece of a page, in the visit's language."""
        page = self._templates.get(visit.language, template)
        own = {"visit": visit, "form_token": self._form_token(visit), "simulated": self.hub.login.simulated}
        return page.render(values | own)

    def page(
        self,
        template: str,
        visit: Visit,
        *,
        status: int = HTTPStatus.OK,
        cookies: tuple[Cookie, ...] = (),
        **values: Any,
    ) -> Response[str]:
        """A whole page. Nobody keeps it, and it runs only what it brings along."""
        nonce = self.hub.new_code()
        policy = (
            f"default-src 'none'; style-src 'nonce-{nonce}'; script-src 'nonce-{nonce}'; img-src data:; "
            f"connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors {self._frame_ancestors}"
        )
        headers = {
            "Cache-Control": "no-store",
            "Content-Language": visit.language,
            "Content-Security-Policy": policy,
            "Referrer-Policy": "same-origin",
            "X-Content-Type-Options": "nosniff",
        }
        return Response(
            self.piece(template, visit, nonce=nonce, **{"lot": None, "channel_id": "", "leaving": False} | values),
            status_code=status,
            media_type="text/html",
            headers=headers,
            cookies=[*cookies, Cookie(key="lang", value=visit.language, path="/", max_age=_YEAR, samesite="lax")],
        )

    def _form_token(self, visit: Visit) -> str:
        return proof(self.hub.book.secret, Purpose.FORM, visit.session) if visit.session else ""

    def is_named(self, visit: Visit) -> bool:
        """Whether the phone is in the hands of the driver whom the address names, if it names one."""
        named = _named_driver(self, visit)
        return named is None or (visit.driver is not None and named.holds(visit.driver))

    def form_is_ours(self, session: str, form: dict[str, str]) -> bool:
        """Whether our own page sent this form for this session."""
        return bool(session) and proves(form.get("token", ""), self.hub.book.secret, Purpose.FORM, session)


FromPages = NamedDependency[Pages]


async def read_form(request: AnyRequest) -> dict[str, str]:
    """The fields of a posted form; anything else, or one that does not come to its end, is an empty one."""
    body = b""
    try:
        async with asyncio.timeout(_FORM_TIMEOUT):
            async for piece in request.stream():
                body += piece
                if len(body) > _LARGEST_FORM:
                    return {}
    except TimeoutError:
        return {}
    try:
        return dict(parse_qsl(body.decode("utf-8", "replace"), max_num_fields=20))
    except ValueError:
        return {}


def lane_of(conn: sa.Connection, asked: str) -> tuple[Code, Lot] | None:
    code = codes.find_code(conn, asked)
    lot = registry.lot(conn, code.lot_id) if code is not None else None
    return None if code is None or lot is None else (code, lot)


@dataclass(frozen=True, slots=True)
class _NamedDriver:
    """A simulated driver named by the address (`app` and `driver`), so that a demonstration can hand over the phone."""

    app: App
    name: str

    def holds(self, driver: Driver) -> bool:
        """Whether this driver holds the phone already."""
        return simulated_identity(self.app, self.name) == Identity(driver.app, driver.pay_user_id)


def _named_driver(pages: Pages, visit: Visit) -> _NamedDriver | None:
    app, name = visit.query.get("app", ""), visit.query.get("driver", "")
    if not pages.hub.login.simulated or app not in list(App) or not usable_name(name):
        return None
    return _NamedDriver(App(app), name)


@route(ENTRY_PATH, http_method=[HttpMethod.GET, HttpMethod.HEAD])
async def entry_page(request: AnyRequest, pages: FromPages) -> Response[Any]:
    """Where the code in the lane leads: the lane's name and the button, once we know who is asking."""
    visit = await pages.visit(request)
    asked = visit.query.get("code", "")
    found = await pages.hub.book.read(lane_of, asked)
    if found is None:
        return pages.page("gone.html", visit, status=HTTPStatus.NOT_FOUND)
    code, lot = found
    lane: dict[str, Any] = {"lot": lot, "channel_id": code.channel_id, "code": code.code}
    if not code.good or code.kind is not CodeKind.ENTRY:
        return pages.page("gone.html", visit, status=HTTPStatus.GONE, **lane)
    if visit.driver is not None and pages.is_named(visit):
        return pages.page("entering/entry.html", visit, **lane)
    return log_in(pages, request, visit, {"code": code.code}, lane)


def log_in(
    pages: Pages,
    request: AnyRequest,
    visit: Visit,
    then: dict[str, str],
    about: dict[str, Any],
    *,
    template: str = "entering/other_app.html",
) -> Response[Any]:
    """Send a browser that nobody is known by to its app's login, or show which apps there are.

    `then` is where it goes on from there: an entry's `code`, a paying code `p`, or another's `redirectUrl` (7).
    """
    named = _named_driver(pages, visit)
    started = request.cookies.get(_LOGIN_COOKIE, "")
    if not _LOGIN.fullmatch(started):
        started = pages.hub.new_code()
    back = visit.url("/login/{app}", proof=proof(pages.hub.book.secret, Purpose.LOGIN, started), **then)
    addresses = {app: pages.hub.login.address(app, back.replace("{app}", app.value, 1)) for app in App}
    cookie = Cookie(key=_LOGIN_COOKIE, value=started, path="/", httponly=True, secure=pages.secure, samesite="lax")
    if named is not None:
        return Redirect(f"{addresses[named.app]}&{urlencode({'driver': named.name})}", cookies=[cookie])
    app = app_of(request.headers.get("user-agent", ""))
    if app is not None and request.method == HttpMethod.GET:
        return Redirect(addresses[app], cookies=[cookie])
    simulated = addresses if pages.hub.login.simulated else {}
    return pages.page(template, visit, cookies=(cookie,), logins=simulated, **about)


@get("/login/{app:str}")
async def logged_in(request: AnyRequest, pages: FromPages, app: FromPath[str]) -> Response[Any]:
    """Back from the app's login: remember the driver and go on to the lane."""
    visit = await pages.visit(request)
    started = request.cookies.get(_LOGIN_COOKIE, "")
    ours = bool(started) and proves(visit.query.get("proof", ""), pages.hub.book.secret, Purpose.LOGIN, started)
    identity = await pages.hub.login.identity(App(app), visit.query) if ours and app in list(App) else None
    to_lane = visit.url(ENTRY_PATH, code=visit.query.get("code", ""))
    if "p" in visit.query:
        to_lane = visit.url(PAY_PATH, p=visit.query["p"])
    if "redirectUrl" in visit.query:
        to_lane = visit.url(LICENCE_PATH, redirectUrl=visit.query["redirectUrl"])
    if identity is None:
        return pages.page("notice.html", visit, status=HTTPStatus.FORBIDDEN, again=to_lane, kind="login")
    session = pages.hub.new_code() + pages.hub.new_code()
    await pages.hub.book.write(drivers.open_session, session, identity)
    cookie = Cookie(
        key=visit.cookie, value=session, path="/", max_age=_YEAR, httponly=True, secure=pages.secure, samesite="lax"
    )
    return Redirect(to_lane, status_code=303, cookies=[cookie])


@get(SIMULATED_PATH + "/{app:str}")
async def simulated_login(request: AnyRequest, pages: FromPages, app: FromPath[str]) -> Response[Any]:
    """The simulated WeChat or Alipay: whoever comes is a driver, the same one each time in the same browser.

    `driver` in the query names one. Sends the browser back with that name.
    """
    visit = await pages.visit(request)
    back = visit.query.get("back", "")
    if not pages.hub.login.simulated or app not in list(App) or not back.startswith("/login/"):
        return pages.page("notice.html", visit, status=HTTPStatus.NOT_FOUND, again="", kind="missing")
    phone = dict(parse_qsl(urlsplit(back).query)).get("phone", "")
    name = f"simulated-{app}-{phone}" if _PHONE.fullmatch(phone) else f"simulated-{app}"
    known = unquote(request.cookies.get(name, ""))
    driver = visit.query.get("driver", "") or known
    if not usable_name(driver):
        driver = pages.hub.new_code()
    cookie = Cookie(key=name, value=quote(driver, safe=""), path=SIMULATED_PATH, max_age=_YEAR, samesite="lax")
    return Redirect(f"{back}&{urlencode({'user': driver})}", cookies=[cookie])


@post(ENTRY_PATH, status_code=HTTPStatus.SEE_OTHER)
async def scan(request: AnyRequest, pages: FromPages) -> Response[Any]:
    """The driver's button: the one way by which a page makes BoLink ask a lot."""
    form = await read_form(request)
    visit = await pages.visit(request)
    code = form.get("code", "") or visit.query.get("code", "")
    to_lane = visit.url(ENTRY_PATH, code=code)
    if visit.driver is None:
        return Redirect(to_lane, status_code=303)
    if not pages.form_is_ours(visit.session, form):
        return pages.page("notice.html", visit, status=HTTPStatus.FORBIDDEN, again=to_lane, kind="form")
    asked = Asked(
        Identity(visit.driver.app, visit.driver.pay_user_id),
        code=code,
        mobile=form.get("mobile", ""),
        verify_code=form.get("verify_code", ""),
    )
    try:
        scan_id = await pages.hub.desk.scan(asked)
    except (Unknown, Unusable):
        return Redirect(to_lane, status_code=303)
    return Redirect(visit.url(f"/scans/{scan_id}"), status_code=303)


async def _own_screen(pages: Pages, visit: Visit, scan_id: str) -> Screen | None:
    """The phone's picture, for the driver whose scan it is and nobody else."""
    if visit.driver is None:
        return None
    try:
        screen = await pages.hub.desk.screen(scan_id)
    except Unknown:
        return None
    return screen if screen.scan.driver_id == visit.driver.id else None


@get("/scans/{scan_id:str}")
async def scan_page(request: AnyRequest, pages: FromPages, scan_id: FromPath[str]) -> Response[str]:
    """What became of a scan."""
    visit = await pages.visit(request)
    screen = await _own_screen(pages, visit, scan_id)
    if screen is None:
        return pages.page("notice.html", visit, status=HTTPStatus.NOT_FOUND, again="", kind="scan")
    return pages.page("entering/scan.html", visit, **_values(screen))


def _values(screen: Screen) -> dict[str, Any]:
    scan = screen.scan
    return {"screen": screen, "lot": screen.lot, "channel_id": scan.channel_id, "code": scan.code}


class Now(msgspec.Struct):
    """What a phone that is open needs to follow its scan."""

    html: str
    digest: str
    listening: bool


def _now(pages: Pages, visit: Visit, screen: Screen) -> Now:
    return Now(pages.piece("entering/screen.html", visit, **_values(screen)), screen.digest, screen.listening)


@get("/scans/{scan_id:str}/now")
async def scan_now(request: AnyRequest, pages: FromPages, scan_id: FromPath[str]) -> Response[Now | None]:
    """The polling behind the event stream."""
    visit = await pages.visit(request)
    screen = await _own_screen(pages, visit, scan_id)
    if screen is None:
        return Response(None, status_code=HTTPStatus.NOT_FOUND)
    return Response(_now(pages, visit, screen), headers={"Cache-Control": "no-store"})


@get("/scans/{scan_id:str}/events")
async def scan_events(request: AnyRequest, pages: FromPages, scan_id: FromPath[str]) -> Response[Any]:
    """The result as it comes: one event for each new picture, until nothing can change any more.

    `Last-Event-ID`, or `seen` in the query, is the picture the page has already.
    """
    visit = await pages.visit(request)
    screen = await _own_screen(pages, visit, scan_id)
    if screen is None:
        return Response(None, status_code=HTTPStatus.NOT_FOUND)
    seen = request.headers.get("last-event-id", "") or visit.query.get("seen", "")
    return ServerSentEvent(
        _pictures(pages, visit, screen.scan.first_scan_id or scan_id, scan_id, seen),
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


async def _pictures(
    pages: Pages, visit: Visit, followed: str, scan_id: str, seen: str
) -> AsyncIterator[ServerSentEventMessage]:
    with pages.hub.book.live.listen(followed) as listener:
        screen = await pages.hub.desk.screen(scan_id)
        while True:
            if screen.digest != seen:
                seen = screen.digest
                picture = msgspec.json.encode(_now(pages, visit, screen)).decode()
                yield ServerSentEventMessage(picture, event="picture", id=seen, retry=1000)
            if not screen.listening:
                return
            wait = PING if screen.changes_in is None else min(PING, screen.changes_in + 0.01)
            step = await listener.next(wait)
            if listener.ended:
                return
            if step is None:
                yield ServerSentEventMessage(None, comment="")
            screen = await pages.hub.desk.screen(scan_id)


def driver_routes() -> Router:
    """The driver's addresses."""
    handlers = [entry_page, scan, logged_in, simulated_login, scan_page, scan_now, scan_events]
    return Router(path="/", route_handlers=handlers, include_in_schema=False)
