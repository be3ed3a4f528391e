"""What the API shows and takes of what BoLink is asked to do: refunds, invoices, renewals, lots. Amounts are in fen."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from taigan.storage.rows import Difference, Errand, Reconciliation
from taigan.web import resources as r

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
    "withdrawal_differs": "compare the day's payments with BoLink's daily report",
    "parked_there_only": "BoLink takes a car for parked that is not inside: close its order there",
    "exit_refused": "BoLink refused the exit: read why, then send it again (deliveries)",
    "parked_here_only": "BoLink holds the stay as ended: look whether the car is still inside",
}


def shown_run(run: Reconciliation) -> ReconciliationView:
    return ReconciliationView(**{name: getattr(run, name) for name in ReconciliationView.__struct_fields__})


def shown_difference(found: Difference) -> DifferenceView:
    given = {name: getattr(found, name) for name in DifferenceView.__struct_fields__ if name != "advice"}
    return DifferenceView(**given, advice=ADVICE.get(found.kind, ""))


def shown_errand(errand: Errand) -> ErrandView:
    given = {name: getattr(errand, name) for name in ErrandView.__struct_fields__ if name != "detail"}
    return ErrandView(**given, detail=errand.details)
