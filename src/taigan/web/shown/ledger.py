"""What the API shows and takes of departures and money. Amounts are in fen; moments ISO 8601 in UTC."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal, TypeVar

import msgspec
from msgspec import Meta

from taigan.lot.errors import CannotPrice
from taigan.lot.stays.account import Account
from taigan.lot.tariff.result import Slice
from taigan.storage.rows import Bill, Departure, Pass, Payment, Reduction, Shift
from taigan.storage.shown import ledger_views as views
from taigan.web.shown import resources as r

View = TypeVar("View", bound=msgspec.Struct)
Fen = Annotated[int, Meta(ge=0, le=100_000_000, description="In fen.")]


class BillView(msgspec.Struct):
    """What an order comes to. `balance_fen` above 0 is owed once it is closed, below 0 surplus."""

    order_id: str
    charge_fen: int | None
    reduced_fen: int
    waived_fen: int
    paid_fen: int
    refunded_fen: int
    balance_fen: int
    leave_by: datetime | None
    price_list: int | None
    awaited: bool
    closed_at: datetime | None


class PassCover(msgspec.Struct):
    """A pass of the stay's plate. `lacks`: why it covers nothing of the stay: `area`, or `spaces` that `holders` have;
    else it covers it from `since` on until `ends_at`, its days of grace counted, on its `days` and at its `hours`.
    `overdue`: it holds now by its days of grace only."""

    card_id: str
    days: list[str]
    hours: str
    ends_at: datetime
    overdue: bool
    lacks: str
    since: datetime | None
    holders: list[str]


class OrderBill(BillView):
    """What a stay comes to: as agreed or final, or while it goes on as it is now, with the slices of its price."""

    passes: list[PassCover]

    due_fen: int | None  # none: it has no price, or has ended
    slices: tuple[Slice, ...]


class OrderMoney(r.OrderDetail):
    """An order with everything that happened to it and, for those who may see it, its money."""

    bill: OrderBill | None
    payments: list[PaymentView] | None


class PaymentView(msgspec.Struct):
    """A payment; a stray has no order, and an `unreadable` one no amount until a person reads its text."""

    payment_id: str
    giver: str
    trade_no: str
    order_id: str
    quote_no: str
    way: str
    state: Literal["pending", "failed", "paid", "reversed", "unreadable"]
    fen: int
    fee_fen: int
    paid_at: datetime
    received_at: datetime
    plate: str
    shift_id: str
    note: str


class DepartureView(msgspec.Struct):
    """A car's stay in an exit lane. `state` says what it waits for, `via` by which token a person let it go."""

    presence_id: str
    channel_id: str
    order_id: str
    plate: str
    state: Literal["asking", "due", "released", "ended"]
    charge_at: datetime
    released_at: datetime | None
    released_by: str
    actor: str
    reason: str
    via: str
    ended_at: datetime | None
    ended_how: str


class ReductionView(msgspec.Struct):
    """Something that makes a stay cheaper. `via` is the token it came by."""

    reduction_id: str
    source: str
    number: str
    kind: str
    value: int
    order_id: str
    actor: str
    reason: str
    via: str
    at: datetime
    ended_at: datetime | None


class ShiftView(msgspec.Struct):
    """A person's time at a booth. What is expected is told once the cash was counted.

    `via` and `closed_via` are the tokens by which it was opened and closed.
    """

    shift_id: str
    person: str
    booth: str
    opened_at: datetime
    opening_fen: int
    closed_at: datetime | None
    counted_fen: int | None
    expected_fen: int | None
    difference_fen: int | None
    note: str
    via: str
    closed_via: str


class PassView(msgspec.Struct):
    """A pass and its plates. `via` is the token by which it was made.

    `spaces`: how many its plates share (0: each has its own); `areas`: only there (none: everywhere); `hours`: only
    then; `days`: only on those (none: each); `grace_days`: so long after its end it holds (null: as the lot says).
    """

    card_id: str
    holder: str
    plates: list[str]
    starts_at: datetime
    ends_at: datetime
    ended_at: datetime | None
    via: str
    spaces: int
    areas: list[str]
    hours: str
    days: list[str]
    grace_days: int | None


class OwedView(msgspec.Struct):
    """An order and what it comes to."""

    order: r.OrderView
    bill: BillView


class CashTaken(msgspec.Struct):
    """Cash that was booked, and the change to give."""

    payment: PaymentView
    change_fen: int


class CashGiven(r.Act, kw_only=True):
    """Cash at the booth, with the order and the due as the booth saw them."""

    order_id: r.OrderId
    due_fen: Fen
    received_fen: Fen


class Chosen(r.Act, kw_only=True):
    """The order of the car in the lane."""

    order_id: r.OrderId


class Amount(r.Act, kw_only=True):
    """An amount; none confirms what is worked out."""

    fen: Fen | None = None


class GivenBack(r.Act, kw_only=True):
    """Surplus given back by hand."""

    fen: Fen


class Corrected(r.Act, kw_only=True):
    """A plate or a time of entry as it truly is."""

    plate: Annotated[str, Meta(max_length=16, pattern=r.NO_NUL)] = ""
    in_at: datetime | None = None


class Extended(r.Act, kw_only=True):
    """The moment by which the car must have left."""

    leave_by: datetime


class CarInside(msgspec.Struct):
    """A car that stands inside. `order_id`: as BoLink knows it, where its entry was told; it is not told again."""

    plate: Annotated[str, Meta(min_length=1, max_length=16, pattern=r.NO_NUL)]
    in_at: datetime
    order_id: Annotated[str, Meta(max_length=48, pattern=r"^[0-9A-Za-z_]*$")] = ""


class CarsInside(r.Act, kw_only=True):
    """The cars that stand inside when the lot goes live."""

    cars: Annotated[list[CarInside], Meta(min_length=1, max_length=1000)]


class TakenOver(msgspec.Struct):
    """The order of each car, in the order of the list."""

    order_ids: list[str]


class Closed(r.Act, kw_only=True):
    """How a stay ended that nobody saw leave."""

    how: Literal["free", "paid", "owed"] = "owed"


class NewReduction(r.Act, kw_only=True):
    """Minutes, percent off, or fen."""

    order_id: r.OrderId
    kind: Literal["minutes", "percent", "fen"]
    value: Annotated[int, Meta(ge=1, le=100_000_000)]


PassDay = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun", "workday", "weekend", "holiday"]
GraceDays = Annotated[int, Meta(ge=0, le=31, description="So many days after its end it still holds.")]
AreaNumber = Annotated[str, Meta(min_length=1, max_length=32, pattern=r.WORDS)]


class NewPass(r.Act, kw_only=True):
    """A pass for some plates."""

    card_id: Annotated[str, Meta(min_length=1, max_length=64, pattern=r.WORDS)]
    holder: Annotated[str, Meta(max_length=100, pattern=r.NO_NUL)] = ""
    plates: Annotated[list[str], Meta(min_length=1, max_length=50)]
    starts_at: datetime
    ends_at: datetime
    spaces: Annotated[int, Meta(ge=0, le=1000, description="How many its plates share; 0: each has its own.")] = 0
    areas: Annotated[list[AreaNumber], Meta(max_length=50, description="Only there; none: everywhere.")] = (
        msgspec.field(default_factory=list)
    )
    hours: Annotated[str, Meta(max_length=200, pattern=r.NO_NUL, description="Only then: 22:00-08:00.")] = ""
    days: Annotated[
        list[PassDay], Meta(max_length=10, description="Only on those; none: each. Kinds of day are the price list's.")
    ] = msgspec.field(default_factory=list)
    grace_days: GraceDays | None = None


class ShiftOpened(r.Act, kw_only=True):
    """A person begins at a booth; `operator` is the person."""

    booth: Annotated[str, Meta(min_length=1, max_length=64, pattern=r.WORDS)]
    opening_fen: Fen = 0


class ShiftClosed(r.Act, kw_only=True):
    """The cash as counted; a difference needs a note."""

    counted_fen: Fen
    note: Annotated[str, Meta(max_length=500, pattern=r.NO_NUL)] = ""


class Moved(r.Act, kw_only=True):
    """The order that a payment was meant for."""

    order_id: r.OrderId


class Assigned(r.Act, kw_only=True):
    """The order that a stray belongs to. `fen`: the amount of one that cannot be understood."""

    order_id: r.OrderId
    fen: Annotated[int, Meta(ge=1, le=100_000_000, description="In fen.")] | None = None


def shown_bill(bill: Bill) -> BillView:
    return _shown(BillView, bill, balance_fen=bill.balance_fen)


def shown_account(account: Account, at: datetime) -> OrderBill:
    """An order's money, priced to that moment."""
    bill = account.bill
    passes = [
        PassCover(
            one.card.card_id,
            one.card.days.split(),
            one.card.hours,
            one.ends_at,
            one.is_overdue(at),
            one.lacks,
            one.since,
            list(one.holders),
        )
        for one in account.covers
    ]
    try:
        found = account.priced(at)
    except CannotPrice:
        return _shown(OrderBill, bill, balance_fen=bill.balance_fen, due_fen=None, slices=(), passes=passes)
    slices = found.price.slices if found.price is not None else ()
    more: dict[str, Any] = {"balance_fen": bill.balance_fen, "due_fen": None, "slices": slices, "passes": passes}
    if bill.closed_at is None:
        more["due_fen"] = account.due(at)
        if bill.charge_fen is None:
            more |= {"charge_fen": found.charge_fen, "reduced_fen": found.reduced_fen}
            more["balance_fen"] = found.owed_fen - bill.credited_fen
    return _shown(OrderBill, bill, **more)


def shown_payment(payment: Payment) -> PaymentView:
    return _shown(PaymentView, payment)


def shown_departure(departure: Departure) -> DepartureView:
    state = (
        "ended"
        if departure.ended_at is not None
        else "released"
        if departure.released_at is not None
        else "due"
        if departure.order_id
        else "asking"
    )
    return _shown(DepartureView, departure, state=state)


def shown_reduction(reduction: Reduction) -> ReductionView:
    return _shown(ReductionView, reduction)


def shown_shift(shift: Shift) -> ShiftView:
    difference = None
    if shift.counted_fen is not None and shift.expected_fen is not None:
        difference = shift.counted_fen - shift.expected_fen
    return _shown(ShiftView, shift, difference_fen=difference)


def shown_pass(found: tuple[Pass, list[str]]) -> PassView:
    one, plates = found
    return _shown(PassView, one, plates=plates, areas=one.areas.split(), days=one.days.split())


def shown_owed(owed: views.Owed) -> OwedView:
    return OwedView(r.shown_order(owed.order), shown_bill(owed.bill))


def _shown(kind: type[View], record: msgspec.Struct, **more: Any) -> View:
    given = {name: getattr(record, name) for name in kind.__struct_fields__ if name not in more}
    return kind(**given, **more)
