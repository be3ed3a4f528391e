"""A browser that came by: who, what for, in which lot and language; and what a page is answered with."""

from __future__ import annotations

import base64
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any, TypeVar
from urllib.parse import quote, urlencode
from zoneinfo import ZoneInfo

import msgspec
from litestar import Response
from litestar.datastructures import Cookie
from litestar.di import NamedDependency
from litestar.response import Redirect

from taigan.lot.errors import BadValue, LotError
from taigan.lot.people.by import By
from taigan.rights import Right
from taigan.storage.rows import Lot
from taigan.web.console.packing import ON_WHAT, SMALLEST, packed
from taigan.web.console.rendering.rendering import Rendering
from taigan.web.console.signing.accounts import Accounts, Signed, form_token
from taigan.web.console.signing.elsewhere import WITHIN, Flow, Provider
from taigan.web.shown.office import Office

Answer = Response[Any]
Field = str
SAID = "said"
LANG = "lang"
LAST_LOT = "lot"
YEAR = 365 * 24 * 3600
_UTC = ZoneInfo("UTC")
_RIGHTS = {right.value: right for right in Right}


class Said(msgspec.Struct):
    """A sentence that stands on the next page: `good`, or `bad` for what could not be done."""

    kind: str
    text: str


Carried = TypeVar("Carried", Said, Flow)


@dataclass(slots=True)
class Visit:
    """What a handler is handed. `token` is that of the browser's session; `asked` the query, `form` what was posted;
    `lot` is the one that the address names, `beside` the one whose menu stands beside the page: that one, or where the
    address names none, the one that was looked at last; `packs` says whether the page may go packed."""

    method: str
    path: str
    asked: Mapping[str, str]
    form: Mapping[str, str] = field(repr=False)
    language: str
    address: str
    secure: bool
    is_part: bool
    packs: bool
    token: str = field(repr=False)
    signed: Signed | None = field(repr=False)
    lot: Lot | None
    beside: Lot | None
    lots: tuple[Lot, ...]
    now: datetime
    office: Office
    accounts: Accounts
    rendering: Rendering
    provider: Provider | None = None
    flow: Flow | None = field(default=None, repr=False)
    said: Said | None = None
    open_alarms: int = 0
    refunds_wanted: int = 0
    files: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    wrong: dict[Field, str] = field(default_factory=dict)
    cookies: list[Cookie] = field(default_factory=list)

    @property
    def person(self) -> Signed:
        """Whoever is signed in. Pages that need a right have somebody."""
        assert self.signed is not None
        return self.signed

    @property
    def here(self) -> Lot:
        """The lot that the address names. Pages below /lots/… have one."""
        assert self.lot is not None
        return self.lot

    @property
    def zone(self) -> ZoneInfo:
        """The time zone of the lot whose menu stands beside the page."""
        return ZoneInfo(self.beside.time_zone) if self.beside is not None else _UTC

    def day(self, back: int = 0) -> str:
        """Today's date on the lot's clock, or that of so many days before, as fields and addresses have it."""
        return (self.now.astimezone(self.zone).date() - timedelta(days=back)).isoformat()

    def may(self, right: Right | str, lot_id: str = "") -> bool:
        """Whether the person may do that in this lot, or another one; outside of lots: anywhere."""
        if self.signed is None:
            return False
        lot_id = lot_id or (self.lot.lot_id if self.lot is not None else "")
        wanted = _RIGHTS[right]
        return self.signed.holder.may(wanted, lot_id) if lot_id else self.signed.holder.may_somewhere(wanted)

    def by(self, reason: str = "") -> By:
        """Who acts, and why. `via` says that it was the signed-in person, whatever name a program may give itself."""
        reason = reason or self.text("reason", 200)
        return By(self.person.person.name, reason or "-", f"console:{self.person.person.login}")

    def text(self, name: str, longest: int = 200, *, needed: str = "") -> str:
        """A field of the form or the query. Raises BadValue where it is too long, or `needed` says why it may not be
        empty."""
        value = self.form.get(name, self.asked.get(name, "")).strip()
        if len(value) > longest or "\x00" in value:
            raise BadValue(self.tell("最多 %(count)d 个字", count=longest), name)
        if needed and not value:
            raise BadValue(needed, name)
        return value

    def tell(self, text: str, **values: Any) -> str:
        """A text in the visitor's language."""
        found = self.rendering.languages.texts(self.language).gettext(text)
        return found % values if values else found

    def url(self, *parts: str, **query: str | None) -> str:
        """An address of this console: each part stands between slashes, whatever signs it has."""
        path = "/" + "/".join(quote(part, safe="") for part in parts)
        asked = urlencode({name: value for name, value in query.items() if value})
        return f"{path}?{asked}" if asked else path

    def in_lot(self, *parts: str, **query: str | None) -> str:
        """An address below the present lot."""
        return self.url("lots", self.here.lot_id, *parts, **query)

    def back(self, otherwise: str) -> str:
        """Where the form came from, if it says so and that is one of our addresses."""
        wanted = self.form.get("back", "")
        return wanted if is_local(wanted) else otherwise

    def page(self, template: str, *, status: int = HTTPStatus.OK, part: str = "", **values: Any) -> Answer:
        """A page, or a part of one, in the visitor's language. `part`: what of the page changes by itself."""
        body = self.rendering.render(part if part and self.is_part else template, self, **values).encode()
        headers = {"vary": ON_WHAT}
        if self.packs and len(body) >= SMALLEST:
            body, headers["content-encoding"] = packed(body), "gzip"
        cookies = [*self.cookies, *([self._cookie(SAID, "", max_age=0)] if self.said is not None else [])]
        return Response(body, status_code=status, media_type="text/html", headers=headers, cookies=cookies)

    def go(self, url: str, said: str = "", kind: str = "good") -> Answer:
        """To another page, where `said` stands."""
        cookies = list(self.cookies)
        if said:
            cookies.append(self._cookie(SAID, seal(Said(kind, said), self.token), max_age=120))
        return Redirect(url, status_code=303, cookies=cookies)

    def again(self, template: str, error: LotError, **values: Any) -> Answer:
        """The form once more, with what was typed and a sentence at the field that is wrong."""
        self.wrong[error.field] = self.rendering.error(error, self)
        return self.page(template, status=HTTPStatus.UNPROCESSABLE_ENTITY, **values)

    def typed(self, name: str, otherwise: str = "") -> str:
        """What stood in a field when the form was sent, or stands in it at first."""
        return self.form.get(name, self.asked.get(name, otherwise))

    def changed(self, channel_id: str = "", order_id: str = "") -> None:
        """Let every open page of the lot fetch what an act has changed."""
        about = {"channel_id": channel_id, "order_id": order_id}
        self.office.events.publish({"step": "act", "lot_id": self.here.lot_id, "at": self.now, **about})

    @property
    def form_token(self) -> str:
        """What our own forms send back."""
        return form_token(self.token, self.signed.person.login if self.signed is not None else "")

    @property
    def session_cookie(self) -> str:
        """The name of the cookie; where TLS is, browsers hold it to this host alone."""
        return session_cookie(self.secure)

    def start_session(self, token: str) -> None:
        """Let the browser keep a session."""
        self.cookies.append(self._cookie(self.session_cookie, token))

    def end_session(self) -> None:
        """Let the browser forget it."""
        self.cookies.append(self._cookie(self.session_cookie, "", max_age=0))

    def start_flow(self, flow: Flow) -> None:
        """Let the browser keep its way to a provider, until it is back."""
        self.cookies.append(self._cookie(flow_cookie(self.secure), seal(flow, self.token), max_age=WITHIN.seconds))

    def end_flow(self) -> None:
        """Let the browser forget it."""
        self.cookies.append(self._cookie(flow_cookie(self.secure), "", max_age=0))

    def keep_lot(self) -> None:
        """Let the browser remember which lot was looked at last."""
        self.cookies.append(self._cookie(LAST_LOT, quote(self.here.lot_id, safe="")))

    def keep_language(self) -> None:
        """Let the browser keep the language."""
        self.cookies.append(self._cookie(LANG, self.language, max_age=YEAR))

    def _cookie(self, name: str, value: str, *, max_age: int | None = None) -> Cookie:
        return Cookie(
            key=name, value=value, path="/", max_age=max_age, httponly=True, secure=self.secure, samesite="lax"
        )


Here = NamedDependency[Visit]
"""How a handler asks for the visit."""


def session_cookie(secure: bool) -> str:
    return "__Host-session" if secure else "session"


def flow_cookie(secure: bool) -> str:
    return "__Host-oidc" if secure else "oidc"


def is_local(url: str) -> bool:
    """Whether an address leads to this host and to nowhere else."""
    return url.startswith("/") and not url.startswith("//") and "\\" not in url and url.isprintable()


def seal(carried: Said | Flow, token: str) -> str:
    """What a cookie carries to another page of the same browser, that nobody else could have put there."""
    plain = msgspec.json.encode(carried)
    proof = _proof(plain, token, type(carried))
    return base64.urlsafe_b64encode(proof + plain).decode().rstrip("=")


def unseal(value: str, token: str, kind: type[Carried]) -> Carried | None:
    """What such a cookie carries, if it is one of that kind."""
    try:
        whole = base64.urlsafe_b64decode(value + "=" * (-len(value) % 4))
        proof, plain = whole[:32], whole[32:]
        if not token or not hmac.compare_digest(proof, _proof(plain, token, kind)):
            return None
        return msgspec.json.decode(plain, type=kind)
    except (ValueError, msgspec.DecodeError):
        return None


def _proof(plain: bytes, token: str, kind: type[Said] | type[Flow]) -> bytes:
    """Of another kind each: what one cookie carries is nothing in another."""
    return hmac.digest(token.encode(), kind.__name__.encode() + b" " + plain, "sha256")
