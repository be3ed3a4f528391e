"""What a person does at the lanes and to the orders. Every act is recorded with who and why."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any

import msgspec
import sqlalchemy as sa
import structlog

from taigan.barriers.barrier import LaneKey, Outcome
from taigan.barriers.words import spelling
from taigan.clock import Clock
from taigan.lot import texts
from taigan.lot.errors import (
    BadValue,
    BarrierFault,
    BeingRaised,
    CarUnderArm,
    Conflict,
    NobodyWaits,
    UnknownBlock,
    UnknownDelivery,
    UnknownLane,
    UnknownLot,
    UnknownOrder,
)
from taigan.lot.ids import Ids
from taigan.lot.lanes.lanes import Lanes
from taigan.lot.lifts import CAR_UNDER_ARM, SEEN, Lifts, Purpose, intend
from taigan.lot.people import keys
from taigan.lot.people.by import By as By
from taigan.lot.people.keys import KeyInUse
from taigan.lot.policy import Policy
from taigan.lot.stays import orders
from taigan.lot.writing.commits import Commits
from taigan.storage.changes import Changes
from taigan.storage.database import Database
from taigan.storage.locked import facts, ledger
from taigan.storage.rows import Act, Lane, Lift, Lot, Order, SpaceChange
from taigan.storage.setup import registry

log = structlog.get_logger("taigan.attendant")
COMMAND_TIME = timedelta(seconds=4)
"""How long a person waits for the barrier to take a command."""


class Attendant:
    """The hands of the operator."""

    def __init__(
        self,
        database: Database,
        lanes: Lanes,
        commits: Commits,
        lifts: Lifts,
        policy: Policy,
        clock: Clock,
        ids: Ids,
        lane_changed: Callable[[Lane], Awaitable[None]],
        keys_changed: Callable[[], Awaitable[None]],
        *,
        try_lane: Callable[[Lane], Awaitable[None]] | None = None,
        sends_codes: bool = True,
    ) -> None:
        self._database = database
        self._lanes = lanes
        self._commits = commits
        self._lifts = lifts
        self._policy = policy
        self._clock = clock
        self._ids = ids
        self._lane_changed = lane_changed
        self._keys_changed = keys_changed
        self._try_lane = try_lane
        self._to_lower: dict[LaneKey, tuple[By, datetime]] = {}
        """Arms that come down when the car is gone: who said so, and when."""
        self._sends_codes = sends_codes
        lanes.when_arm_is_down = self._arm_is_down
        lanes.when_car_is_gone = self._car_is_gone

    async def release(
        self, lot_id: str, channel_id: str, by: By, order_id: str | None = None, *, command_id: str = ""
    ) -> Lift:
        """Let the waiting driver in: raise the arm, and settle the order as at a scan.

        A `command_id` is carried out once; again, nothing moves and the first lift says how it ended.

        Raises:
            UnknownLane, NobodyWaits, BeingRaised.
            BarrierFault: the device refused; the order is void.
        """

        def take(conn: sa.Connection) -> tuple[Lift, Lane | None]:
            self._lot(conn, lot_id)
            if done := self._done_before(conn, lot_id, command_id):
                return done, None
            return self._take_waiting(conn, lot_id, channel_id, order_id, by, cause="release", command_id=command_id)

        lift, lane = await self._database.write(take)
        if lane is None:
            return await self._as_before(lift)
        return await self._carry_out(lift, lane.confirm)

    async def refuse(self, lot_id: str, channel_id: str, by: By, order_id: str | None = None) -> Order:
        """Send the waiting driver away; the order is void. Raises UnknownLane, NobodyWaits."""

        def transaction(conn: sa.Connection) -> Order:
            lot, _ = self._lane(conn, lot_id, channel_id)
            order = self._waiting(conn, lot_id, channel_id, order_id)
            changes = Changes()
            orders.void(
                changes, lot, order, self._clock.now(), why=f"refused: {by.reason}", actor=by.operator, via=by.via
            )
            act = f"refused {order.order_id} in lane {channel_id}"
            changes.acts.append(Act(lot_id, self._clock.now(), by.operator, by.reason, act, by.via))
            changes.write(conn)
            return order

        return await self._database.write(transaction)

    async def open(self, lot_id: str, channel_id: str, by: By, *, command_id: str = "") -> Lift:
        """Raise the arm for no order. Raises UnknownLane, BarrierFault."""
        return await self._command(lot_id, channel_id, by, "open", command_id)

    async def hold(self, lot_id: str, channel_id: str, by: By, *, command_id: str = "") -> Lift:
        """Raise the arm and keep it up. Raises UnknownLane, BarrierFault."""
        return await self._command(lot_id, channel_id, by, "hold", command_id)

    async def close(
        self, lot_id: str, channel_id: str, by: By, *, command_id: str = "", lane_is_clear: bool = False
    ) -> Lift:
        """Lower the arm and end a hold, but not onto a car: then it comes down as soon as the car is gone.

        `lane_is_clear`: a person sees that there is none, whatever the loop says. Raises UnknownLane, BarrierFault,
        CarUnderArm.
        """
        try:
            return await self._command(
                lot_id, channel_id, by, "close", command_id, cause=SEEN if lane_is_clear else "manual"
            )
        except CarUnderArm:
            self._to_lower[LaneKey(lot_id, channel_id)] = by, self._clock.now()
            raise

    async def relicense(self, lot_id: str, order_id: str, licence: str, by: By) -> Order:
        """Move an order to the licence it truly belongs to. Raises UnknownOrder, BadValue, Conflict."""
        licence = _text(licence, "licence", 16)

        def transaction(conn: sa.Connection) -> Order:
            _, order = self._order(conn, lot_id, order_id)
            if not order.live:
                raise Conflict(f"the order is {order.state}")
            if (lot_id, licence) in facts.live_orders_of(conn, [licence]):
                raise Conflict(f"{licence} has another order in this lot", "licence")
            changes = Changes()
            before, order.licence = order.licence, licence
            changes.order(order)
            detail = f"{before} -> {licence}: {by.reason}"
            orders.note(changes, order, self._clock.now(), "licence changed", by.operator, detail, by.via)
            changes.write(conn)
            return order

        return await self._database.write(transaction)

    async def set_spaces(self, lot_id: str, free: int, by: By, *, total: int | None = None) -> Lot:
        """Correct the free spaces, and the total where one is given. Raises UnknownLot, BadValue."""

        def transaction(conn: sa.Connection) -> Lot:
            lot = self._lot(conn, lot_id)
            if total is not None and total != lot.spaces:
                lot.spaces = total
                registry.update_lot(conn, lot_id, {"spaces": total})
            if not 0 <= free <= lot.spaces:
                raise BadValue(f"spaces_free must be from 0 to {lot.spaces}", "spaces_free")
            changes = Changes()
            act = f"free spaces {lot.spaces_free} -> {free}"
            changes.acts.append(Act(lot_id, self._clock.now(), by.operator, by.reason, act, by.via))
            lot.spaces_free = free
            changes.lot(lot)
            changes.space_changes.append(
                SpaceChange(lot_id, self._clock.now(), free, "correction", by.operator, by.reason, by.via)
            )
            changes.write(conn)
            return lot

        return await self._database.write(transaction)

    async def set_emergency(self, lot_id: str, on: bool, by: By) -> Lot:
        """Declare or end an emergency: no driver is asked to scan, the barriers are left as they are."""
        act = ledger.EMERGENCY_ON if on else "emergency off"
        return await self.set_lot(lot_id, {"emergency": on}, by, act=act)

    async def set_lot(self, lot_id: str, changed: dict[str, Any], by: By, *, act: str = "") -> Lot:
        """Change name, spaces, contact, time_zone, sms_check or emergency. Raises UnknownLot, BadValue."""
        if changed.get("sms_check") and not self._sends_codes:
            raise BadValue("nobody carries codes to phones: set sms_provider in [lot] first", "sms_check")

        def transaction(conn: sa.Connection) -> Lot:
            lot = self._lot(conn, lot_id)
            if "spaces" in changed:
                taken = lot.spaces - lot.spaces_free
                changed["spaces_free"] = max(0, changed["spaces"] - taken)
            registry.update_lot(conn, lot_id, changed)
            for name, value in changed.items():
                setattr(lot, name, value)
            changes = Changes()
            changes.acts.append(Act(lot_id, self._clock.now(), by.operator, by.reason, act or f"set {changed}", by.via))
            if "sms_check" in changed:
                orders.owe_sms_check(changes, lot, self._clock.now())
            changes.write(conn)
            return lot

        lot = await self._database.write(transaction)
        self._commits.owed.set()
        return lot

    async def set_lane(self, lot_id: str, channel_id: str, changed: dict[str, Any], by: By) -> Lane:
        """Change a lane's direction, policy, confirm, is_open, hours, detector or barrier.

        A barrier is built before its settings are stored; one that cannot be built changes nothing. Raises UnknownLane,
        BadValue, and ValueError for a barrier's settings.
        """
        if hours := changed.get("hours"):
            check_hours(hours)
        rebuilt = "barrier" in changed or "detector" in changed
        before: Lane | None = None
        if rebuilt and self._try_lane is not None:
            lanes = await self._database.read(lambda conn: facts.lanes(conn, [(lot_id, channel_id)]))
            before = lanes.get((lot_id, channel_id))
            if before is None:
                raise UnknownLane(f"lot {lot_id} has no lane {channel_id}", "channel_id")
            await self._try_lane(_with(before, changed))

        def transaction(conn: sa.Connection) -> Lane:
            _, lane = self._lane(conn, lot_id, channel_id)
            registry.update_lane(conn, lot_id, channel_id, changed)
            changes = Changes()
            shown = changed | {"barrier": changed["barrier"].get("driver")} if "barrier" in changed else changed
            act = f"lane {channel_id}: {shown}"  # a barrier's settings hold passwords
            changes.acts.append(Act(lot_id, self._clock.now(), by.operator, by.reason, act, by.via))
            changes.write(conn)
            return _with(lane, changed)

        try:
            lane = await self._database.write(transaction)
        except BaseException:
            if before is not None and self._try_lane is not None:
                await self._try_lane(before)
            raise
        if rebuilt:
            await self._lane_changed(lane)
        return lane

    async def note(self, lot_id: str, channel_id: str, by: By, act: str) -> None:
        """Keep that a person did something at a lane that changes none of it. Raises UnknownLot, UnknownLane."""

        def transaction(conn: sa.Connection) -> None:
            self._lane(conn, lot_id, channel_id)
            changes = Changes()
            changes.acts.append(Act(lot_id, self._clock.now(), by.operator, by.reason, act, by.via))
            changes.write(conn)

        await self._database.write(transaction)

    async def rotate_key(self, union_id: str, new_key: str, by: By, overlap: float | None = None) -> KeyInUse:
        """Sign with another key from now on; those before are accepted for `overlap` seconds, or `key_overlap`.

        The key that is in use changes nothing but what `overlap` says of the others. Raises UnknownVendor, BadValue.
        """
        new_key = _text(new_key, "key", 200)
        now, usual = self._clock.now(), timedelta(seconds=self._policy.key_overlap)
        given = None if overlap is None else timedelta(seconds=overlap)
        in_use = await self._database.write(
            lambda conn: keys.change(conn, union_id, new_key, by, now=now, usual=usual, overlap=given)
        )
        await self._keys_changed()
        log.info("key in use", union_id=union_id, valid_from=in_use.valid_from.isoformat(), operator=by.operator)
        return in_use

    async def block(self, lot_id: str, kind: str, value: str, by: By) -> int:
        """Refuse a driver by licence, pay_user_id or mobile from now on. Returns the id; one that exists is kept."""
        if kind not in ("licence", "pay_user_id", "mobile"):
            raise BadValue("kind must be licence, pay_user_id or mobile", "kind")
        value = _text(value, "value", 100)
        if kind == "licence":
            value = spelling(value)

        def transaction(conn: sa.Connection) -> int:
            self._lot(conn, lot_id)
            return registry.block(conn, lot_id, kind, value, by.operator, by.reason, self._clock.now(), by.via)

        return await self._database.write(transaction)

    async def unblock(self, lot_id: str, blocked_id: int, by: By) -> None:
        """Let a driver in again. Raises UnknownBlock."""

        def transaction(conn: sa.Connection) -> None:
            self._lot(conn, lot_id)
            kind = registry.unblock(conn, lot_id, blocked_id)
            if kind is None:
                raise UnknownBlock("nobody is blocked under this id", "blocked_id")
            changes = Changes()
            changes.acts.append(
                Act(lot_id, self._clock.now(), by.operator, by.reason, f"unblocked {kind} {blocked_id}", by.via)
            )
            changes.write(conn)

        await self._database.write(transaction)

    async def retry_delivery(self, lot_id: str, delivery_id: int, by: By) -> None:
        """Send a refused delivery again, or a waiting one now. Raises UnknownDelivery, Conflict."""

        def transaction(conn: sa.Connection) -> None:
            self._lot(conn, lot_id)
            state = registry.delivery_state(conn, lot_id, delivery_id)
            if state is None:
                raise UnknownDelivery("the lot has no such delivery", "delivery_id")
            if registry.is_overtaken(conn, lot_id, delivery_id):
                raise Conflict("BoLink has taken a later message of this order, which this one would undo")
            if not registry.send_again(conn, lot_id, delivery_id, self._clock.now()):
                raise Conflict(f"the delivery is {state}; only a refused or a waiting one can be sent again")
            changes = Changes()
            act = f"delivery {delivery_id} sent again"
            changes.acts.append(Act(lot_id, self._clock.now(), by.operator, by.reason, act, by.via))
            changes.write(conn)

        await self._database.write(transaction)
        self._commits.owed.set()

    async def retry_refused(self, lot_id: str, by: By) -> int:
        """Send again what BoLink refused and no later message has overtaken; how many. Raises UnknownLot."""

        def transaction(conn: sa.Connection) -> int:
            self._lot(conn, lot_id)
            now, sent = self._clock.now(), 0
            for delivery_id in registry.refused_deliveries(conn, lot_id):
                if not registry.is_overtaken(conn, lot_id, delivery_id):
                    sent += registry.send_again(conn, lot_id, delivery_id, now)
            if sent:
                changes = Changes()
                changes.acts.append(Act(lot_id, now, by.operator, by.reason, f"{sent} deliveries sent again", by.via))
                changes.write(conn)
            return sent

        sent = await self._database.write(transaction)
        self._commits.owed.set()
        return sent

    async def _arm_is_down(self, lane: LaneKey, order_id: str) -> None:
        """An order waited for the arm to come down: raise it now, unless another process does."""
        by = By("platform", "the arm is down")
        try:
            lift, row = await self._database.write(
                lambda conn: self._take_waiting(
                    conn, lane.lot_id, lane.channel_id, order_id, by, cause="arm", only="arm"
                )
            )
        except (NobodyWaits, BeingRaised, UnknownLane):
            return
        await self._lifts.settle(await self._lifts.carry_out(lift, row.confirm))

    async def _car_is_gone(self, lane: LaneKey) -> None:
        """Lower the arm that was not lowered onto the car, unless it was raised by hand since.

        Behind the car there may be the next one: then the arm comes down in the first gap.
        """
        state = self._lanes.state(lane)
        if lane not in self._to_lower or (state is not None and state.presence_id):
            return
        by, since = self._to_lower.pop(lane)
        if await self._database.read(lambda conn: facts.lift_without_order(conn, *lane, since)):
            return
        try:
            await self.close(*lane, by)
        except CarUnderArm:
            log.info("another car is under the arm, which stays up", lane=str(lane))
        except (BarrierFault, UnknownLane) as error:
            log.warning("the arm was not lowered after its car", lane=str(lane), error=error.message)

    def _done_before(self, conn: sa.Connection, lot_id: str, command_id: str) -> Lift | None:
        """The lift of a command that came before. Asked with the lot locked: both may come at once."""
        return facts.lift(conn, lot_id, lift_named(command_id)) if command_id else None

    async def _command(
        self, lot_id: str, channel_id: str, by: By, command: str, command_id: str, *, cause: str = "manual"
    ) -> Lift:
        now = self._clock.now()

        def note(conn: sa.Connection) -> tuple[Lift, bool]:
            self._lane(conn, lot_id, channel_id)
            if done := self._done_before(conn, lot_id, command_id):
                return done, False
            changes = Changes()
            lane = LaneKey(lot_id, channel_id)
            lift = self._lift(changes, lane, Purpose.MANUAL, None, command, cause, by, now, command_id)
            changes.write(conn)
            return lift, True

        lift, fresh = await self._database.write(note)
        return await self._carry_out(lift) if fresh else await self._as_before(lift)

    async def _carry_out(self, lift: Lift, confirm: str = "") -> Lift:
        """Raises BarrierFault when the device refused."""
        ended = await self._lifts.carry_out(lift, confirm)
        await self._lifts.settle(ended)
        log.info(
            lift.command, lot_id=lift.lot_id, channel_id=lift.channel_id, order_id=lift.order_id or "",
            operator=lift.actor, outcome=ended.result.outcome.value,
        )  # fmt: skip
        return unless_refused(lift)

    async def outcome_of(self, lot_id: str, lift_id: str) -> None:
        """Return when a lift has come to its end. Raises BarrierFault when the device refused, or is not heard of."""
        lift = await self._lifts.ended(lot_id, lift_id, COMMAND_TIME.total_seconds())
        if lift is None or unless_refused(lift).outcome is None:
            raise BarrierFault("the arm is still being raised")

    async def _as_before(self, lift: Lift) -> Lift:
        """What became of a command that came before. Raises BarrierFault when the device refused it."""
        left = (lift.deadline - self._clock.now()).total_seconds()
        return unless_refused(await self._lifts.ended(lift.lot_id, lift.lift_id, left) or lift)

    def _take_waiting(
        self,
        conn: sa.Connection,
        lot_id: str,
        channel_id: str,
        order_id: str | None,
        by: By,
        *,
        cause: str,
        only: str | None = None,
        command_id: str = "",
    ) -> tuple[Lift, Lane]:
        _, lane = self._lane(conn, lot_id, channel_id)
        order = self._waiting(conn, lot_id, channel_id, order_id)
        if order.waiting_for == "barrier" or (only is not None and order.waiting_for != only):
            text = "the arm is being raised for this order already"
            raise BeingRaised(text, lift_id=order.lift_id or "")
        now = self._clock.now()
        changes = Changes()
        order.waiting_for = "barrier"
        orders.note(changes, order, now, "released", by.operator, by.reason, by.via)
        key = LaneKey(lot_id, channel_id)
        lift = self._lift(changes, key, Purpose.ENTER, order, "open", cause, by, now, command_id)
        changes.write(conn)
        return lift, lane

    def _lift(
        self,
        changes: Changes,
        lane: LaneKey,
        purpose: Purpose,
        order: Order | None,
        command: str,
        cause: str,
        by: By,
        now: datetime,
        command_id: str,
    ) -> Lift:
        return intend(
            changes,
            lift_named(command_id) if command_id else self._ids.lift_id(now),
            lane,
            purpose,
            cause=cause,
            actor=by.operator,
            reason=by.reason,
            via=by.via,
            command=command,
            now=now,
            deadline=now + COMMAND_TIME + (timedelta() if command_id else self._slowest(*lane)),
            at_hand=self._lifts.at_hand(lane),
            order=order,
        )

    def _slowest(self, lot_id: str, channel_id: str) -> timedelta:
        """What a person waits longer for a device that fetches its commands. BoLink's own (11.1) do not wait."""
        barrier = self._lanes.barrier(LaneKey(lot_id, channel_id))
        return timedelta(seconds=barrier.sight.slowest_command) if barrier is not None else timedelta()

    def _lot(self, conn: sa.Connection, lot_id: str) -> Lot:
        lot = facts.lock(conn, [lot_id]).get(lot_id)
        if lot is None:
            raise UnknownLot(f"there is no lot {lot_id}", "lot_id")
        return lot

    def _lane(self, conn: sa.Connection, lot_id: str, channel_id: str) -> tuple[Lot, Lane]:
        lot = self._lot(conn, lot_id)
        lane = facts.lanes(conn, [(lot_id, channel_id)]).get((lot_id, channel_id))
        if lane is None:
            raise UnknownLane(f"lot {lot_id} has no lane {channel_id}", "channel_id")
        return lot, lane

    def _order(self, conn: sa.Connection, lot_id: str, order_id: str) -> tuple[Lot, Order]:
        lot = self._lot(conn, lot_id)
        order = facts.orders(conn, [(lot_id, order_id)]).get((lot_id, order_id))
        if order is None:
            raise UnknownOrder(f"lot {lot_id} has no order {order_id}", "order_id")
        return lot, order

    def _waiting(self, conn: sa.Connection, lot_id: str, channel_id: str, order_id: str | None) -> Order:
        waiting = facts.waiting_in(conn, lot_id, channel_id)
        for order in waiting:
            if order_id in (None, order.order_id):
                return order
        if order_id is None:
            raise NobodyWaits(f"nobody waits in lane {channel_id}")
        raise NobodyWaits(f"order {order_id} does not wait in lane {channel_id}", "order_id")


_HOURS = re.compile(r"([01]\d|2[0-3]):[0-5]\d-(([01]\d|2[0-3]):[0-5]\d|24:00)")


def _with(lane: Lane, changed: dict[str, Any]) -> Lane:
    return msgspec.structs.replace(lane, **changed)


def check_hours(hours: str) -> None:
    """Raise BadValue unless the hours are written like 07:00-22:00."""
    if not _HOURS.fullmatch(hours):
        raise BadValue("hours are written like 07:00-22:00", "hours")


def unless_refused(lift: Lift) -> Lift:
    """The lift. Raises BarrierFault when the device refused it, CarUnderArm when it was not asked to."""
    if lift.detail == CAR_UNDER_ARM:
        raise CarUnderArm(texts.CAR_UNDER_ARM)
    if lift.outcome == Outcome.REJECTED:
        raise BarrierFault(lift.detail or "the barrier refused the command")
    return lift


def lift_named(command_id: str) -> str:
    """The lift of a command that has a number of its own."""
    return f"C{command_id}"


def _text(value: str, field: str, longest: int) -> str:
    value = value.strip()
    if not value or len(value) > longest or "\x00" in value:
        raise BadValue(f"{field} must have 1 to {longest} characters", field)
    return value
