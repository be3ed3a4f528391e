"""What cannot be seen or done from outside: asked of a hook that the platform's people wrote, or of a person."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Protocol

import aiohttp
import msgspec

ACTS = (
    "car_on_loop",
    "car_gone",
    "lane_state",
    "lift_count",
    "barrier_offline",
    "barrier_online",
    "barrier_slow",
    "order",
    "release",
    "refuse",
    "restart",
    "db_down",
    "clock",
    "exit_car",
    "sms_last",
    "money_found",
    "picture",
    "leave",
    "close",
    "change_state",
    "invoices",
    "lane_held",
)
"""Everything a hook may be asked; one that it does not know it answers with `{"ok": false}`."""


class NoHook(Exception):
    """Nobody could be asked, or the hook does not do this. The text says which act."""


class Hook(Protocol):
    """Does an act and gives its value."""

    async def __call__(self, act: str, **args: Any) -> Any:
        """Raises NoHook."""

    @property
    def is_person(self) -> bool:
        """Whether each question goes to somebody at the screen."""


class Absent:
    """No hook at all."""

    is_person = False

    async def __call__(self, act: str, **args: Any) -> Any:
        raise NoHook(act)


class _Said(msgspec.Struct):
    ok: bool
    value: Any = None


class HttpHook:
    """POSTs `{"act": …, "args": {…}}` and reads `{"ok": …, "value": …}`."""

    is_person = False

    def __init__(self, url: str, session: aiohttp.ClientSession) -> None:
        self._url = url
        self._session = session
        self._unknown: set[str] = set()

    async def __call__(self, act: str, **args: Any) -> Any:
        if act in self._unknown:
            raise NoHook(act)
        try:
            async with self._session.post(
                self._url, json={"act": act, "args": args}, timeout=aiohttp.ClientTimeout(60), allow_redirects=False
            ) as answer:
                said = msgspec.json.decode(await answer.read(), type=_Said)
        except (aiohttp.ClientError, TimeoutError, msgspec.DecodeError) as error:
            raise NoHook(f"{act} ({type(error).__name__})") from None
        if not said.ok:
            self._unknown.add(act)
            raise NoHook(act)
        return said.value


class Person:
    """Asks at the screen, one question at a time; an empty line means that it cannot be done."""

    is_person = True

    def __init__(self, ask: Callable[[str], str]) -> None:
        self._ask = ask
        self._turn = asyncio.Lock()

    async def __call__(self, act: str, **args: Any) -> Any:
        about = " ".join(f"{name}={value}" for name, value in args.items())
        async with self._turn:
            said = (await asyncio.to_thread(self._ask, f"{act} {about}")).strip()
        if not said:
            raise NoHook(act)
        return int(said) if said.lstrip("-").isdecimal() else said
