"""What the API shows and takes. Moments are ISO 8601 in UTC; phone numbers and identities are masked."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal, TypeVar

import msgspec
from msgspec import UNSET, Meta, UnsetType

from taigan.barriers.barrier import LaneState
from taigan.lot.stays import orders
from taigan.lot.stays.pricing import Priced
from taigan.lot.tariff import result
from taigan.running.logs import Redaction, mask
from taigan.storage import rows as records
from taigan.storage.locked import vehicles
from taigan.storage.setup import price_lists
from taigan.storage.shown import messages, views

WORDS = r"^[^\x00]*[^\s\x00][^\x00]*$"  # neither blank nor with a NUL
NO_NUL = r"^[^\x00]*$"

Operator = Annotated[str, Meta(min_length=1, max_length=64, pattern=WORDS, description="Who does it.")]
Reason = Annotated[str, Meta(min_length=1, max_length=200, pattern=WORDS, description="Why.")]
Text = Annotated[str, Meta(max_length=200, pattern=NO_NUL)]
OrderId = Annotated[str, Meta(min_length=1, max_length=48, pattern=WORDS)]
Overlap = Annotated[float, Meta(ge=0, le=86400 * 366, description="Seconds that the keys before are accepted.")]
Direction = Literal["entry", "exit"]
LanePolicy = Literal["automatic", "attendant"]
Confirm = Literal["accepted", "position", "passage"]
OrderState = Literal["waiting", "in", "void", "abandoned", "out"]
AlarmState = Literal["open", "taken", "snoozed", "done", "ended"]
WayOfMessage = Literal["in", "out"]
MessageOutcome = Literal["done", "no", "refused", "unreached"]
DeliveryState = Literal["pending", "sending", "done", "refused", "cancelled"]
BlockedKind = Literal["licence", "pay_user_id", "mobile"]
View = TypeVar("View", bound=msgspec.Struct)

_redaction = Redaction()


class LotView(msgspec.Struct):
    """A parking lot."""

    lot_id: str
    union_id: str
    park_id: str
    name: str
    time_zone: str
    contact: str
    spaces: int
    spaces_free: int
    emergency: bool
    sms_check: bool
    prepay_url: str


class BarrierView(msgspec.Struct):
    """A lane's barrier: its driver and its present picture. `position` is null where the device reports none."""

    driver: str
    online: bool
    position: Literal["closed", "rising", "open", "falling", "unknown"] | None
    held: bool
    last_heard: datetime | None
    last_command: datetime | None
    commands: int
    errors: int


class LaneView(msgspec.Struct):
    """A lane. `open` is whether it takes cars at all; `occupied` whether a car is on its loop."""

    lot_id: str
    channel_id: str
    direction: Direction
    policy: LanePolicy
    confirm: Confirm
    open: bool
    hours: str
    detector: bool
    loop_dead: bool
    occupied: bool
    entry_url: str
    barrier: BarrierView


class Told(msgspec.Struct):
    """What the driver was answered: 0 refused, 1 let in, 2 being dealt with."""

    state: int
    text: str


class OrderView(msgspec.Struct):
    """One stay of one car. `car_number` as received, `licence` as marked. `reserved`: a shared space of the city's is
    reserved for it; `arrears`: so many stays of its plate were never paid, here or elsewhere, as BoLink says."""

    lot_id: str
    order_id: str
    state: OrderState
    waiting_for: str
    origin: str
    car_number: str
    mark: str
    licence: str
    plate: str
    channel_id: str
    presence_id: str | None
    told: Told | None
    mobile: str
    pay_user_id: str
    requested_at: datetime
    in_at: datetime | None
    passed_at: datetime | None
    closed_at: datetime | None
    closed_why: str
    superseded_by: str | None
    review: str
    reserved: bool
    arrears: int


class OrderEventView(msgspec.Struct):
    """A step in the life of an order. `via` is the token by which it was done, if one was used."""

    at: datetime
    event: str
    actor: str
    detail: str
    via: str


class LiftView(msgspec.Struct):
    """A command to a barrier. `presence_id` is the car it was for, `via` the token it came by; `outcome` is null while
    it is under way."""

    lot_id: str
    lift_id: str
    channel_id: str
    order_id: str | None
    presence_id: str | None
    command: str
    cause: str
    actor: str
    reason: str
    via: str
    intended_at: datetime
    deadline: datetime
    outcome: Literal["accepted", "rejected", "uncertain"] | None
    outcome_at: datetime | None
    detail: str


class DeliveryView(msgspec.Struct):
    """Something owed to BoLink. `payload` is the text of `data`, `answer` what BoLink said to it."""

    id: int
    lot_id: str
    order_id: str
    section: str
    state: DeliveryState
    attempts: int
    created_at: datetime
    next_at: datetime
    done_at: datetime | None
    answer: str
    payload: str


class MessageView(msgspec.Struct):
    """A message between BoLink and the lot, with its answer.

    `interface` is the service_name of what BoLink sent, the section of what the lot sent. `outcome`: `done`; `no`, it
    was answered that it is not so; `refused`, not taken at all; `unreached`. `note` is which text the signature covered
    (`raw`, `compact`, `sorted`), of a wrong one the usual mistake behind it, in Chinese and English, a line each;
    of what was not reached the reason.
    """

    id: int
    lot_id: str
    at: datetime
    way: WayOfMessage
    interface: str
    order_id: str
    plate: str
    outcome: MessageOutcome
    note: str
    took_ms: int
    sent: str
    answer: str


class OrderDetail(OrderView):
    """An order with everything that happened to it, oldest first."""

    events: list[OrderEventView]
    lifts: list[LiftView]
    deliveries: list[DeliveryView]


class BlockedView(msgspec.Struct):
    """A driver who is not let in. Phone numbers and identities are masked."""

    id: int
    lot_id: str
    kind: BlockedKind
    value: str
    operator: str
    reason: str
    at: datetime
    via: str


class AlarmView(msgspec.Struct):
    """Something a person should look at. `actor`, `reason` and `via` are of whoever brought it into its `state`.

    `until` is when a snoozed one comes back; `ended`: its cause is gone by itself.
    """

    id: int
    lot_id: str
    channel_id: str
    order_id: str
    at: datetime
    kind: str
    text: str
    state: AlarmState
    actor: str
    reason: str
    via: str
    changed_at: datetime | None
    until: datetime | None


class PassView(msgspec.Struct):
    """A car that left a lane's loop, `how` (passed, backed_out, second_car, assumed), and the order it had, if any."""

    lot_id: str
    presence_id: str
    channel_id: str
    arrived_at: datetime
    left_at: datetime
    how: str
    order_id: str | None
    order_state: OrderState | None


class SpaceChangeView(msgspec.Struct):
    """The free spaces were corrected by an operator, or a car passed without an order; `spaces_free` is the result."""

    id: int
    lot_id: str
    at: datetime
    spaces_free: int
    cause: str
    actor: str
    reason: str
    via: str


class ActView(msgspec.Struct):
    """Something an operator did, and why."""

    id: int
    lot_id: str
    at: datetime
    operator: str
    reason: str
    via: str
    act: str


class Act(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Something a person does, with who and why."""

    operator: Operator
    reason: Reason


class Lowering(Act, kw_only=True, forbid_unknown_fields=True):
    """Lowering an arm; `lane_is_clear` says that a person sees no car there, whatever the loop says."""

    lane_is_clear: bool = False


class LaneAct(Act, kw_only=True, forbid_unknown_fields=True):
    """Something done at a lane; `order_id` names the order that is meant, when several wait."""

    order_id: OrderId | None = None
    unpaid: Literal["waived", "owed"] | None = None


class DeviceAddress(msgspec.Struct, kw_only=True):
    """Where a lane's device posts on this platform: `path` holds its secret, unless it `signs` what it says. `sender`
    is the network address that it is pinned to, empty where it is not."""

    lot_id: str
    channel_id: str
    device: str
    path: str
    signs: bool
    sender: str


class Again(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Who sends it again, and why; without a body it is the token's name."""

    operator: Operator | None = None
    reason: Reason | None = None


class SentAgain(msgspec.Struct):
    """How many uploads are sent again."""

    sent: int


class LotChange(Act, kw_only=True, forbid_unknown_fields=True):
    """A change of a lot: `spaces_free`, or `emergency`, or any of the others."""

    spaces_free: Annotated[int, Meta(ge=0, le=10_000_000)] | UnsetType = UNSET
    emergency: bool | UnsetType = UNSET
    name: Text | UnsetType = UNSET
    spaces: Annotated[int, Meta(ge=0, le=10_000_000)] | UnsetType = UNSET
    time_zone: Annotated[str, Meta(min_length=1, max_length=64, pattern=WORDS)] | UnsetType = UNSET
    contact: Text | UnsetType = UNSET
    sms_check: bool | UnsetType = UNSET


class LaneChange(Act, kw_only=True, forbid_unknown_fields=True):
    """A change of a lane: any of its settings."""

    direction: Direction | UnsetType = UNSET
    policy: LanePolicy | UnsetType = UNSET
    confirm: Confirm | UnsetType = UNSET
    open: bool | UnsetType = UNSET
    hours: Annotated[str, Meta(max_length=11, pattern=NO_NUL)] | UnsetType = UNSET
    detector: bool | UnsetType = UNSET
    barrier: dict[str, Any] | UnsetType = UNSET


class Snooze(Act, kw_only=True, forbid_unknown_fields=True):
    """An alarm that can wait, and until when."""

    until: datetime


class LicenceChange(Act, kw_only=True, forbid_unknown_fields=True):
    """The licence an order truly belongs to."""

    car_number: Annotated[str, Meta(min_length=1, max_length=16, pattern=WORDS)]


class Block(Act, kw_only=True, forbid_unknown_fields=True):
    """A driver not to be let in."""

    kind: BlockedKind
    value: Annotated[str, Meta(min_length=1, max_length=100, pattern=WORDS)]


class PlateRead(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A plate that a camera read, and which stay of a car on the loop it belongs to, where the camera knows."""

    plate: Annotated[str, Meta(min_length=1, max_length=16, pattern=WORDS)]
    presence_id: Annotated[str, Meta(min_length=1, max_length=64, pattern=WORDS)] | None = None


class PriceListView(msgspec.Struct):
    """A price list. `price_list` is its data, as it is written in a file: money is text in yuan.

    `via` is the token it came by.
    """

    lot_id: str
    version: int
    valid_from: date
    price_list: dict[str, Any]
    operator: str
    reason: str
    via: str
    at: datetime


class NewPriceList(Act, kw_only=True, forbid_unknown_fields=True):
    """A price list to add, as data; its own reader says what is wrong in it."""

    price_list: dict[str, msgspec.Raw]


class CalendarDayView(msgspec.Struct):
    """What a lot says of a date. `year`: all dates of its year are known. `via`: the token it came by."""

    day: date
    kind: Literal["holiday", "workday", "ordinary", "year"]
    operator: str
    reason: str
    via: str
    at: datetime


class NewCalendarDays(Act, kw_only=True, forbid_unknown_fields=True):
    """`holidays`, `workdays`, `ordinary`: dates as text; `years`: whole numbers."""

    days: dict[str, msgspec.Raw]


class PriceView(msgspec.Struct):
    """What a stay costs, in fen, by which price list, and why. Slices and periods are before `percent` and rounding."""

    fen: int
    version: int
    valid_from: date
    rate: int
    percent: int
    free: result.Free
    slices: tuple[result.Slice, ...]
    periods: tuple[result.PeriodSum, ...]


class KeyChange(Act, kw_only=True, forbid_unknown_fields=True):
    """The key that BoLink gave the vendor."""

    key: Annotated[str, Meta(min_length=1, max_length=200, pattern=WORDS)]
    overlap: (
        Annotated[float, Meta(ge=0, le=86400 * 366, description="Seconds that the keys before are accepted.")] | None
    ) = None


class KeyView(msgspec.Struct):
    """Since when a vendor's key is in use, and how long the one before is still accepted; null: no more."""

    union_id: str
    valid_from: datetime
    previous_until: datetime | None


class SpecialVehicleView(msgspec.Struct):
    """A vehicle on the white or the black list, as BoLink told (11.4)."""

    car_number: str
    kind: str
    starts_at: datetime | None
    ends_at: datetime | None
    remark: str
    at: datetime


class AutoPayView(msgspec.Struct):
    """Whether a plate pays by itself, as BoLink told last (5.2)."""

    car_number: str
    order_id: str
    supported: bool
    at: datetime


class InvoiceView(msgspec.Struct):
    """An invoice that was issued at BoLink (11.7). `issued_at` as BoLink writes it."""

    id: int
    payment_id: str
    trade_no: str
    kind: str
    number: str
    code: str
    issued_at: str
    at: datetime


class PersonView(msgspec.Struct):
    """A resident, as BoLink told last (9.1): the message's own fields."""

    id: int
    union_id: str
    person: dict[str, Any]
    at: datetime


STRICT: tuple[type[msgspec.Struct], ...] = (
    *(Act, LaneAct, Again, LotChange, LaneChange, LicenceChange, Block),
    *(PlateRead, KeyChange, Snooze),
)
"""What takes no field but its own."""


def changes(change: Act) -> dict[str, Any]:
    """The fields a change sets."""
    given = msgspec.structs.asdict(change)
    return {name: given[name] for name in given if name not in ("operator", "reason") and given[name] is not UNSET}


def shown_lot(lot: records.Lot) -> LotView:
    return _shown(LotView, lot)


def shown_lane(lane: records.Lane, state: LaneState | None, occupied: bool) -> LaneView:
    state = state or LaneState()
    position = state.position.value if state.position is not None else None
    barrier = _shown(BarrierView, state, driver=str(lane.barrier.get("driver", "")), position=position)
    return _shown(LaneView, lane, open=lane.is_open, occupied=occupied, barrier=barrier)


def shown_order(order: records.Order) -> OrderView:
    return _shown(OrderView, order, **_of_order(order))


def shown_history(history: views.OrderHistory) -> OrderDetail:
    return _shown(
        OrderDetail,
        history.order,
        **_of_order(history.order),
        events=[_shown(OrderEventView, event, detail=_redaction.text(event.detail)) for event in history.events],
        lifts=[shown_lift(lift) for lift in history.lifts],
        deliveries=[shown_delivery(delivery) for delivery in history.deliveries],
    )


def shown_lift(lift: records.Lift) -> LiftView:
    return _shown(LiftView, lift)


def shown_delivery(delivery: views.OwedDelivery) -> DeliveryView:
    payload, answer = _redaction.text(delivery.payload), _redaction.text(delivery.answer)
    return _shown(DeliveryView, delivery, id=delivery.delivery_id, payload=payload, answer=answer)


def shown_message(said: messages.NumberedSaid) -> MessageView:
    return _shown(MessageView, said, id=said.message_id)


def shown_block(blocked: views.Blocked) -> BlockedView:
    value = blocked.value if blocked.kind == "licence" else mask(blocked.value)
    return _shown(BlockedView, blocked, id=blocked.blocked_id, value=value)


def shown_price_list(row: price_lists.PriceListRow) -> PriceListView:
    return _shown(PriceListView, row, price_list=msgspec.json.decode(row.body))


def shown_calendar_day(day: price_lists.CalendarDay) -> CalendarDayView:
    return _shown(CalendarDayView, day)


def shown_price(priced: Priced) -> PriceView:
    return _shown(PriceView, priced.price, version=priced.version)


def shown_alarm(alarm: views.NumberedAlarm) -> AlarmView:
    return _shown(AlarmView, alarm, id=alarm.alarm_id, reason=alarm.note)


def shown_special_vehicle(vehicle: vehicles.SpecialVehicle) -> SpecialVehicleView:
    return _shown(SpecialVehicleView, vehicle)


def shown_auto_pay(told: vehicles.AutoPay) -> AutoPayView:
    return _shown(AutoPayView, told)


def shown_invoice(invoice: vehicles.NumberedInvoice) -> InvoiceView:
    return _shown(InvoiceView, invoice, id=invoice.notice_id)


def shown_person(resident: vehicles.NumberedPerson) -> PersonView:
    """Phone numbers and identity cards are masked."""
    person = msgspec.json.decode(resident.person, type=dict[str, Any])
    masked = {name: mask(person[name]) for name in ("phoneNumber", "idCard") if person.get(name)}
    return PersonView(resident.person_id, resident.union_id, person | masked, resident.at)


def shown_pass(car: views.Pass) -> PassView:
    return _shown(PassView, car, how=car.left_how)


def shown_space_change(change: views.NumberedSpaceChange) -> SpaceChangeView:
    return _shown(SpaceChangeView, change, id=change.change_id)


def shown_act(act: views.NumberedAct) -> ActView:
    return _shown(ActView, act, id=act.act_id, act=_redaction.text(act.act))


def _of_order(order: records.Order) -> dict[str, Any]:
    return {
        "car_number": order.licence,
        "licence": orders.car_number(order),
        "told": Told(order.told_state, order.told_text) if order.told_state is not None else None,
        "mobile": mask(order.mobile),
        "pay_user_id": mask(order.pay_user_id),
    }


def _shown(view: type[View], row: object, **given: Any) -> View:
    """A view of a row: what is given, and the rest from the row's fields of the same name."""
    return view(**{name: given[name] if name in given else getattr(row, name) for name in view.__struct_fields__})
