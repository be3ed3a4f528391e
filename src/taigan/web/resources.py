"""What the API shows and takes. Moments are ISO 8601 in UTC; phone numbers and identities are masked."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from taigan.barriers.barrier import LaneState
from taigan.logs import Redaction, mask
from taigan.lot import orders
from taigan.storage import records, views

WORDS = r"^[^\x00]*[^\s\x00][^\x00]*$"  # neither blank nor with a NUL
NO_NUL = r"^[^\x00]*$"

Operator = Annotated[str, Meta(min_length=1, max_length=64, pattern=WORDS, description="Who does it.")]
Reason = Annotated[str, Meta(min_length=1, max_length=200, pattern=WORDS, description="Why.")]
Text = Annotated[str, Meta(max_length=200, pattern=NO_NUL)]
OrderId = Annotated[str, Meta(min_length=1, max_length=48, pattern=WORDS)]
Direction = Literal["entry", "exit"]
LanePolicy = Literal["automatic", "attendant"]
Confirm = Literal["accepted", "position", "passage"]
OrderState = Literal["waiting", "in", "void", "abandoned", "out"]
DeliveryState = Literal["pending", "sending", "done", "refused", "cancelled"]
BlockedKind = Literal["licence", "pay_user_id", "mobile"]

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
    """One stay of one car. `car_number` as received, `licence` as marked."""

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


class OrderEventView(msgspec.Struct):
    """A step in the life of an order."""

    at: datetime
    event: str
    actor: str
    detail: str


class LiftView(msgspec.Struct):
    """A command to a barrier. `outcome` is null while it is under way."""

    lot_id: str
    lift_id: str
    channel_id: str
    order_id: str | None
    command: str
    cause: str
    actor: str
    reason: str
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


class AlarmView(msgspec.Struct):
    """Something a person should look at."""

    id: int
    lot_id: str
    channel_id: str
    order_id: str
    at: datetime
    kind: str
    text: str


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


class ActView(msgspec.Struct):
    """Something an operator did, and why."""

    id: int
    lot_id: str
    at: datetime
    operator: str
    reason: str
    act: str


class PlateRead(msgspec.Struct):
    """A plate was taken in."""

    lot_id: str
    channel_id: str
    plate: str


class KeyChanged(msgspec.Struct):
    """A vendor's key was changed. The key itself is never shown."""

    union_id: str


class Act(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Something a person does, with who and why."""

    operator: Operator
    reason: Reason


class LaneAct(Act, kw_only=True, forbid_unknown_fields=True):
    """Something done at a lane; `order_id` names the order that is meant, when several wait."""

    order_id: OrderId | None = None


class Again(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Who sends it again, and why; without a body it is the token's name."""

    operator: Operator | None = None
    reason: Reason | None = None


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


class LicenceChange(Act, kw_only=True, forbid_unknown_fields=True):
    """The licence an order truly belongs to."""

    car_number: Annotated[str, Meta(min_length=1, max_length=16, pattern=WORDS)]


class Block(Act, kw_only=True, forbid_unknown_fields=True):
    """A driver not to be let in."""

    kind: BlockedKind
    value: Annotated[str, Meta(min_length=1, max_length=100, pattern=WORDS)]


class Plate(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What a camera read."""

    plate: Annotated[str, Meta(min_length=1, max_length=16, pattern=WORDS)]


class KeyChange(Act, kw_only=True, forbid_unknown_fields=True):
    """A vendor's new key, as BoLink gave it."""

    key: Annotated[str, Meta(min_length=1, max_length=128, pattern=WORDS)]


def changes(change: Act) -> dict[str, Any]:
    """The fields a change sets."""
    given = msgspec.structs.asdict(change)
    return {name: given[name] for name in given if name not in ("operator", "reason") and given[name] is not UNSET}


def shown_lot(lot: records.Lot) -> LotView:
    return LotView(**msgspec.structs.asdict(lot))


def shown_lane(lane: records.Lane, state: LaneState | None, occupied: bool) -> LaneView:
    state = state or LaneState()
    fields = msgspec.structs.asdict(lane)
    barrier = BarrierView(
        driver=str(lane.barrier.get("driver", "")),
        online=state.online,
        position=state.position.value if state.position is not None else None,
        held=state.held,
        last_heard=state.last_heard,
        last_command=state.last_command,
        commands=state.commands,
        errors=state.errors,
    )
    return LaneView(**_without(fields, "is_open", "barrier"), open=lane.is_open, occupied=occupied, barrier=barrier)


def shown_order(order: records.Order) -> OrderView:
    return OrderView(**_order(order))


def shown_history(history: views.OrderHistory) -> OrderDetail:
    return OrderDetail(
        **_order(history.order),
        events=[OrderEventView(e.at, e.event, e.actor, _redaction.text(e.detail)) for e in history.events],
        lifts=[shown_lift(lift) for lift in history.lifts],
        deliveries=[shown_delivery(delivery) for delivery in history.deliveries],
    )


def shown_lift(lift: records.Lift) -> LiftView:
    return LiftView(**msgspec.structs.asdict(lift))


def shown_delivery(delivery: views.OwedDelivery) -> DeliveryView:
    fields = _without(msgspec.structs.asdict(delivery), "delivery_id", "lease_until", "payload", "answer")
    return DeliveryView(
        id=delivery.delivery_id,
        payload=_redaction.text(delivery.payload),
        answer=_redaction.text(delivery.answer),
        **fields,
    )


def shown_block(blocked: views.Blocked) -> BlockedView:
    fields = _without(msgspec.structs.asdict(blocked), "blocked_id", "value")
    value = blocked.value if blocked.kind == "licence" else mask(blocked.value)
    return BlockedView(id=blocked.blocked_id, value=value, **fields)


def shown_alarm(alarm: views.NumberedAlarm) -> AlarmView:
    return AlarmView(id=alarm.alarm_id, **_without(msgspec.structs.asdict(alarm), "alarm_id"))


def shown_pass(car: views.Pass) -> PassView:
    return PassView(how=car.left_how, **_without(msgspec.structs.asdict(car), "left_how"))


def shown_space_change(change: views.NumberedSpaceChange) -> SpaceChangeView:
    return SpaceChangeView(id=change.change_id, **_without(msgspec.structs.asdict(change), "change_id"))


def shown_act(act: views.NumberedAct) -> ActView:
    fields = _without(msgspec.structs.asdict(act), "act_id", "act")
    return ActView(id=act.act_id, act=_redaction.text(act.act), **fields)


def _order(order: records.Order) -> dict[str, Any]:
    hidden = ("licence", "told_state", "told_text", "mobile", "pay_user_id", "alarmed")
    return {
        **_without(msgspec.structs.asdict(order), *hidden),
        "car_number": order.licence,
        "licence": orders.car_number(order),
        "told": Told(order.told_state, order.told_text) if order.told_state is not None else None,
        "mobile": mask(order.mobile),
        "pay_user_id": mask(order.pay_user_id),
    }


def _without(fields: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if name not in names}
