"""What can happen to an order: its state, its history, the lot's spaces, what is owed to BoLink. No database."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from taigan.lot.stays import orders
from taigan.storage.changes import Changes
from taigan.storage.rows import Driver, Lot, Order, OrderEvent, Presence, SpaceChange

NOW = datetime(2026, 5, 4, 8, tzinfo=UTC)
LATER = NOW + timedelta(hours=2)
SECONDS = int(NOW.timestamp())


def lot(free: int = 10) -> Lot:
    return Lot("lot", "42", "P1", "东门", "Asia/Shanghai", "", 100, free, False, True)


def order(**more: Any) -> Order:
    given = Order("lot", "O1", "scan", "waiting", "barrier", "EA1", "无", "", "", "", "A1", "car", 1, "", NOW)
    return msgspec.structs.replace(given, **more)


def events(changes: Changes) -> list[tuple[str, datetime, str, str, str]]:
    return [(one.event, one.at, one.actor, one.detail, one.via) for one in changes.events]


def written(changes: Changes) -> tuple[list[Order], list[Lot]]:
    """The orders and lots that have changed."""
    return list(changes.orders.values()), list(changes.lots.values())


def owed(changes: Changes) -> list[tuple[str, dict[str, Any]]]:
    return [(one.section, msgspec.json.decode(one.payload)) for one in changes.deliveries]


def test_a_line_of_history_says_whose_it_is_and_by_whom() -> None:
    changes = Changes()
    orders.note(changes, order(), NOW, "in", "王芳", "let in", "token")
    assert changes.events == [OrderEvent("lot", "O1", NOW, "in", "王芳", "let in", "token")]


def test_who_waits_takes_a_space() -> None:
    changes, of, one = Changes(), lot(), order()
    orders.ask(changes, of, one)
    assert (of.spaces_free, list(changes.new_orders.values())) == (9, [one])
    assert events(changes) == [("waiting", NOW, "", "barrier", "")]


def test_a_car_that_is_in_is_told_to_bolink_as_it_is_then() -> None:
    changes, of, one = Changes(), lot(), order()
    orders.enter(changes, of, one, NOW, why="passed", actor="王芳", via="token", review="look")
    assert (one.state, one.waiting_for, one.in_at, one.review, of.spaces_free) == ("in", "", NOW, "look", 10)
    assert written(changes) == ([one], [])
    assert events(changes) == [("in", NOW, "王芳", "passed", "token")]
    [(section, told)] = owed(changes)
    assert section == "3.1"
    assert told == {
        "car_number": "无EA1",
        "in_time": SECONDS,
        "order_id": "O1",
        "empty_plot": 10,
        "park_id": "P1",
        "union_id": 42,
        "car_cost_type": 4,
        "in_channel_id": "A1",
    }
    [delivery] = changes.deliveries
    assert (delivery.lot_id, delivery.order_id, delivery.state, delivery.attempts) == ("lot", "O1", "pending", 0)
    assert (delivery.created_at, delivery.next_at) == (NOW, NOW)


def test_bolink_is_told_of_what_kind_the_car_came() -> None:
    told = msgspec.json.decode(orders.entry_payload(lot(), order(origin="plate", in_at=NOW)))
    assert told["car_cost_type"] == 1


def test_an_entry_that_did_not_happen_gives_its_space_and_is_charged_to_nobody() -> None:
    changes, of, one = Changes(), lot(), order()
    orders.void(changes, of, one, LATER, why="rejected", actor="王芳", via="token")
    assert (one.state, one.waiting_for, one.closed_at, one.closed_why) == ("void", "", LATER, "rejected")
    assert written(changes) == ([one], [of])
    assert (of.spaces_free, events(changes), owed(changes)) == (11, [("void", LATER, "王芳", "rejected", "token")], [])


def test_an_entry_that_bolink_may_know_of_is_taken_back_there_with_a_total_of_nothing() -> None:
    changes, of, one = Changes(), lot(), order(state="in", in_at=NOW)
    orders.reverse(changes, of, one, LATER, uploaded=False)
    assert (one.state, owed(changes)) == ("void", [])
    orders.reverse(changes, of, one, LATER, uploaded=True, why="seen")
    [(section, told)] = owed(changes)
    assert (section, one.closed_why) == ("3.2", "seen")
    assert (told["total"], told["in_time"], told["out_time"]) == ("0.00", SECONDS, SECONDS + 7200)
    assert (told["pay_type"], told["out_channel_id"], told["empty_plot"]) == ("cash", "A1", 12)


def test_the_reversal_of_what_never_was_in_begins_and_ends_at_once() -> None:
    told = msgspec.json.decode(orders.reversal_payload(lot(), order(), LATER))
    assert told["in_time"] == told["out_time"] == SECONDS + 7200


def test_a_stay_whose_driver_came_in_again_is_closed_for_review() -> None:
    changes, of, one = Changes(), lot(), order(state="in")
    orders.abandon(changes, of, one, LATER, superseded_by="O2")
    assert (one.state, one.closed_at, one.closed_why, one.superseded_by) == ("abandoned", LATER, "superseded", "O2")
    assert written(changes) == ([one], [of])
    assert (one.review, of.spaces_free) == ("superseded: the exit was never seen", 11)
    assert events(changes) == [("abandoned", LATER, "", "O2", "")]


def test_a_car_that_left_gives_its_space_once() -> None:
    changes, of, one = Changes(), lot(), order(state="in")
    orders.leave(changes, of, one, LATER, actor="王芳", reason="seen", via="token")
    assert (one.state, one.waiting_for, one.closed_at, one.closed_why) == ("out", "", LATER, "seen")
    assert written(changes) == ([one], [of])
    assert (of.spaces_free, events(changes)) == (11, [("out", LATER, "王芳", "seen", "token")])
    orders.leave(changes, of, order(state="in"), LATER, actor="", reason="seen", gives_space=False)
    assert of.spaces_free == 11


def test_there_are_never_more_free_spaces_than_spaces() -> None:
    of = lot(free=100)
    orders.leave(Changes(), of, order(state="in"), LATER, actor="", reason="")
    assert of.spaces_free == 100
    of.spaces_free = 99
    orders.leave_without_order(Changes(), of, "B1", LATER, "")
    assert of.spaces_free == 100


def test_a_car_that_is_known_from_its_exit_only_began_there_and_took_no_space() -> None:
    changes, of = Changes(), lot()
    one = orders.without_entry(changes, of, "O9", plate="京AO0001", channel_id="B1", at=LATER)
    assert (one.state, one.origin, one.in_at, one.passed_at, one.requested_at) == ("in", "exit", LATER, LATER, LATER)
    assert (one.licence, one.plate, one.likeness, one.review) == ("京AO0001", "京AO0001", "A00001", "无入场记录")
    assert (one.presence_id, one.told_state, one.channel_id, of.spaces_free) == (None, None, "B1", 10)
    assert list(changes.new_orders.values()) == [one]
    assert events(changes) == [("in", LATER, "", "无入场记录", "")]
    assert [section for section, _ in owed(changes)] == ["3.1"]


@pytest.mark.parametrize(("free", "left"), [(10, 9), (1, 0), (0, 0), (-2, -2)])
def test_a_car_that_stood_inside_before_takes_a_space_where_there_is_one(free: int, left: int) -> None:
    changes, of = Changes(), lot(free)
    orders.take_over(changes, of, "O9", "京A1", "A1", NOW, LATER, "王芳", "token", told=True)
    [one] = changes.new_orders.values()
    assert (of.spaces_free, one.origin, one.in_at, owed(changes)) == (left, "manual", NOW, [])
    assert events(changes) == [("taken over", LATER, "王芳", "", "token")]


def test_a_car_that_stood_inside_before_is_told_to_bolink_unless_it_knows() -> None:
    changes = Changes()
    orders.take_over(changes, lot(), "O9", "京A1", "A1", NOW, LATER, "王芳", "", told=False)
    [(section, told)] = owed(changes)
    assert (section, told["in_time"], changes.deliveries[0].created_at) == ("3.1", SECONDS, LATER)


def test_a_driver_who_drove_in_is_counted_anew() -> None:
    changes, one = Changes(), order()
    orders.drive_through(changes, one, LATER, "seen")
    assert written(changes) == ([one], [])
    assert (one.passed_at, list(changes.drivers.values())) == (LATER, [Driver("EA1", "lot", 0, LATER)])
    assert events(changes) == [("passed", LATER, "", "seen", "")]


@pytest.mark.parametrize(("free", "left"), [(10, 9), (1, 0), (0, 0), (-2, -2)])
def test_a_car_without_an_order_takes_a_space_where_there_is_one(free: int, left: int) -> None:
    changes, of = Changes(), lot(free)
    orders.pass_without_order(changes, of, Presence("car", "lot", "A1", NOW), LATER, "held open")
    assert of.spaces_free == left
    assert changes.space_changes == [SpaceChange("lot", LATER, left, "pass", "A1", "held open")]


def test_a_car_without_an_order_that_drives_out_gives_a_space() -> None:
    changes, of = Changes(), lot()
    orders.leave_without_order(changes, of, "B1", LATER, "held open")
    assert (of.spaces_free, list(changes.lots.values())) == (11, [of])
    assert changes.space_changes == [SpaceChange("lot", LATER, 11, "pass", "B1", "held open")]


def test_bolink_is_told_whether_drivers_are_asked_for_a_code() -> None:
    changes, of = Changes(), lot()
    orders.owe_sms_check(changes, of, NOW)
    of.sms_check = False
    orders.owe_sms_check(changes, of, LATER)
    told = [said["nolience_config"]["is_verify"] for _, said in owed(changes)]
    assert (told, [one.section for one in changes.deliveries]) == ([1, 0], ["2.5", "2.5"])
    first = changes.deliveries[0]
    assert (first.order_id, first.state, first.attempts, first.next_at) == ("", "pending", 0, NOW)


@pytest.mark.parametrize(
    ("mark", "licence", "number"),
    [("无", "EA12345", "无EA12345"), ("无", "EA123456", "EA123456"), ("", "京A12345D", "京A12345D")],
)
def test_the_mark_stands_before_the_licence_where_both_fit(mark: str, licence: str, number: str) -> None:
    assert orders.car_number(order(mark=mark, licence=licence)) == number


@pytest.mark.parametrize(("state", "live"), [("waiting", True), ("in", True), ("out", False), ("void", False)])
def test_an_order_holds_a_space_while_it_waits_and_while_the_car_is_in(state: str, live: bool) -> None:
    assert order(state=state).live is live
