"""The desk: takes scans and asks the lots about them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import sqlalchemy as sa

from taigan.bolink import BadMessage, NoPlateEntry, VerifyCode, VerifyCodeAnswer, by_section, read, seconds
from taigan.bolink.fields import Message, Whole
from taigan.hub.book.book import Book
from taigan.hub.book.trail import Kind, Trail
from taigan.hub.drivers import scans
from taigan.hub.drivers.phone import Screen, screen
from taigan.hub.drivers.scans import Asked, Begun, Next, Shown
from taigan.hub.rules import Rules
from taigan.hub.sending import pushes
from taigan.hub.sending.pushes import Answer, Delivery, Outcome, Push, Sender


class _Verdict(Message):
    """What has to be in an answer to 5.7 for a phone to show it."""

    state: Whole
    errmsg: str | None = None
    car_number: str | None = None


class Desk:
    """Takes a scan, asks the lot, and shows the phone what comes of it."""

    def __init__(self, book: Book, sender: Sender, rules: Rules, new_id: Callable[[], str]) -> None:
        self._book = book
        self._sender = sender
        self._rules = rules
        self._new_id = new_id
        self._asking: dict[str, asyncio.Task[None]] = {}

    async def scan(self, asked: Asked) -> str:
        """Take a scan; its id. The lot is asked in the background: see `result` and the open pages.

        Returns once an SMS code was asked for and the lot has answered that. Raises `Unknown` or `Unusable`.
        """
        begun, push = await self._book.write(self._begin, asked, self._new_id())
        scan_id = begun.scan.scan_id
        if push is not None:
            task = asyncio.create_task(self._ask(begun, push))
            self._asking[scan_id] = task
            task.add_done_callback(lambda _: self._asking.pop(scan_id, None))
            if begun.next is Next.SEND_CODE:
                await asyncio.shield(task)
        return scan_id

    async def result(self, scan_id: str) -> Screen:
        """What the phone shows once the lot has answered or the time is up. Raises `Unknown`."""
        task = self._asking.get(scan_id)
        if task is not None:
            await asyncio.shield(task)
        return await self.screen(scan_id)

    async def screen(self, scan_id: str) -> Screen:
        """What the phone shows now. Raises `Unknown`."""
        return await self._book.read(screen, self._rules, scan_id, self._book.clock.now())

    async def close(self) -> None:
        """Stop asking. Scans whose answer was not heard are shown as unanswered at the next start."""
        for task in list(self._asking.values()):
            task.cancel()
        await asyncio.gather(*self._asking.values(), return_exceptions=True)

    def _begin(self, conn: sa.Connection, trail: Trail, asked: Asked, scan_id: str) -> tuple[Begun, Push | None]:
        begun = scans.begin(conn, trail, self._rules, asked, scan_id)
        scan, lot, driver = begun.scan, begun.lot, begun.driver
        if begun.next is Next.NOTHING:
            return begun, None
        union_id = int(lot.union_id)
        if begun.next is Next.SEND_CODE:
            ask_code = VerifyCode(
                union_id=union_id,
                park_id=lot.park_id,
                car_number=driver.licence,
                mobile_number=scan.mobile,
                pay_user_id=driver.pay_user_id,
            )
            return begun, pushes.prepare(
                conn,
                trail,
                lot,
                scan.channel_id,
                by_section("5.13"),
                ask_code,
                kind=Kind.CODE_ASKED,
                scan_id=scan.scan_id,
            )
        entry = NoPlateEntry(
            car_number=driver.licence,
            park_id=lot.park_id,
            union_id=union_id,
            timestamp=seconds(trail.at),
            channel_id=scan.channel_id,
            pay_user_id=driver.pay_user_id,
            mobile_number=scan.mobile or None,
        )
        return begun, pushes.prepare(conn, trail, lot, scan.channel_id, by_section("5.7"), entry, scan_id=scan.scan_id)

    async def _ask(self, begun: Begun, push: Push) -> None:
        delivery = await self._sender.send(push)
        work = self._hear_code if begun.next is Next.SEND_CODE else self._hear
        await self._book.write(work, begun, push, delivery)

    def _hear(self, conn: sa.Connection, trail: Trail, begun: Begun, push: Push, delivery: Delivery) -> None:
        pushes.keep(conn, trail, push, delivery)
        shown, text, state = verdict(delivery.answer, begun.driver.licence)
        scans.answered(conn, trail, begun.scan.scan_id, shown, text, state)

    def _hear_code(self, conn: sa.Connection, trail: Trail, begun: Begun, push: Push, delivery: Delivery) -> None:
        pushes.keep(conn, trail, push, delivery)
        code, text = sms_code(delivery.answer)
        scans.code_sent(conn, trail, begun, code, text)


def verdict(answer: Answer, licence: str) -> tuple[Shown, str, int | None]:
    """What a phone shows for an answer to 5.7, and the state in it if the answer is one."""
    if answer.outcome is Outcome.UNREACHABLE:
        return Shown.TIMEOUT, scans.UNREACHABLE, None
    if answer.outcome is not Outcome.ANSWERED:
        return Shown.TIMEOUT, scans.NO_ANSWER, None
    if answer.status != 200:
        return Shown.TIMEOUT, scans.BAD_ANSWER, None
    try:
        said = read(answer.body or b"", _Verdict)
    except BadMessage:
        return Shown.TIMEOUT, scans.BAD_ANSWER, None
    if not (said.car_number or licence).endswith(licence):
        return Shown.TIMEOUT, scans.BAD_ANSWER, None
    text = (said.errmsg or "").strip()
    match said.state:
        case 0:
            return Shown.REFUSED, text or scans.NOT_ENTERED, 0
        case 1:
            return Shown.SUCCESS, text or scans.ENTERED, 1
        case 2:
            return Shown.WAITING, text or scans.BEING_DEALT_WITH, 2
    return Shown.TIMEOUT, scans.BAD_ANSWER, None


def sms_code(answer: Answer) -> tuple[str | None, str]:
    """The code in an answer to 5.13, and what the phone shows."""
    if answer.outcome is Outcome.UNREACHABLE:
        return None, scans.UNREACHABLE
    if answer.outcome is not Outcome.ANSWERED or answer.status != 200:
        return None, scans.CODE_NOT_SENT
    try:
        said = read(answer.body or b"", VerifyCodeAnswer)
    except BadMessage:
        return None, scans.CODE_NOT_SENT
    if said.state != 1 or not said.verify_code:
        return None, said.errmsg or scans.CODE_NOT_SENT
    return said.verify_code, scans.CODE_ON_ITS_WAY
