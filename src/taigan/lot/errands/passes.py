"""Passes as BoLink sells and keeps them: renewed by the driver (3.3, 5.8), told of one by one (11.5), or all (10.6)."""

from __future__ import annotations

import calendar
import re
from collections.abc import Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

import msgspec
import sqlalchemy as sa

from taigan.barriers.words import NotAPlate, plate_of
from taigan.bolink import BolinkClient, BolinkError, units
from taigan.bolink.chapters.reports import ListPasses
from taigan.bolink.chapters.reports import Pass as Listed
from taigan.bolink.chapters.trade import RenewPass
from taigan.bolink.values import DayParking, PassKind, Zoned
from taigan.lot.errands.errand import Outcome, begin, move
from taigan.lot.errors import BadValue, BolinkSaysNo, Conflict, UnknownOrder
from taigan.lot.leaving.cars import car as cars
from taigan.lot.leaving.room import Picture, Room
from taigan.lot.people.by import By
from taigan.lot.people.passes import FROM_BOLINK
from taigan.lot.stays import pass_times
from taigan.lot.stays.covers import holds_until
from taigan.storage.due import errands
from taigan.storage.locked import ledger
from taigan.storage.locked import passes as kept
from taigan.storage.locked.passes import Term
from taigan.storage.rows import Act, Errand, MoneyNotice, Pass

RENEWAL, BILL = "3.3", "11.2"
PAGE = 1000
MOST_MONTHS = 36


class SetTerms(msgspec.Struct, kw_only=True):
    """For how long and at what price the lot sells passes, in place of all before."""

    lot_id: str
    terms: list[tuple[int, int]]  # months, fen
    by: By

    def apply(self, room: Room) -> list[Term]:
        """Raises BadValue."""
        months = [one for one, _ in self.terms]
        if len(set(months)) != len(months):
            raise BadValue("two terms of the same length", "terms")
        terms = [Term(room.lot_id, months, fen) for months, fen in sorted(self.terms)]
        kept.put_terms(room.conn, room.lot_id, terms)
        act = f"terms of passes: {', '.join(f'{one.months} months {units.yuan(one.fen)}' for one in terms) or 'none'}"
        room.changes.acts.append(Act(room.lot_id, room.now, self.by.operator, self.by.reason, act[:500], self.by.via))
        return terms


class AskRenewal(msgspec.Struct, kw_only=True):
    """A pass is to be lengthened by one of the lot's terms once its holder has paid."""

    lot_id: str
    card_id: str
    months: int
    by: By

    def apply(self, room: Room) -> Errand:
        """Raises UnknownOrder, Conflict, BadValue."""
        one = room.sheet.read(ledger.pass_of, room.lot_id, self.card_id)
        if one is None:
            raise UnknownOrder(f"there is no pass {self.card_id}", "card_id")
        if one.ended_at is not None:
            raise Conflict("the pass was ended; sell a new one", "card_id")
        term = next((term for term in kept.terms(room.conn, room.lot_id) if term.months == self.months), None)
        if term is None:
            raise BadValue(f"the lot sells no pass of {self.months} months", "months")
        if not room.policy.notify_url:
            raise Conflict("set notify_url first: BoLink wants to be told where to post what became of a renewal")
        plates = kept.plates_of(room.conn, room.lot_id, self.card_id)
        return begin(
            room,
            RENEWAL,
            one.card_id,
            self.by,
            what=f"renewal by {term.months} months of",
            fen=term.fen,
            numbered=True,
            months=term.months,
            plate=plates[0] if plates else "",
            notify_url=room.policy.notify_url,
        )


async def renew(client: BolinkClient, errand: Errand) -> Outcome:
    """3.3: the address where the driver pays. Raises BolinkError."""
    said = await client.renew_pass(
        RenewPass(
            park_id=errand.lot_id.partition("-")[2],
            amount=units.yuan(errand.fen or 0),
            card_id=errand.about,
            trade_no=errand.number,
            car_number=errand.details["plate"] or None,
            time_temp=str(units.seconds(errand.at) * 1000),
            notify_url=errand.details["notify_url"],
        )
    )
    return Outcome("running", said.errmsg or "", {"payurl": said.payurl or ""})


class PassPaid(msgspec.Struct, kw_only=True):
    """5.8: a pass was paid, or its payment failed. Kept first, then lengthened once."""

    lot_id: str
    text: str
    digest: str
    received_at: datetime
    answer: bytes
    state: int
    fen: int
    out_trade_no: str
    trade_no: str
    card_id: str
    plate: str
    pictures: dict[str, Picture] = {}

    def apply(self, room: Room) -> bytes:
        """The answer; again, the first one."""
        if first := room.sheet.notice(room.lot_id, self.digest):
            return first.answer
        outcome = self._book(room)
        number = self.trade_no or self.out_trade_no
        room.changes.notices.append(
            MoneyNotice(self.lot_id, "5.8", number, self.digest, self.text, self.received_at, outcome, "", self.answer)
        )
        return self.answer

    def _book(self, room: Room) -> str:
        errand = errands.numbered(room.conn, room.lot_id, RENEWAL, self.out_trade_no)
        if errand is None:
            return self._third_party(room)
        if errand.state == "done":
            return "known"
        if self.state != 1:
            move(room, errand, "failed", "payment failed")
            return "booked"
        if self.fen != errand.fen:
            room.alarm("money_conflict", f"pass {errand.about}: {units.yuan(self.fen)} paid, not what was asked")
            return "conflict"
        one = room.sheet.read(ledger.pass_of, room.lot_id, errand.about)
        if one is None or one.ended_at is not None:
            room.alarm("stray", f"{units.yuan(self.fen)} yuan for pass {errand.about}, which was ended")
            move(room, errand, "done", "paid after the pass was ended", trade_no=self.trade_no)
            return "stray"
        self._lengthen(room, one, errand.details["months"])
        move(room, errand, "done", f"until {one.ends_at.date()}", trade_no=self.trade_no)
        return "booked"

    def _third_party(self, room: Room) -> str:
        """A payment that we did not ask for: it counts if it fits a bill that 11.2 made, or a term of a known pass."""
        if self.state != 1:
            return "kept"
        if self.trade_no and errands.numbered(room.conn, room.lot_id, BILL, self.trade_no) is not None:
            return "known"
        one = room.sheet.read(ledger.pass_of, room.lot_id, self.card_id) if self.card_id else None
        if one is None and self.plate:
            one = next((p for p in room.sheet.passes_of(room.lot_id, [self.plate]) if p.ended_at is None), None)
        term = next((term for term in kept.terms(room.conn, room.lot_id) if term.fen == self.fen), None)
        if term is None or (one is not None and one.ended_at is not None) or (one is None and not self.plate):
            room.alarm("stray", f"{units.yuan(self.fen)} yuan for a pass that nobody sold ({self.out_trade_no})")
            return "stray"
        by = By("bolink", "5.8")
        if one is None:
            one = Pass(room.lot_id, f"{FROM_BOLINK}{self.plate}", "", room.now, room.now, "bolink", "5.8", room.now)
            kept.keep(room.conn, [one], {one.card_id: [self.plate]})
        errand = begin(
            room, BILL, one.card_id, by, what="paid by a third party:", fen=self.fen, state="done", months=term.months
        )
        errand.number = self.trade_no
        kept.number(room.conn, errand)
        self._lengthen(room, one, term.months)
        return "booked"

    def _lengthen(self, room: Room, one: Pass, months: int) -> None:
        """From its end while it still holds, its days of grace counted, else from now; a car that stands at an exit
        with it is priced anew."""
        zone = ZoneInfo(room.lot.time_zone)
        holds = room.now < holds_until(one, room.sheet.pass_limits(room.lot_id).grace_days, zone)
        ends_at = later(one.ends_at if holds else max(one.ends_at, room.now), months, zone)
        one.ends_at = ends_at if ends_at > room.now else later(room.now, months, zone)
        kept.lengthen(room.conn, one)
        plates = set(kept.plates_of(room.conn, room.lot_id, one.card_id))
        for departure in room.sheet.read(ledger.departures_open, room.lot_id):
            lane = room.lane(departure.channel_id)
            if departure.released_at is None and departure.plate in plates and lane is not None:
                room.adopt(departure)
                cars.settle_up(room, lane, departure, self.pictures.get(lane.channel_id, Picture(False)))


def later(moment: datetime, months: int, zone: ZoneInfo) -> datetime:
    """The same day and time so many months later, by the lot's clock; the month's last day where it has no such day."""
    here = moment.astimezone(zone)
    year, month = divmod(here.year * 12 + here.month - 1 + months, 12)
    day = min(here.day, calendar.monthrange(year, month + 1)[1])
    return here.replace(year=year, month=month + 1, day=day)


class TellPass(msgspec.Struct, kw_only=True):
    """11.5: a pass as BoLink tells it; again, the same."""

    lot_id: str
    card_id: str
    change: str  # add, delete, modify_info, modify_date
    holder: str | None
    plates: list[str]
    starts_at: datetime | None
    ends_at: datetime | None
    spaces: int | None = None
    areas: list[str] | None = None
    hours: str | None = None
    rule: str | None = None  # the number of the days and hours that it is limited to

    def apply(self, room: Room) -> str:
        """Why not; empty when it was done."""
        card_id = f"{FROM_BOLINK}{self.card_id}"
        one = room.sheet.read(ledger.pass_of, room.lot_id, card_id)
        if self.change == "delete":
            if one is not None and one.ended_at is None:
                one.ended_at = room.now
                ledger.end_pass(room.conn, one)
            return ""
        if self.change != "add" and (one is None or one.ended_at is not None):
            return "未找到该月卡"
        starts_at = self.starts_at or (one.starts_at if one is not None else room.now)
        ends_at = self.ends_at or (one.ends_at if one is not None else None)
        plates = self.plates or kept.plates_of(room.conn, room.lot_id, card_id)
        if ends_at is None or ends_at <= starts_at:
            return "月卡时间错误"
        if not plates:
            return "缺少车牌"
        holder = self.holder if self.holder is not None else (one.holder if one is not None else "")
        known = limits_known(room.conn, room.lot_id)
        told = Pass(room.lot_id, card_id, holder[:100], starts_at, ends_at, "bolink", "11.5", room.now)
        if one is not None and one.ended_at is None:
            told.spaces, told.areas, told.days, told.hours = one.spaces, one.areas, one.days, one.hours
        told.spaces = told.spaces if self.spaces is None else self.spaces
        told.days, told.hours = (told.days, told.hours) if self.hours is None else ("", self.hours)
        if self.areas is not None:
            if (self.areas == [""]) or any(("area", area) not in known for area in self.areas):
                return "车场未设置该区域"
            told.areas = " ".join(self.areas)
        if self.rule is not None:
            if ("hours", self.rule) not in known:
                return "车场未设置该时段规则"
            told.days, told.hours = pass_times.split(known["hours", self.rule])
        kept.keep(room.conn, [told], {card_id: plates})
        return ""


def areas_named(text: str | None) -> list[str]:
    """The areas in BoLink's `region_id`; one that is empty where it names none."""
    return sorted({part.strip()[:32] for part in re.split(r"[,，;；\s]+", (text or "").strip())})


def limits_known(conn: sa.Connection, lot_id: str) -> dict[tuple[str, str], str]:
    """What the lot's areas and hours come to, by kind and number."""
    return {(one.kind, one.number): one.body for one in kept.limits(conn, lot_id)}


class ReplacePasses(msgspec.Struct, kw_only=True):
    """10.6: all passes that BoLink has, in place of those it told us of before, in one commit."""

    lot_id: str
    passes: list[Pass]
    plates: dict[str, list[str]]
    by: By | None = None

    def apply(self, room: Room) -> int:
        """How many there are now."""
        if self.by is not None:
            act = f"passes fetched from BoLink: {len(self.passes)}"
            room.changes.acts.append(Act(room.lot_id, room.now, self.by.operator, self.by.reason, act, self.by.via))
        gone = kept.card_ids(room.conn, room.lot_id, FROM_BOLINK) - {one.card_id for one in self.passes}
        kept.end(room.conn, room.lot_id, gone, room.now)
        kept.keep(room.conn, self.passes, self.plates)
        return len(self.passes)


async def fetch(
    client: BolinkClient, lot_id: str, zone: ZoneInfo, now: datetime, known: Mapping[tuple[str, str], str]
) -> tuple[ReplacePasses, int]:
    """Every page of 10.6, of every kind; how many could not be used. A list that is not whole changes nothing.

    Raises BolinkSaysNo.
    """
    listed: list[Listed] = []
    park_id = lot_id.partition("-")[2]
    try:
        for kind in PassKind:
            page = 1
            while True:
                said = await client.list_passes(
                    ListPasses(park_id=park_id, vip_type=kind, page_num=str(page), page_size=str(PAGE))
                )
                listed.extend(said.records)
                if page >= said.total_pages or not said.records:
                    break
                page += 1
    except BolinkError as error:
        raise BolinkSaysNo(str(error)) from None
    passes, plates, unusable = [], {}, 0
    for one in listed:
        made = _made(one, lot_id, zone, now, known)
        if made is None:
            unusable += 1
            continue
        passes.append(made[0])
        plates[made[0].card_id] = [made[1]]
    return ReplacePasses(lot_id=lot_id, passes=passes, plates=plates), unusable


def _made(
    one: Listed, lot_id: str, zone: ZoneInfo, now: datetime, known: Mapping[tuple[str, str], str]
) -> tuple[Pass, str] | None:
    """A pass of ours; None for one without plate or days, or for an area or hours that the lot does not know."""
    areas = areas_named(one.region_id) if one.is_region == Zoned.YES else []
    rule = ("hours", (one.rule_id_sub or "").strip())
    by_hours = one.is_dayparking == DayParking.YES
    if any(("area", area) not in known for area in areas) or (by_hours and rule not in known):
        return None
    try:
        plate = plate_of(one.plate_no or "")
        begin_ = datetime.strptime(one.vip_start_date_str or "", "%Y-%m-%d").replace(tzinfo=zone)
        end = datetime.strptime(one.vip_end_date_str or "", "%Y-%m-%d").replace(
            tzinfo=zone, hour=23, minute=59, second=59
        )
    except (NotAPlate, ValueError):
        return None
    if not plate or end <= begin_:
        return None
    made = Pass(lot_id, f"{FROM_BOLINK}{one.vip_id}", "", begin_, end, "bolink", "10.6", now)
    made.areas = " ".join(areas)
    made.days, made.hours = pass_times.split(known[rule]) if by_hours else ("", "")
    return made, plate
