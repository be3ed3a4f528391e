"""The code that proves a phone number (5.13): made, sent and answered here, compared at BoLink.

A message that did not arrive is forgotten, so that a repeated request sends a new one at once. What a lot sends in an
hour has a limit, since each message costs and anybody can ask for one.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from datetime import datetime, timedelta

import sqlalchemy as sa
import structlog

from taigan import bolink
from taigan.bolink import BadMessage
from taigan.clock import Clock
from taigan.lot import texts
from taigan.lot.gateways.gateway import Arrival, SmsFailed, SmsGateway
from taigan.lot.ids import Ids
from taigan.lot.messages.router import Answered, Callback, reply
from taigan.lot.policy import Policy
from taigan.lot.writing.ages import SKEW
from taigan.storage.changes import Changes
from taigan.storage.database import Database
from taigan.storage.errors import StorageError
from taigan.storage.locked import codes, facts
from taigan.storage.rows import Alarm

log = structlog.get_logger("taigan.sms")


_PHONE = re.compile(r"(?:(?:\+|00)?86)?1[3-9]\d{9}|\+[1-9]\d{6,14}", re.ASCII)
"""A mobile number of the mainland, with its prefix or without, or one from elsewhere as it is dialled abroad."""
RECEIPT_AFTER = 20.0
"""Seconds after which the gateway is asked what became of a message."""
ALARM_EVERY = 3600.0
"""Seconds between two alarms of one lot that sends too many codes."""


class PhoneChecks:
    """Handles 5.13. A repeat gets the first code and no second message; so many an hour for a phone, driver or lot."""

    def __init__(
        self,
        database: Database,
        gateway: SmsGateway,
        policy: Policy,
        clock: Clock,
        ids: Ids,
        alarm: Callable[[Alarm], None],
    ) -> None:
        self._alarm = alarm
        self._alarmed: dict[str, float] = {}
        self._following: set[asyncio.Task[None]] = set()
        self._database = database
        self._gateway = gateway
        self._policy = policy
        self._clock = clock
        self._ids = ids

    async def __call__(self, callback: Callback) -> Answered:
        """Answer a request for a code. Raises BadMessage, StorageError."""
        asked = bolink.read(callback.message, bolink.VerifyCode)
        for field in ("car_number", "mobile_number"):
            value = getattr(asked, field)
            if not value or len(value) > 32:
                raise BadMessage(field, "must have 1 to 32 characters")
        if not _PHONE.fullmatch(asked.mobile_number):
            return reply(bolink.VerifyCodeAnswer(state=0, errmsg=texts.BAD_PHONE), "verify_code")
        now = self._clock.now()
        lot = callback.lot
        reserved = await self._database.write(
            lambda conn: self._reserve(conn, lot.lot_id, asked.car_number, asked.mobile_number, now)
        )
        if reserved is None:
            await self._look_at_limit(lot.lot_id, now)
            return reply(bolink.VerifyCodeAnswer(state=0, errmsg=texts.CODE_TOO_OFTEN), "verify_code")
        code, fresh = reserved
        if fresh:
            sending = asyncio.ensure_future(self._gateway.send(asked.mobile_number, code.code, lot.name))
            try:
                await self._clock.wait((sending,), callback.answer_by.left())
                if not sending.done():
                    raise TimeoutError
                number = sending.result()
            except TimeoutError:  # it may arrive yet: a repeat gets the same code
                log.error("the SMS gateway did not answer in time", lot=lot.lot_id)
                return reply(bolink.VerifyCodeAnswer(state=0, errmsg=texts.CODE_FAILED), "verify_code")
            except SmsFailed as error:
                log.error("the SMS gateway failed", lot=lot.lot_id, error=str(error))
                await self._database.write(lambda conn: codes.forget(conn, code.sms_id))
                return reply(bolink.VerifyCodeAnswer(state=0, errmsg=texts.CODE_FAILED), "verify_code")
            finally:
                sending.cancel()
            if number:
                self._follow(code, number)
        sent = bolink.VerifyCodeAnswer(state=1, errmsg=texts.CODE_SENT, verify_code=code.code)
        return reply(sent, "verify_code")

    def _reserve(
        self, conn: sa.Connection, lot_id: str, licence: str, mobile: str, now: datetime
    ) -> tuple[codes.Code, bool] | None:
        facts.lock(conn, [lot_id])
        codes.alone(conn, licence, mobile)  # another lot may be asked for the same phone or driver
        recent = codes.between(conn, licence, mobile, now - timedelta(hours=1), now + SKEW)
        again = now - timedelta(seconds=self._policy.sms_repeat)
        for code in recent:
            if (code.lot_id, code.licence, code.mobile) == (lot_id, licence, mobile) and code.sent_at > again:
                return code, False
        of_phone = sum(code.mobile == mobile for code in recent)
        of_driver = sum(code.licence == licence for code in recent)
        if max(of_phone, of_driver) >= self._policy.sms_per_hour or self._is_full(conn, lot_id, now):
            return None
        return codes.add(conn, lot_id, licence, mobile, self._ids.sms_code(), now), True

    def _is_full(self, conn: sa.Connection, lot_id: str, now: datetime) -> bool:
        sent = codes.sent_in(conn, lot_id, now - timedelta(hours=1), now + SKEW)
        return sent >= self._policy.sms_per_lot_hour

    async def _look_at_limit(self, lot_id: str, now: datetime) -> None:
        """Raise the alarm of a lot that has sent all it may, once an hour."""
        told = self._alarmed.get(lot_id)
        if told is not None and self._clock.monotonic() - told < ALARM_EVERY:
            return
        if not await self._database.read(lambda conn: self._is_full(conn, lot_id, now)):
            return
        self._alarmed[lot_id] = self._clock.monotonic()
        text = f"{self._policy.sms_per_lot_hour} codes were sent within an hour: no more are sent for now"
        alarm = Alarm(lot_id, "", "", now, "sms_limit", text)
        changes = Changes()
        changes.alarms.append(alarm)
        await self._database.write(changes.write)
        self._alarm(alarm)

    def _follow(self, code: codes.Code, number: str) -> None:
        task = asyncio.create_task(self._look_at_receipt(code, number))
        self._following.add(task)
        task.add_done_callback(self._following.discard)

    async def _look_at_receipt(self, code: codes.Code, number: str) -> None:
        """What did not arrive is forgotten: a repeated request sends a new one."""
        await self._clock.sleep(RECEIPT_AFTER)
        try:
            receipt = await self._gateway.receipt(code.mobile, number, code.sent_at)
            if receipt.arrival is Arrival.FAILED:
                log.error("an SMS did not arrive", lot=code.lot_id, number=number, detail=receipt.detail)
                await self._database.write(lambda conn: codes.forget(conn, code.sms_id))
        except (SmsFailed, StorageError) as error:
            log.warning("what became of an SMS is not known", lot=code.lot_id, number=number, error=str(error))

    async def look_at_registration(self) -> None:
        """Say in the log whether messages may be signed as the settings say."""
        try:
            found = await self._gateway.registration()
        except SmsFailed as error:
            log.warning("the state of the SMS signature is not known", error=str(error))
            return
        if found.usable:
            log.info("SMS signature", state=found.detail)
        else:
            log.error("the SMS signature cannot be used: no code will arrive", state=found.detail)

    async def stop(self) -> None:
        """Ask for no receipt any more."""
        for task in self._following:
            task.cancel()
        await asyncio.gather(*self._following, return_exceptions=True)
