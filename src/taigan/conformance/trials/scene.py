"""What all cases of a run share: both doors, the names that were given, what drivers were told, every byte."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator, Iterable
from random import Random
from typing import Any

from taigan import bolink
from taigan.bolink import BadMessage
from taigan.bolink.errors import BolinkError
from taigan.conformance.doors.hooks import Absent, Hook
from taigan.conformance.doors.seen import Uploads
from taigan.conformance.doors.target import Answer, Target
from taigan.conformance.model import Exchange
from taigan.conformance.plan import Plan

NAMESPACE = "TG"
_LETTERS = "0123456789ABCDEFGHJKLMNPQRSTUVWXYZ"


class Scene:
    """One run's surroundings. `target` is there once the run has begun."""

    target: Target

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.key = plan.read_key()
        self.hub: Uploads | None = None
        self.hook: Hook = Absent()
        self.seed = plan.seed or Random().randrange(1, 1 << 30)
        self.exchanges: list[Exchange] = []
        self.entry_answers: list[Answer] = []
        self.told_in: set[str] = set()
        self.told_no: set[str] = set()
        self.told_waiting: set[str] = set()
        self.opened: dict[str, str] = {}
        """Stays that the kit began, by order: the plate."""
        self.own_mistakes: list[str] = []
        self.control: Answer | None = None
        """The answer to a wrong signature."""
        self.exit_lane_lock = asyncio.Lock()
        self._random = Random(self.seed)
        self._names: set[str] = set()
        self._numbers: set[str] = set()
        self._groups = 0
        self._lanes: asyncio.Queue[str] = asyncio.Queue()
        for lane in plan.entry_lanes:
            self._lanes.put_nowait(lane)

    def now(self) -> int:
        """Unix seconds."""
        return int(time.time())

    def new_driver(self) -> str:
        """Seven characters in the kit's own namespace, which no real plate or licence has."""
        while True:
            name = NAMESPACE + "".join(self._random.choices(_LETTERS, k=5))
            if name not in self._names:
                self._names.add(name)
                return name

    def new_number(self, digits: int) -> str:
        """A number that was not given before in this run, nor, as good as surely, in another."""
        while True:
            number = f"{self.now()}{self._random.randrange(10 ** (digits - 10)):0{digits - 10}d}"
            if number not in self._numbers:
                self._numbers.add(number)
                return number

    def new_group(self) -> int:
        self._groups += 1
        return self._groups

    @contextlib.asynccontextmanager
    async def entry_lane(self) -> AsyncIterator[str]:
        """One of the entry lanes, for oneself."""
        lane = await self._lanes.get()
        try:
            yield lane
        finally:
            self._lanes.put_nowait(lane)

    def url_for(self, section: str) -> str:
        """Where a message of that section goes."""
        return self.plan.callback

    def event_url(self, section: str) -> str:
        """The address for that event alone; empty where the platform has none."""
        return self.plan.event_callback.replace("{service_name}", bolink.by_section(section).event)

    def told(self, section: str, answer: Answer, twisted: bool) -> None:
        """Keep what a driver was told."""
        if section != "5.7":
            return
        self.entry_answers.append(answer)
        try:
            driver = str(json.loads(bolink.open_envelope(answer.exchange.body).text)["car_number"]).strip()
        except (BolinkError, ValueError, KeyError, TypeError, RecursionError):
            return
        kept = {1: self.told_in, 2: self.told_waiting}.get(answer.state or 0, self.told_no)
        if answer.status:
            kept.add(driver)
        else:
            self.told_waiting.add(driver)

    def check_own(self, case_id: str, section: str, body: bytes) -> None:
        """Is the kit's own message as documented?"""
        if problem := own_problem(section, body, self.key):
            self.own_mistakes.append(f"{case_id} {section}: {problem}")

    def is_signature_refusal(self, answer: Answer) -> bool:
        """Does an answer look like the one to a wrong signature?"""
        if answer.status in (401, 403) or any(word in answer.errmsg.lower() for word in ("签名", "验签", "sign")):
            return True
        control = self.control
        return (
            control is not None
            and bool(control.errmsg)
            and (answer.state, answer.errmsg) == (control.state, control.errmsg)
        )

    def documents(self) -> Iterable[tuple[Exchange, dict[str, Any]]]:
        """Everything that came from the platform and is a JSON object: its answers and its uploads' data."""
        for exchange in self.exchanges:
            if exchange.sent:
                with contextlib.suppress(ValueError, RecursionError):
                    data = json.loads(exchange.answer)
                    if isinstance(data, dict):
                        yield exchange, data
        for upload in self.hub.uploads if self.hub else ():
            yield upload.exchange, upload.data

    def record(self, exchange: Exchange) -> None:
        self.exchanges.append(exchange)

    def next_number(self) -> int:
        return len(self.exchanges) + 1


def own_problem(section: str, body: bytes, key: str) -> str:
    """What is wrong with a message of the kit's own, by the catalogue; empty when nothing is."""
    interface = bolink.by_section(section)
    try:
        envelope = bolink.open_envelope(body)
        if bolink.verify(envelope.text, envelope.sign, key) is not bolink.Signature.RAW:
            return "its signature is wrong"
        request = interface.read_request(envelope.text)
        bolink.write(request)
    except BadMessage as error:
        return str(error)
    return ""
