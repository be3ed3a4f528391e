"""The code that proves a phone number (5.13): made, sent and answered here, compared at BoLink."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol

import msgspec
import sqlalchemy as sa
import structlog

from taigan import bolink
from taigan.bolink import BadMessage
from taigan.clock import Clock
from taigan.lot import texts
from taigan.lot.ages import SKEW
from taigan.lot.ids import Ids
from taigan.lot.messages.router import Answered, Callback, reply
from taigan.lot.policy import Policy
from taigan.storage import codes, facts
from taigan.storage.database import Database

log = structlog.get_logger("taigan.sms")


class SmsFailed(Exception):
    """The gateway did not take the message."""


class SmsGateway(Protocol):
    """The way to a driver's phone."""

    async def send(self, mobile: str, code: str, lot_name: str) -> None:
        """Send a code. Raises SmsFailed."""


class SimulatedGateway:
    """Writes each message into a file, where a person can read the code; for trying out and for tests."""

    def __init__(self, path: Path, clock: Clock) -> None:
        self._path = path
        self._clock = clock

    async def send(self, mobile: str, code: str, lot_name: str) -> None:
        line = {"at": self._clock.now().isoformat(), "mobile": mobile, "code": code, "lot": lot_name}
        try:
            with self._path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(line, ensure_ascii=False) + "\n")
        except OSError as error:
            raise SmsFailed(str(error)) from error


class HttpGateway:
    """Posts `{"mobile", "code", "lot"}` to an address that sends the message."""

    def __init__(self, url: str, transport: bolink.Transport, timeout: float = 3.0) -> None:
        self._url = url
        self._transport = transport
        self._timeout = timeout

    async def send(self, mobile: str, code: str, lot_name: str) -> None:
        body = msgspec.json.encode({"mobile": mobile, "code": code, "lot": lot_name})
        try:
            status, _ = await self._transport.post(self._url, body, timeout=self._timeout)
        except bolink.BolinkError as error:
            raise SmsFailed(str(error)) from error
        if status >= 300:
            raise SmsFailed(f"the gateway answered {status}")


class PhoneChecks:
    """Handles 5.13. A repeat gets the first code and no second message; so many an hour for a phone or a driver."""

    def __init__(self, database: Database, gateway: SmsGateway, policy: Policy, clock: Clock, ids: Ids) -> None:
        self._database = database
        self._gateway = gateway
        self._policy = policy
        self._clock = clock
        self._ids = ids

    async def __call__(self, callback: Callback) -> Answered:
        """Answer a request for a code. Raises BadMessage, StorageError."""
        asked = bolink.read(callback.envelope.text, bolink.VerifyCode)
        for field in ("car_number", "mobile_number"):
            value = getattr(asked, field)
            if not value or len(value) > 32:
                raise BadMessage(field, "must have 1 to 32 characters")
        now = self._clock.now()
        lot = callback.lot
        reserved = await self._database.write(
            lambda conn: self._reserve(conn, lot.lot_id, asked.car_number, asked.mobile_number, now)
        )
        if reserved is None:
            return reply(bolink.VerifyCodeAnswer(state=0, errmsg=texts.CODE_TOO_OFTEN), "verify_code")
        code, fresh = reserved
        if fresh:
            left = self._policy.answer_within - (self._clock.now() - callback.received_at).total_seconds()
            try:
                async with self._clock.timeout(left):
                    await self._gateway.send(asked.mobile_number, code.code, lot.name)
            except TimeoutError:  # it may arrive yet: a repeat gets the same code
                log.error("the SMS gateway did not answer in time", lot=lot.lot_id)
                return reply(bolink.VerifyCodeAnswer(state=0, errmsg=texts.CODE_FAILED), "verify_code")
            except SmsFailed as error:
                log.error("the SMS gateway failed", lot=lot.lot_id, error=str(error))
                await self._database.write(lambda conn: codes.forget(conn, code.sms_id))
                return reply(bolink.VerifyCodeAnswer(state=0, errmsg=texts.CODE_FAILED), "verify_code")
        sent = bolink.VerifyCodeAnswer(state=1, errmsg=texts.CODE_SENT, verify_code=code.code)
        return reply(sent, "verify_code")

    def _reserve(
        self, conn: sa.Connection, lot_id: str, licence: str, mobile: str, now: datetime
    ) -> tuple[codes.Code, bool] | None:
        facts.lock(conn, [lot_id])
        recent = codes.between(conn, licence, mobile, now - timedelta(hours=1), now + SKEW)
        again = now - timedelta(seconds=self._policy.sms_repeat)
        for code in recent:
            if (code.lot_id, code.licence, code.mobile) == (lot_id, licence, mobile) and code.sent_at > again:
                return code, False
        of_phone = sum(code.mobile == mobile for code in recent)
        of_driver = sum(code.licence == licence for code in recent)
        if max(of_phone, of_driver) >= self._policy.sms_per_hour:
            return None
        return codes.add(conn, lot_id, licence, mobile, self._ids.sms_code(), now), True
