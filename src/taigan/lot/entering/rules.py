"""The decision at the lane: docs/entry.md's table as code, read from top to bottom.

`decide` is called inside the transaction that writes what it decides, with the lots locked.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from taigan.barriers.barrier import Position
from taigan.deadline import Deadline
from taigan.lot import lifts, texts
from taigan.lot.entering.scan import Next, Scan, Verdict, answer
from taigan.lot.entering.situation import Situation
from taigan.lot.ids import Ids
from taigan.lot.lifts import Purpose
from taigan.lot.policy import Reentry
from taigan.lot.stays import orders
from taigan.lot.stays.likeness import likeness
from taigan.storage.rows import Alarm, Lane, Lift, Lot, Message, Order, Presence

COMMIT_RESERVE = 0.3
"""Seconds that are kept of the answer's time for the second commit, after the barrier's deadline."""


def decide(scan: Scan, s: Situation, ids: Ids) -> Verdict:
    """Decide one scan and note what the decision writes."""
    if message := s.messages.get(scan.digest):
        return _repeat(scan, s, message)
    if scan.origin == "scan" and s.now - scan.sent_at > timedelta(seconds=s.policy.repeat_within):
        return _refuse(scan, s, texts.STALE, alarm="stale_message")
    lot = s.lots[scan.lot_id]
    lane = s.lane(scan)

    if lane is None:
        return _refuse(scan, s, texts.UNKNOWN_LANE)
    if lane.direction != "entry":
        return _refuse(scan, s, texts.EXIT_LANE)
    if not lane.is_open:
        return _refuse(scan, s, texts.LANE_CLOSED)
    if not is_open_at(lane.hours, lot.time_zone, s.now):
        return _refuse(scan, s, texts.LANE_HOURS.format(hours=lane.hours))
    if lot.emergency:
        return _refuse(scan, s, texts.EMERGENCY)
    if s.is_blocked(scan):
        return _refuse(scan, s, texts.BLOCKED)
    if lot.sms_check and scan.origin == "scan" and not s.phone_is_checked(scan):
        return _refuse(scan, s, texts.CHECK_PHONE)

    superseded = None
    if own := s.order_of_driver(scan):
        if own.pay_user_id and scan.pay_user_id and own.pay_user_id != scan.pay_user_id:
            return _refuse(scan, s, texts.IN_LOT_OTHER_DRIVER, alarm="other_driver")
        if own.passed_at is None:
            return _again(scan, s, lane, own, ids)
        if s.policy.reentry is Reentry.REFUSE:
            return _refuse(scan, s, texts.IN_LOT)
        superseded = own

    car = s.car(scan)
    missing = car is None and lane.detector and not lane.loop_dead
    if missing and scan.online and scan.patient:
        return Verdict(Next.HOLD)
    if scan.origin == "scan" and s.scans_without_pass(scan) > s.policy.scan_limit:
        return _refuse(scan, s, texts.SEE_ATTENDANT, alarm="scan_limit")
    if not scan.online:
        return _refuse(scan, s, texts.BARRIER_FAULT, alarm="barrier_offline")
    if missing:
        others = s.lanes_with_unserved_car(scan)
        return _refuse(scan, s, texts.OTHER_LANE.format(lane=scan.channel_id) if others else texts.NO_CAR)
    stuck = car is not None and lane.detector and _is_stuck(s, car)
    if not lane.detector:
        car = _still_claimed(s, car)
    if car is not None and (busy := s.order_of_car(car)):
        if stuck:
            car = None  # the loop says nothing of who is there now
        elif scan.origin == "plate":
            return _join(scan, s, busy)
        else:
            return _refuse(scan, s, texts.PLATE_READ if busy.origin == "plate" else texts.LANE_BUSY)
    if lot.spaces_free < 1 and superseded is None:
        return _refuse(scan, s, texts.FULL)

    if not lane.detector:
        car = _claim(scan, s, ids)
    order = _new_order(scan, s, lot, lane, car, ids)
    if superseded is not None:
        orders.abandon(s.changes, lot, superseded, s.now, superseded_by=order.order_id)
    if lane.held or scan.held or scan.position in (Position.OPEN, Position.RISING):
        return _drive_on(scan, s, lot, order)
    if lane.loop_dead or stuck:
        s.changes.alarms.append(_alarm(scan, s, "loop_fault", "the loop is stuck or dead", order.order_id))
        return _wait(scan, s, lot, order, "attendant")
    if lane.policy == "attendant":
        return _wait(scan, s, lot, order, "attendant")
    if scan.position in (Position.FALLING, Position.UNKNOWN):
        return _wait(scan, s, lot, order, "arm")
    return _raise(scan, s, lot, lane, order, ids)


def is_open_at(hours: str, time_zone: str, now: datetime) -> bool:
    """Whether `hours` (07:00-22:00, over midnight too, empty for always) hold now in the lot's time zone."""
    if not hours:
        return True
    local = f"{now.astimezone(ZoneInfo(time_zone)):%H:%M}"
    first, last = hours.split("-")
    return first <= local < last if first <= last else local >= first or local < last


def command_by(scan: Scan) -> Deadline:
    """When a command for this scan is void: before the answer, or, for a device that takes longer, after it."""
    return scan.answer_by.later(scan.slowest_command - COMMIT_RESERVE)


def _repeat(scan: Scan, s: Situation, message: Message) -> Verdict:
    if s.now - message.received_at > timedelta(seconds=s.policy.repeat_within):
        s.changes.alarms.append(_alarm(scan, s, "stale_message", texts.CAME_AGAIN))
        return Verdict(Next.ANSWER, 0, answer(0, texts.STALE, scan.licence, s.now))
    if message.answer is not None:
        return Verdict(Next.ANSWER, -1, message.answer)
    order = s.order_of_message(message)
    if order is None or order.waiting_for == "barrier":
        return Verdict(Next.SAME)
    if order.state == "waiting":
        return Verdict(Next.ANSWER, 2, answer(2, texts.RAISING, scan.licence, s.now))
    state, text = outcome_told(order)
    message.answer = answer(state, text, scan.licence, s.now)
    s.changes.answers.append(message)
    return Verdict(Next.ANSWER, state, message.answer)


def outcome_told(order: Order) -> tuple[int, str]:
    """What a driver is told of an order that is no longer waiting."""
    match order.state, order.closed_why:
        case "void", "barrier fault":
            return 0, texts.BARRIER_FAULT
        case "void", "late":
            return 0, texts.BUSY
        case "void", _:
            return 0, texts.BACKED_OUT
    return 1, texts.ENTERED


def _again(scan: Scan, s: Situation, lane: Lane, own: Order, ids: Ids) -> Verdict:
    """The driver's own order is live and its car has not been seen to pass."""
    if own.channel_id != scan.channel_id:
        return _refuse(scan, s, texts.WAITING_ELSEWHERE.format(lane=own.channel_id))
    if own.state == "waiting":
        return _final(scan, s, 2, own.told_text or texts.RAISING, own.order_id)
    state, text = own.told_state, own.told_text
    if state != 1:
        state, text = 1, texts.ENTERED
    on_loop = (car := s.car(scan)) is not None and car.presence_id == own.presence_id
    if scan.online and scan.position is Position.CLOSED and not (scan.held or lane.held) and on_loop:
        lift = _lift(scan, s, own, "again", ids)
        s.remember(Message(scan.digest, scan.lot_id, scan.received_at, scan.key_id, own.order_id))
        orders.note(s.changes, own, s.now, "scanned again", detail="the arm is down, the car on the loop")
        return Verdict(Next.RAISE, 1, b"", own, lift, lane.confirm)
    if scan.position is None:
        s.changes.alarms.append(
            _alarm(scan, s, "scanned_again", "the driver is in and scans again; the arm cannot be seen", own.order_id)
        )
    return _final(scan, s, 1, text, own.order_id)


def _join(scan: Scan, s: Situation, order: Order) -> Verdict:
    """The camera read a plate after the driver had scanned: the order learns it."""
    if order.origin == "scan" and order.plate != scan.licence:
        order.plate, order.likeness = scan.licence, likeness(scan.licence)
        orders.note(s.changes, order, s.now, "plate read", "camera", scan.licence)
        if s.is_back_so_soon(scan) and not order.free_used:
            order.free_used = True
            orders.note(s.changes, order, s.now, "back so soon")
        s.changes.order(order)
    if order.state == "waiting":
        return _final(scan, s, 2, order.told_text or texts.RAISING, order.order_id)
    return _final(scan, s, 1, texts.ENTERED, order.order_id)


def _still_claimed(s: Situation, claim: Presence | None) -> Presence | None:
    """Without a detector an entry claims its lane for a while. A claim that is over, or led to nothing, is ended."""
    if claim is None:
        return None
    order = s.order_of_car(claim)
    if order is not None and claim.ends_at is not None and s.now < claim.ends_at:
        return claim
    claim.left_at, claim.left_how = s.now, "assumed"
    s.changes.leave(claim)
    if order is not None and order.state == "in" and order.passed_at is None:
        orders.drive_through(s.changes, order, s.now, "assumed: the lane has no detector")
    return None


def _claim(scan: Scan, s: Situation, ids: Ids) -> Presence:
    hold = timedelta(seconds=s.policy.lane_hold)
    car = Presence(ids.presence_id(), scan.lot_id, scan.channel_id, s.now, s.now + hold)
    s.put_on_loop(car)
    return car


def _is_stuck(s: Situation, car: Presence) -> bool:
    return s.now - car.arrived_at > timedelta(seconds=s.policy.loop_stuck_after)


def _new_order(scan: Scan, s: Situation, lot: Lot, lane: Lane, car: Presence | None, ids: Ids) -> Order:
    return Order(
        lot_id=lot.lot_id,
        order_id=s.free_order_id(scan) or ids.order_id(s.now),
        origin=scan.origin,
        state="waiting",
        waiting_for="barrier",
        licence=scan.licence,
        mark=s.policy.plate_mark if scan.origin == "scan" else "",
        plate=scan.licence if scan.origin == "plate" else "",
        likeness=likeness(scan.licence) if scan.origin == "plate" else "",
        pay_user_id=scan.pay_user_id,
        mobile=scan.mobile,
        channel_id=lane.channel_id,
        presence_id=car.presence_id if car is not None else None,
        told_state=None,
        told_text="",
        requested_at=s.now,
        reserved=scan.word.reserved,
        arrears=scan.word.arrears,
        free_used=s.is_back_so_soon(scan),
    )


def _drive_on(scan: Scan, s: Situation, lot: Lot, order: Order) -> Verdict:
    """The arm is up already: a pulse might lower it."""
    orders.ask(s.changes, lot, order)
    orders.enter(s.changes, lot, order, s.now, why="the arm was open")
    return _told(scan, s, order, 1, texts.ENTERED_ARM_OPEN)


def _wait(scan: Scan, s: Situation, lot: Lot, order: Order, waiting_for: str) -> Verdict:
    order.waiting_for = waiting_for
    orders.ask(s.changes, lot, order)
    return _told(scan, s, order, 2, texts.ATTENDANT)


def _raise(scan: Scan, s: Situation, lot: Lot, lane: Lane, order: Order, ids: Ids) -> Verdict:
    orders.ask(s.changes, lot, order)
    lift = _lift(scan, s, order, scan.origin, ids)
    s.remember(Message(scan.digest, scan.lot_id, scan.received_at, scan.key_id, order.order_id))
    s.add_order(order)
    return Verdict(Next.RAISE, 2, b"", order, lift, lane.confirm)


def _lift(scan: Scan, s: Situation, order: Order, cause: str, ids: Ids) -> Lift:
    return lifts.intend(
        s.changes,
        ids.lift_id(s.now),
        scan.lane,
        Purpose.ENTER,
        cause=cause,
        actor="driver" if scan.origin == "scan" else "camera",
        now=s.now,
        deadline=command_by(scan).at,
        at_hand=scan.at_hand,
        order=order,
    )


def _told(scan: Scan, s: Situation, order: Order, state: int, text: str) -> Verdict:
    order.told_state, order.told_text = state, text
    s.add_order(order)
    verdict = _final(scan, s, state, text, order.order_id)
    verdict.order = order
    return verdict


def _refuse(scan: Scan, s: Situation, text: str, alarm: str = "") -> Verdict:
    if alarm:
        s.changes.alarms.append(_alarm(scan, s, alarm, text))
    return _final(scan, s, 0, text, None)


def _final(scan: Scan, s: Situation, state: int, text: str, order_id: str | None) -> Verdict:
    reply = answer(state, text, scan.licence, s.now)
    s.remember(Message(scan.digest, scan.lot_id, scan.received_at, scan.key_id, order_id, reply))
    return Verdict(Next.ANSWER, state, reply, text="" if text == texts.LANE_BUSY else text)


def _alarm(scan: Scan, s: Situation, kind: str, text: str, order_id: str = "") -> Alarm:
    return Alarm(scan.lot_id, scan.channel_id, order_id, s.now, kind, text)
