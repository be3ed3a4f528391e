"""What the API shows and takes of what BoLink is asked to do: refunds, invoices, renewals, lots. Amounts are in fen."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from taigan.lot.people.passes import times_checked
from taigan.lot.stays import pass_times
from taigan.storage.locked.city import City
from taigan.storage.locked.passes import LotsLimits
from taigan.storage.rows import Difference, Errand, PassLimit, Reconciliation
from taigan.web.shown import resources as r
from taigan.web.shown.ledger import GraceDays, PassDay

ErrandState = Literal["wanted", "asked", "running", "unclear", "done", "failed", "withdrawn"]


class ErrandView(msgspec.Struct):
    """Something that BoLink was asked to do, once. `number` is the lot's own; `said` is what BoLink answered last."""

    errand_id: str
    section: str
    number: str
    about: str
    order_id: str
    fen: int | None
    state: ErrandState
    said: str
    detail: dict[str, Any]
    actor: str
    reason: str
    approved_by: str
    at: datetime
    changed_at: datetime


class NewRefund(r.Act, kw_only=True):
    """How much of a payment is given back. One that was invoiced is refused, unless `although_invoiced`."""

    fen: Annotated[int, Meta(ge=1, le=100_000_000, description="In fen.")]
    although_invoiced: bool = False


class Settled(r.Act, kw_only=True):
    """What became of it, as a person saw it at BoLink."""

    state: Literal["done", "failed"]


Words = Annotated[str, Meta(min_length=1, max_length=100, pattern=r.WORDS)]
Phone = Annotated[str, Meta(min_length=5, max_length=20, pattern=r"^[0-9+-]+$")]
Degrees = Annotated[str, Meta(max_length=12, pattern=r"^-?[0-9]{1,3}(\.[0-9]{1,8})?$")]
Code = Annotated[int, Meta(ge=0, le=999_999, description="Of the Ministry of Civil Affairs.")]
YearDay = Annotated[str, Meta(pattern=r"^[0-9]{8}$", description="yyyyMMdd")]
Percent = Annotated[int, Meta(ge=1, le=30)]


class Published(r.Act, kw_only=True):
    """What BoLink shows of the lot. Without `confirmed` the answer says what cannot be undone."""

    name: Words
    address: Words
    city_id: Code
    phone: Phone
    lng: Degrees
    lat: Degrees
    price_desc: Words
    mobile: Phone | None = None
    remark: Words | None = None
    confirmed: bool = False


class Updated(r.Act, kw_only=True):
    """What changes of it, beside the spaces, which are those of now."""

    price_desc: Words | None = None
    phone: Phone | None = None
    mobile: Phone | None = None


class Confirmed(r.Act, kw_only=True):
    """Without `confirmed` the answer says what cannot be undone."""

    confirmed: bool = False


class MerchantData(r.Act, kw_only=True):
    """The lot's merchant. Without `confirmed` the answer says what cannot be undone."""

    merchant_type: Annotated[int, Meta(ge=1, le=5)]
    merchant_shortname: Words
    merchant_name: Words
    license_address: Words
    regprov_id: Code
    regcity_id: Code
    regarea_id: Code
    license: Words | None = None
    license_start: YearDay | None = None
    license_end: YearDay | None = None
    license_type: Literal[2] | None = None
    license_pic: Annotated[str, Meta(max_length=500, pattern=r"^https?://[^\s\x00]+$")] | None = None
    confirmed: bool = False


class NewSplit(r.Act, kw_only=True):
    """Who gets a share of the lot's money, in percent. Without `confirmed` the answer says what cannot be undone."""

    account_no: Words
    account_name: Words
    percent: Percent
    confirmed: bool = False


class Link(msgspec.Struct):
    """An address that is opened in a browser."""

    url: str


class NewInvoice(r.Act, kw_only=True):
    """Who the invoice is made out to; told to BoLink and not kept."""

    buyer_name: Words
    buyer_no: Annotated[str, Meta(max_length=32, pattern=r"^[0-9A-Za-z]+$")] | None = None
    buyer_address: Words | None = None
    phone: Phone | None = None
    email: Annotated[str, Meta(max_length=100, pattern=r"^[^\s@\x00]+@[^\s@\x00]+$")] | None = None
    bank: Words | None = None
    bank_num: Annotated[str, Meta(max_length=40, pattern=r"^[0-9]+$")] | None = None


class Issuer(msgspec.Struct):
    """Whether invoices can be made for the lot at BoLink."""

    may_issue: bool


class TermView(msgspec.Struct):
    """For how many months a pass is sold or lengthened, and at what price."""

    months: int
    fen: int


class TermSold(msgspec.Struct, forbid_unknown_fields=True):
    """For how many months a pass is sold or lengthened, and at what price in fen."""

    months: Annotated[int, Meta(ge=1, le=36)]
    fen: Annotated[int, Meta(ge=1, le=100_000_000)]


class TermsSold(r.Act, kw_only=True):
    """What the lot sells, in place of all before; none: no passes."""

    terms: Annotated[list[TermSold], Meta(max_length=20)]


class AreaOfPasses(msgspec.Struct, forbid_unknown_fields=True):
    """An area that passes may be limited to, by BoLink's number for it, and the lanes that lead into it."""

    number: Annotated[str, Meta(min_length=1, max_length=32, pattern=r.WORDS)]
    name: Annotated[str, Meta(max_length=50, pattern=r.NO_NUL)]
    lanes: Annotated[list[Annotated[str, Meta(min_length=1, max_length=64, pattern=r.WORDS)]], Meta(min_length=1)]


class HoursOfPasses(msgspec.Struct, forbid_unknown_fields=True):
    """Times that passes may be limited to, by BoLink's number for them: hours of the day (22:00-08:00, blanks between;
    empty: all), on these days (none: each)."""

    number: Annotated[str, Meta(min_length=1, max_length=32, pattern=r.WORDS)]
    name: Annotated[str, Meta(max_length=50, pattern=r.NO_NUL)]
    hours: Annotated[str, Meta(max_length=200, pattern=r.NO_NUL)]
    days: Annotated[list[PassDay], Meta(max_length=10)] = msgspec.field(default_factory=list)


class LimitsView(msgspec.Struct):
    """What passes may be limited to; `grace_days`: how long after their end those hold that say nothing of it."""

    areas: list[AreaOfPasses]
    hours: list[HoursOfPasses]
    grace_days: int


class LimitsPut(r.Act, kw_only=True):
    """What passes may be limited to, and how long after their end those hold that say nothing of it, in place of all
    before."""

    areas: Annotated[list[AreaOfPasses], Meta(max_length=100)]
    hours: Annotated[list[HoursOfPasses], Meta(max_length=100)]
    grace_days: GraceDays = 0


class Renewal(r.Act, kw_only=True):
    """By how many months a pass is to be lengthened; one of the lot's terms."""

    months: Annotated[int, Meta(ge=1, le=36)]


class Fetched(msgspec.Struct):
    """How many passes BoLink has, and how many more could not be used: without plate, or for unknown areas or hours."""

    passes: int
    unusable: int


class ChangeGiven(r.Act, kw_only=True):
    """Change as a red packet."""

    fen: Annotated[int, Meta(ge=100, le=9999, description="In fen.")]


class ArrearsView(msgspec.Struct):
    """What a plate left owing, as BoLink has it; `here`: in this lot."""

    order_id: str
    park_id: str
    park_name: str
    here: bool
    fen: int
    in_at: datetime
    out_at: datetime


class ArrearsList(msgspec.Struct):
    """Every one that BoLink names."""

    items: list[ArrearsView]


class CityView(msgspec.Struct):
    """What the lot does with its city's platform, and what its screens show of it, by moment (10.5)."""

    corrections: bool
    checks: bool
    screens: bool
    texts: dict[str, str]
    fetched_at: datetime | None


class CitySet(r.Act, kw_only=True):
    """`corrections`: what persons correct is told (10.1). `checks`: plates are asked about at the entry (10.4).
    `screens`: idle screens show the city's texts (10.5)."""

    corrections: bool
    checks: bool
    screens: bool


class Day(r.Act, kw_only=True):
    """The day of the lot's clock that is held against BoLink's books."""

    day: date


class ReconciliationView(msgspec.Struct):
    """A day that was held against BoLink's books. `said` names what BoLink did not answer; that was left out."""

    day: date
    began_at: datetime
    ended_at: datetime | None
    actor: str
    orders: int
    payments: int
    withdrawals: int
    parked: int
    differences: int
    said: str


class DifferenceView(msgspec.Struct):
    """Something in which the books differ. `advice` is what to do about it."""

    difference_id: str
    day: date
    kind: str
    number: str
    order_id: str
    ours_fen: int | None
    theirs_fen: int | None
    state: Literal["open", "settled", "gone"]
    advice: str
    found_at: datetime
    actor: str
    reason: str
    ended_at: datetime | None


ADVICE = {
    "payment_missing_here": "the driver paid at BoLink and no message of it came: find the stay, waive or give back",
    "payment_missing_there": "BoLink told of a payment and does not name it: ask BoLink before it is withdrawn",
    "amount_differs": "look at the payment's messages and at BoLink's page: one of the amounts is wrong",
    "withdrawal_failed": "look at the account that receives withdrawals, then withdraw again",
    "withdrawal_differs": "compare the day's payments, passes, refunds and change with BoLink's daily report",
    "parked_there_only": "BoLink takes a car for parked that is not inside: close its order there",
    "exit_refused": "BoLink refused the exit: read why, then send it again (deliveries)",
    "parked_here_only": "BoLink holds the stay as ended: look whether the car is still inside",
    "bill_unbalanced": "the bill does not agree with its payments: keep a copy of the database and report the fault",
    "bill_missing": "the stay left and was never billed: keep a copy of the database and report the fault",
}


def shown_city(city: City) -> CityView:
    return CityView(city.corrections, city.checks, city.screens, city.shown, city.fetched_at)


def shown_run(run: Reconciliation) -> ReconciliationView:
    return ReconciliationView(**{name: getattr(run, name) for name in ReconciliationView.__struct_fields__})


def shown_difference(found: Difference) -> DifferenceView:
    given = {name: getattr(found, name) for name in DifferenceView.__struct_fields__ if name != "advice"}
    return DifferenceView(**given, advice=ADVICE.get(found.kind, ""))


def shown_errand(errand: Errand) -> ErrandView:
    given = {name: getattr(errand, name) for name in ErrandView.__struct_fields__ if name != "detail"}
    return ErrandView(**given, detail=errand.details)


def shown_limits(limits: list[PassLimit]) -> LimitsView:
    """The areas and times that passes may be limited to, and the lot's days of grace."""
    times = [(one, *pass_times.split(one.body)) for one in limits if one.kind == "hours"]
    return LimitsView(
        [AreaOfPasses(one.number, one.name, one.body.split()) for one in limits if one.kind == "area"],
        [
            HoursOfPasses(one.number, one.name, hours, msgspec.convert(days.split(), list[PassDay]))
            for one, days, hours in times
        ],
        LotsLimits(limits).grace_days,
    )


def limits_given(lot_id: str, data: LimitsPut) -> list[PassLimit]:
    """The same the other way round. Raises BadValue."""
    areas = [PassLimit(lot_id, "area", one.number, one.name, " ".join(one.lanes)) for one in data.areas]
    times = [(one, " ".join(filter(None, times_checked(" ".join(one.days), one.hours)))) for one in data.hours]
    hours = [PassLimit(lot_id, "hours", one.number, one.name, body) for one, body in times]
    return [*areas, *hours, *grace_of(lot_id, data.grace_days)]


def grace_of(lot_id: str, days: int) -> list[PassLimit]:
    """The lot's days of grace as they are kept; none where there are none."""
    return [PassLimit(lot_id, "grace", "", "", str(days))] if days else []
