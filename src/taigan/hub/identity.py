"""Who holds the phone: WeChat or Alipay, and the user id each of them gives BoLink."""

from __future__ import annotations

import enum
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import urlencode

LICENCE_LENGTH = 7
_LICENCE_SIGNS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_USER_ID_SIGNS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


class App(enum.StrEnum):
    """The apps whose users BoLink knows."""

    WECHAT = "wechat"
    ALIPAY = "alipay"


def app_of(user_agent: str) -> App | None:
    """The app whose browser sends this `User-Agent`; `None` for every other browser."""
    if "MicroMessenger" in user_agent:
        return App.WECHAT
    if "AlipayClient" in user_agent:
        return App.ALIPAY
    return None


@dataclass(frozen=True, slots=True)
class Identity:
    """A user of an app. `pay_user_id` is WeChat's openid or Alipay's buyer id, at most 100 characters."""

    app: App
    pay_user_id: str


def licence_of(identity: Identity, attempt: int = 0) -> str:
    """The 7 digits and capitals a driver is known by at the lots (chapter 7): always the same for the same identity.

    Two identities may share one; whoever comes second takes the next `attempt`.
    """
    text = f"{identity.app}:{identity.pay_user_id}:{attempt}"
    return _spell(text, _LICENCE_SIGNS, LICENCE_LENGTH)


def _spell(text: str, signs: str, length: int) -> str:
    number = int.from_bytes(hashlib.sha256(text.encode()).digest())
    spelled = ""
    for _ in range(length):
        number, digit = divmod(number, len(signs))
        spelled += signs[digit]
    return spelled


class Login(Protocol):
    """How a browser's user becomes an identity: the app's own page, then back to the hub with a code (OAuth)."""

    simulated: bool
    """Whether any browser may use it and choose who it is."""

    def address(self, app: App, back: str) -> str:
        """Where to send the browser; the app sends it on to `back` with its answer in the query."""

    async def identity(self, app: App, query: Mapping[str, str]) -> Identity | None:
        """Who came back; `None` when the answer is no good."""


class SimulatedLogin:
    """Plays WeChat's and Alipay's login on the hub itself. Whoever is named in the query's `user` is believed."""

    simulated = True

    def __init__(self, page: str) -> None:
        self._page = page

    def address(self, app: App, back: str) -> str:
        return f"{self._page}/{app}?{urlencode({'back': back})}"

    async def identity(self, app: App, query: Mapping[str, str]) -> Identity | None:
        driver = query.get("user", "")
        return simulated_identity(app, driver) if usable_name(driver) else None


def usable_name(driver: str) -> bool:
    """Whether a simulated driver can have this name."""
    return 0 < len(driver) <= 64 and driver.isprintable()


def simulated_identity(app: App, driver: str) -> Identity:
    """The user id that the simulated app gives to the driver of this name: like an openid, like a buyer id."""
    if app is App.WECHAT:
        return Identity(app, "o" + _spell(f"wechat:{driver}", _USER_ID_SIGNS, 27))
    return Identity(app, "2088" + _spell(f"alipay:{driver}", "0123456789", 12))
