"""The console's door: finds out who is there and what they ask for before a page is looked for."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from http import HTTPStatus
from http.cookies import CookieError, SimpleCookie
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, unquote

import sqlalchemy as sa

from taigan.clock import Clock
from taigan.rights import Right
from taigan.storage.due import errands
from taigan.storage.errors import StorageError
from taigan.storage.rows import Lot
from taigan.storage.shown import alarms, views
from taigan.web.asgi import (
    ClientGone,
    Message,
    Receive,
    Scope,
    Send,
    TooLarge,
    TooSlow,
    encoded_path,
    path_parts,
    read_body,
    replay,
    respond,
)
from taigan.web.console.packing import asked_by_ourselves, takes_packed
from taigan.web.console.rendering.rendering import Rendering, rendering
from taigan.web.console.sheets.uploads import is_upload, read_upload
from taigan.web.console.signing.accounts import Accounts, Signed
from taigan.web.console.signing.elsewhere import Flow, Provider
from taigan.web.console.visit import LANG, LAST_LOT, SAID, Said, Visit, flow_cookie, session_cookie, unseal
from taigan.web.shown.office import Office

FIRST_PARTS = ("", "lots", "sign-in", "sign-out", "account", "people", "static")
"""The first parts of its paths."""
BODY_LIMIT = 256 * 1024
UPLOAD_LIMIT = 4 * 1024 * 1024
WITH_FILES = frozenset({"pass-import"})
"""The last parts of the addresses whose forms carry a file."""
MOST_FIELDS = 2000
MOST_LOTS = 1000
"""So many lots one person chooses from."""
SECURITY = {
    "content-security-policy": (
        "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'"
    ),
    "referrer-policy": "same-origin",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "cross-origin-opener-policy": "same-origin",
}
"""On every answer: nothing runs but our own files, nobody frames a page."""
_BAD_METHOD = "只有 GET 和 POST。 Only GET and POST."
_NO_DATABASE = "数据库没有应答，请稍后再试。 The database does not answer; try again."
_BAD_ADDRESS = "这个地址不能用。 This address cannot be used."


class Pages(NamedTuple):
    """The pages as an application, and what they are written with."""

    framework: Any
    rendering: Rendering

    @classmethod
    def load(cls) -> Pages:
        """Load and build them: a fifth of a second, for which a lot that starts again does not wait."""
        from taigan.web.console.framework import framework

        return cls(framework(), rendering())


class Console:
    """Everything that persons look at. Cookies, forms and languages are read here, rights in `allowed`."""

    def __init__(
        self,
        office: Office,
        accounts: Accounts,
        clock: Clock,
        *,
        body_timeout: float,
        provider: Provider | None = None,
    ) -> None:
        self._office = office
        self._accounts = accounts
        self._clock = clock
        self._body_timeout = body_timeout
        self._provider = provider
        self._loading: asyncio.Task[Pages] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._loading is None:
            self._loading = asyncio.create_task(asyncio.to_thread(Pages.load))
        framework, rendering = await asyncio.shield(self._loading)
        try:
            parts = path_parts(scope)
            if parts[0] == "static":
                await self._file(scope, send, parts, rendering)
                return
            if scope["method"] not in ("GET", "HEAD", "POST"):
                await _say(send, HTTPStatus.METHOD_NOT_ALLOWED, _BAD_METHOD, close=True)
                return
            files: dict[str, bytes] = {}
            carries = parts[-1] in WITH_FILES and is_upload(_content_type(scope)) and await self._is_signed(scope)
            body = await self._body(scope, receive, UPLOAD_LIMIT if carries else BODY_LIMIT)
            asked = _fields(scope.get("query_string", b""))
            if carries:
                form, files = await asyncio.to_thread(read_upload, _content_type(scope), body)
            else:
                form = _fields(body) if scope["method"] == "POST" else {}
        except ClientGone:
            return
        except UnicodeDecodeError:
            await _say(send, HTTPStatus.BAD_REQUEST, _BAD_ADDRESS)
            return
        except (TooLarge, ValueError):
            await _say(send, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "表单太大。 The form is too large.", close=True)
            return
        except StorageError:
            await _say(send, HTTPStatus.SERVICE_UNAVAILABLE, _NO_DATABASE, close=True)
            return
        except TooSlow:
            await _say(send, HTTPStatus.REQUEST_TIMEOUT, "表单没有收全。 The form did not come in time.", close=True)
            return
        await rendering.ready()
        try:
            visit = await self._visit(scope, parts, asked, form, rendering)
            visit.files = files
        except StorageError:
            await _say(send, HTTPStatus.SERVICE_UNAVAILABLE, _NO_DATABASE)
            return
        inner = {**scope, "path": encoded_path(parts), "state": {**scope.get("state", {}), "visit": visit}}
        await framework(inner, replay(body, receive), _secured(send, visit.language))

    async def _body(self, scope: Scope, receive: Receive, limit: int) -> bytes:
        if scope["method"] in ("GET", "HEAD"):
            return b""
        return await read_body(receive, limit=limit, timeout=self._body_timeout)

    async def _is_signed(self, scope: Scope) -> bool:
        """Whether somebody is signed in: files are read from nobody else."""
        signed = await self._accounts.signed(_token(scope), present=False)
        return signed is not None and signed.session.whole

    async def _visit(
        self, scope: Scope, parts: list[str], asked: dict[str, str], form: dict[str, str], rendering: Rendering
    ) -> Visit:
        headers = _said(scope)
        cookies = _cookies(headers.get("cookie", ""))
        secure = scope.get("scheme") == "https"
        token = _token(scope)
        is_part = "x-part" in headers or headers.get("accept") == "text/event-stream"
        signed = await self._accounts.signed(token, present=not is_part)
        lots = await self._lots(signed)
        lot_id = parts[1] if parts[0] == "lots" and len(parts) > 1 else None
        lot = next((lot for lot in lots if lot.lot_id == lot_id), None)
        beside = lot or (_beside(lots, cookies.get(LAST_LOT, "")) if parts != [""] else None)
        tag = asked.pop("lang", "")
        open_alarms, refunds_wanted = await self._counts(signed, beside) if not is_part else (0, 0)
        visit = Visit(
            method=scope["method"],
            path=encoded_path(parts) if parts != [""] else "/",
            asked=asked,
            form=form,
            language=rendering.languages.choose(tag, cookies.get(LANG, ""), headers.get("accept-language", "")),
            address=scope["client"][0] if scope.get("client") else "",
            secure=secure,
            is_part=is_part,
            packs=takes_packed(headers) and asked_by_ourselves(headers, secure=secure),
            token=token,
            signed=signed,
            lot=lot,
            beside=beside,
            lots=lots,
            now=self._clock.now(),
            office=self._office,
            accounts=self._accounts,
            rendering=rendering,
            provider=self._provider,
            flow=unseal(cookies.get(flow_cookie(secure), ""), token, Flow),
            said=unseal(cookies.get(SAID, ""), token, Said) if not is_part else None,
            open_alarms=open_alarms,
            refunds_wanted=refunds_wanted,
        )
        if lot is not None and not is_part and unquote(cookies.get(LAST_LOT, "")) != lot.lot_id:
            visit.keep_lot()
        if tag:
            visit.keep_language()
        return visit

    async def _lots(self, signed: Signed | None) -> tuple[Lot, ...]:
        """The lots that exist for the person."""
        if signed is None:
            return ()
        grants = signed.holder.grants
        every = any(grant.lots is None for grant in grants)
        only = None if every else frozenset().union(*(grant.lots or frozenset() for grant in grants))

        def read(conn: sa.Connection) -> tuple[Lot, ...]:
            return tuple(views.lots(conn, MOST_LOTS, (), only))

        return await self._office.database.read(read)

    async def _counts(self, signed: Signed | None, lot: Lot | None) -> tuple[int, int]:
        """What stands beside the menu on every page, for who may see it: how many alarms of the lot nobody has taken,
        how many refunds wait for a second person."""
        if signed is None or lot is None:
            return 0, 0
        sees, approves = (signed.holder.may(right, lot.lot_id) for right in (Right.ALARM_SEE, Right.MONEY_APPROVE))

        def read(conn: sa.Connection) -> tuple[int, int]:
            open_alarms = alarms.count_open(conn, lot.lot_id) if sees else 0
            return open_alarms, errands.count_wanted(conn, lot.lot_id) if approves else 0

        return await self._office.database.read(read) if sees or approves else (0, 0)

    async def _file(self, scope: Scope, send: Send, parts: list[str], rendering: Rendering) -> None:
        asks = len(parts) == 2 and scope["method"] in ("GET", "HEAD")
        found = rendering.static.get(parts[1]) if asks else None
        if found is None:
            await _say(send, HTTPStatus.NOT_FOUND, _BAD_ADDRESS)
            return
        kept = {"cache-control": "public, max-age=31536000, immutable", "vary": "accept-encoding", **SECURITY}
        if packs := takes_packed(_said(scope)):
            kept["content-encoding"] = "gzip"
        await respond(send, HTTPStatus.OK, found.packed if packs else found.body, found.kind, _headers(kept))


def _secured(send: Send, language: str) -> Send:
    """Puts on every page what keeps it safe; nobody keeps a copy."""
    more = _headers({**SECURITY, "cache-control": "no-store", "content-language": language})

    async def secured(message: Message) -> None:
        if message["type"] == "http.response.start":
            present = {name for name, _ in message["headers"]}
            added = [(name, value) for name, value in more if name not in present]
            message = {**message, "headers": [*message["headers"], *added]}
        await send(message)

    return secured


async def _say(send: Send, status: int, text: str, *, close: bool = False) -> None:
    headers = _headers({**SECURITY, **({"connection": "close"} if close else {})})
    await respond(send, status, text.encode(), "text/plain; charset=utf-8", headers)


def _headers(named: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    return [(name.encode(), value.encode()) for name, value in named.items()]


def _fields(pairs: bytes) -> dict[str, str]:
    """A query's or a form's fields, each with its last value; what several chosen boxes say is joined by a comma.

    Raises ValueError for too many, UnicodeDecodeError for what is no text.
    """
    found: dict[str, str] = {}
    for name, value in parse_qsl(
        pairs.decode("ascii", "strict"), keep_blank_values=True, max_num_fields=MOST_FIELDS, errors="strict"
    ):
        if name.endswith("[]") and name in found:
            value = f"{found[name]},{value}"
        found[name] = value
    return found


def _beside(lots: tuple[Lot, ...], last: str) -> Lot | None:
    """The lot that was looked at last, if it is one of theirs; the only one is that anyway."""
    return next((lot for lot in lots if lot.lot_id == unquote(last)), lots[0] if len(lots) == 1 else None)


def _content_type(scope: Scope) -> str:
    return next((value.decode("latin-1") for name, value in scope["headers"] if name == b"content-type"), "")


def _said(scope: Scope) -> dict[str, str]:
    return {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}


def _token(scope: Scope) -> str:
    """The token of the browser's session, or what stands there."""
    cookies = _cookies(_said(scope).get("cookie", ""))
    return cookies.get(session_cookie(scope.get("scheme") == "https"), "")[:200]


def _cookies(header: str) -> dict[str, str]:
    try:
        return {name: morsel.value for name, morsel in SimpleCookie(header).items()}
    except CookieError:
        return {}
