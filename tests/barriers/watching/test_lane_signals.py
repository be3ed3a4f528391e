"""Loops and arm in, cars out: by example, and whatever comes (hypothesis)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taigan.barriers.barrier import EventKind, Position
from taigan.barriers.watching.lane_signals import Happened, LaneSignals

ARRIVED, PASSED, BACKED_OUT = EventKind.ARRIVED, EventKind.PASSED, EventKind.BACKED_OUT
SECOND_CAR, STAYED = EventKind.SECOND_CAR, EventKind.STAYED


def cars(happened: list[Happened]) -> list[tuple[EventKind, str]]:
    return [(each.kind, each.presence_id) for each in happened]


def test_a_car_that_leaves_while_the_arm_is_down_backed_out() -> None:
    lane = LaneSignals()
    lane.arm(Position.CLOSED, 0)
    assert cars(lane.loop(True, 1, "a")) == [(ARRIVED, "a")]
    assert cars(lane.loop(False, 2, "")) == [(BACKED_OUT, "a")]


def test_a_car_that_leaves_while_the_arm_is_up_passed() -> None:
    lane = LaneSignals()
    lane.loop(True, 1, "a")
    lane.arm(Position.OPEN, 2)
    assert cars(lane.loop(False, 3, "")) == [(PASSED, "a")]


def test_without_position_a_car_that_leaves_after_a_lift_passed() -> None:
    lane = LaneSignals()
    lane.loop(True, 1, "a")
    lane.lifted(2)
    assert cars(lane.loop(False, 300, "")) == [(PASSED, "a")]


def test_without_position_the_lift_is_used_up_some_seconds_after_its_car() -> None:
    lane = LaneSignals(lowers_after=6)
    lane.loop(True, 1, "a")
    lane.lifted(2)
    lane.loop(False, 3, "")
    lane.loop(True, 4, "b")
    assert cars(lane.loop(False, 8, "")) == [(SECOND_CAR, "b")]
    lane.loop(True, 20, "c")
    assert cars(lane.loop(False, 21, "")) == [(BACKED_OUT, "c")]


def test_a_gate_that_took_the_command_and_stays_down_lets_nobody_pass() -> None:
    lane = LaneSignals()
    lane.arm(Position.CLOSED, 0)
    lane.loop(True, 1, "a")
    lane.lifted(2)
    assert cars(lane.loop(False, 5, "")) == [(BACKED_OUT, "a")]


def test_a_mute_gate_that_may_have_risen_is_taken_to_have_let_its_car_pass() -> None:
    lane = LaneSignals()
    lane.arm(Position.CLOSED, 0)
    lane.loop(True, 1, "a")
    lane.lifted(2, certain=False)
    assert cars(lane.loop(False, 5, "")) == [(PASSED, "a")]


def test_while_held_open_every_car_passes_and_none_is_a_second_one() -> None:
    lane = LaneSignals()
    lane.hold(True)
    for number in range(3):
        lane.loop(True, number, f"car {number}")
        assert cars(lane.loop(False, number + 0.5, "")) == [(PASSED, f"car {number}")]
    lane.hold(False)
    lane.loop(True, 10, "late")
    assert cars(lane.loop(False, 11, "")) == [(BACKED_OUT, "late")]


def test_with_two_loops_a_car_that_backs_out_under_a_raised_arm_is_seen() -> None:
    lane = LaneSignals(two_loops=True)
    lane.arm(Position.OPEN, 0)
    lane.loop(True, 1, "a")
    lane.under(True, 2, "")
    lane.under(False, 3, "")  # rolled back
    assert lane.loop(False, 4, "") == []
    assert cars(lane.tick(10)) == [(BACKED_OUT, "a")]


def seen(happened: list[Happened]) -> list[tuple[EventKind, bool]]:
    return [(each.kind, each.seen) for each in happened]


def a_car_passed_on_two_loops() -> LaneSignals:
    """A lane that knows that its loop under the arm works; the arm is up."""
    lane = LaneSignals(two_loops=True)
    lane.arm(Position.OPEN, 0)
    lane.loop(True, 1, "first")
    lane.under(True, 2, "")
    lane.loop(False, 3, "")
    lane.under(False, 4, "")
    return lane


def test_one_loop_never_sees_which_way() -> None:
    lane = LaneSignals()
    lane.loop(True, 1, "a")
    assert seen(lane.loop(False, 2, "")) == [(BACKED_OUT, False)]


def test_a_second_loop_sees_a_car_go_back_that_never_reached_it() -> None:
    lane = a_car_passed_on_two_loops()
    lane.loop(True, 10, "a")
    assert lane.loop(False, 11, "") == []
    assert seen(lane.tick(20)) == [(BACKED_OUT, True)]


def test_a_second_loop_that_was_never_lit_may_be_dead_and_sees_nothing() -> None:
    lane = LaneSignals(two_loops=True)
    lane.arm(Position.OPEN, 0)
    lane.loop(True, 1, "a")
    lane.loop(False, 2, "")
    assert seen(lane.tick(10)) == [(BACKED_OUT, False)]


def test_a_car_that_was_under_the_arm_may_have_passed_though_the_first_loop_was_not_heard_to_end() -> None:
    lane = a_car_passed_on_two_loops()
    lane.loop(True, 10, "a")
    lane.under(True, 11, "")
    lane.under(False, 12, "")  # and it drove off; the next one comes and goes back
    lane.loop(False, 30, "")
    assert seen(lane.tick(40)) == [(BACKED_OUT, False)]


def test_a_lit_second_loop_that_was_not_heard_is_known_from_its_end() -> None:
    lane = a_car_passed_on_two_loops()
    lane.loop(True, 10, "a")
    lane.loop(False, 11, "")
    assert cars(lane.under(False, 12, "")) == [(SECOND_CAR, "a")]  # on the lift of the first
    lane = a_car_passed_on_two_loops()
    lane.loop(True, 10, "a")
    lane.under(False, 11, "")
    lane.loop(False, 12, "")
    assert seen(lane.tick(20)) == [(BACKED_OUT, False)]


def test_a_car_taken_over_from_another_process_is_not_seen_to_go_back() -> None:
    lane = a_car_passed_on_two_loops()
    lane.adopt(Position.OPEN, "a")
    lane.loop(False, 12, "")
    assert seen(lane.tick(20)) == [(BACKED_OUT, False)]


def test_with_two_loops_nose_to_tail_the_second_car_comes_when_the_first_has_passed() -> None:
    lane = LaneSignals(two_loops=True)
    lane.arm(Position.OPEN, 0)
    lane.loop(True, 1, "a")
    lane.under(True, 2, "")
    lane.loop(False, 3, "")
    assert lane.loop(True, 3.1, "b") == []
    assert lane.present == "a"
    assert cars(lane.under(False, 4, "")) == [(PASSED, "a"), (ARRIVED, "b")]
    assert lane.present == "b"


def test_a_dead_first_loop_is_made_up_for_by_the_second() -> None:
    lane = LaneSignals(two_loops=True)
    lane.arm(Position.OPEN, 0)
    assert cars(lane.under(True, 1, "a")) == [(ARRIVED, "a")]
    assert cars(lane.under(False, 2, "")) == [(PASSED, "a")]


def test_an_arm_reported_at_its_ends_only_is_taken_to_move_between() -> None:
    lane = LaneSignals(ends_only=True, travel=8)
    lane.arm(Position.CLOSED, 0)
    lane.lifted(1)
    assert lane.position is Position.RISING
    lane.arm(Position.OPEN, 2)
    lane.loop(True, 3, "a")
    lane.loop(False, 4, "")
    assert lane.position is Position.FALLING
    lane.arm(Position.CLOSED, 6)
    assert lane.position is Position.CLOSED


def test_an_arm_that_never_gets_there_is_where_it_was() -> None:
    lane = LaneSignals(ends_only=True, travel=8)
    lane.arm(Position.CLOSED, 0)
    lane.lifted(1)
    lane.tick(10)
    assert lane.position is Position.CLOSED


def test_a_car_under_a_raised_arm_for_too_long_stays_and_is_told_once() -> None:
    lane = LaneSignals(stays_after=60)
    lane.loop(True, 0, "a")
    lane.lifted(100)
    assert lane.tick(150) == []
    assert cars(lane.tick(161)) == [(STAYED, "a")]
    assert lane.tick(300) == []


def test_a_car_in_front_of_a_closed_arm_does_not_stay() -> None:
    lane = LaneSignals(stays_after=60)
    lane.arm(Position.CLOSED, 0)
    lane.loop(True, 0, "a")
    assert lane.tick(1000) == []


def test_a_device_that_went_away_leaves_the_position_unknown_if_it_ever_told_one() -> None:
    lane = LaneSignals()
    lane.lost()
    assert lane.position is None
    lane.arm(Position.OPEN, 0)
    lane.lost()
    assert lane.position is Position.UNKNOWN


# Limits


@pytest.mark.parametrize(("left_at", "kind"), [(8.9, SECOND_CAR), (9.0, SECOND_CAR), (9.1, BACKED_OUT)])
def test_without_position_the_arm_is_up_for_lowers_after_behind_a_car(left_at: float, kind: EventKind) -> None:
    lane = LaneSignals(lowers_after=6)
    lane.loop(True, 1, "a")
    lane.lifted(2)
    lane.loop(False, 3, "")
    lane.loop(True, 4, "b")
    assert cars(lane.loop(False, left_at, "")) == [(kind, "b")]


def test_lanes_are_as_usual_where_nobody_says_otherwise() -> None:
    lane = LaneSignals()
    lane.loop(True, 1, "a")
    lane.lifted(2)
    lane.loop(False, 3, "")
    assert (lane.may_be_up(9.0), lane.may_be_up(9.001)) == (True, False)
    lane = LaneSignals(ends_only=True)
    lane.arm(Position.CLOSED, 0)
    lane.lifted(1)
    lane.tick(9)
    assert lane.position is Position.RISING
    lane.tick(9.001)
    assert lane.position is Position.CLOSED
    lane = LaneSignals()
    lane.arm(Position.OPEN, 0)
    lane.loop(True, 0, "a")
    assert lane.tick(60) == []
    assert cars(lane.tick(60.001)) == [(STAYED, "a")]
    lane = LaneSignals(two_loops=True)
    lane.arm(Position.OPEN, 0)
    lane.loop(True, 1, "a")
    lane.loop(False, 2, "")
    assert lane.tick(7) == []
    assert cars(lane.tick(7.001)) == [(BACKED_OUT, "a")]
    assert lane.tick(20) == []


@pytest.mark.parametrize("position", [Position.RISING, Position.OPEN, Position.FALLING])
def test_an_arm_that_is_not_down_may_let_a_car_pass(position: Position) -> None:
    lane = LaneSignals()
    lane.arm(position, 0)
    lane.loop(True, 1, "a")
    assert lane.may_be_up(1)
    assert cars(lane.loop(False, 2, "")) == [(PASSED, "a")]


@pytest.mark.parametrize("position", [Position.CLOSED, Position.UNKNOWN])
def test_an_arm_that_is_not_known_to_be_up_and_was_not_raised_lets_nobody_pass(position: Position) -> None:
    lane = LaneSignals()
    lane.arm(position, 0)
    lane.loop(True, 1, "a")
    assert not lane.may_be_up(1)
    assert cars(lane.loop(False, 2, "")) == [(BACKED_OUT, "a")]


def test_an_arm_whose_position_is_unknown_and_that_was_raised_may_be_up() -> None:
    lane = LaneSignals()
    lane.arm(Position.UNKNOWN, 0)
    lane.loop(True, 1, "a")
    lane.lifted(2)
    assert lane.may_be_up(2)


def test_a_lift_is_over_when_the_arm_has_come_down() -> None:
    lane = LaneSignals()
    lane.lifted(0, certain=False)
    lane.arm(Position.OPEN, 1)
    lane.arm(Position.CLOSED, 2)
    assert not lane.may_be_up(3)


def test_each_rise_of_the_arm_lets_a_first_car_pass() -> None:
    lane = LaneSignals()
    for number, position in enumerate((Position.RISING, Position.OPEN)):
        lane.arm(position, 10 * number)
        lane.loop(True, 10 * number + 1, f"car {number}")
        kind = PASSED if number == 0 else SECOND_CAR  # it went on rising: it is one lift
        assert cars(lane.loop(False, 10 * number + 2, "")) == [(kind, f"car {number}")]
    lane.arm(Position.FALLING, 30)
    lane.arm(Position.OPEN, 31)
    lane.loop(True, 32, "late")
    assert cars(lane.loop(False, 33, "")) == [(PASSED, "late")]


def test_a_second_command_lets_a_first_car_pass_again() -> None:
    lane = LaneSignals()
    for number in range(2):
        lane.loop(True, 10 * number, f"car {number}")
        lane.lifted(10 * number + 1)
        assert cars(lane.loop(False, 10 * number + 2, "")) == [(PASSED, f"car {number}")]


def test_the_arms_reports_are_told_once_each() -> None:
    lane = LaneSignals()
    told = []
    for position in (
        Position.RISING,
        Position.OPEN,
        Position.OPEN,
        Position.FALLING,
        Position.CLOSED,
        Position.UNKNOWN,
    ):
        told += [each.kind for each in lane.arm(position, 0)]
        assert (lane.position, lane.reported) == (position, position)
    assert told == [EventKind.RISING, EventKind.UP, EventKind.FALLING, EventKind.DOWN]


def test_an_arm_that_is_held_stays_up_behind_its_cars_where_its_ends_are_reported() -> None:
    lane = LaneSignals(ends_only=True)
    lane.arm(Position.OPEN, 0)
    lane.hold(True)
    lane.loop(True, 1, "a")
    lane.loop(False, 2, "")
    assert lane.position is Position.OPEN
    lane.hold(False)
    lane.loop(True, 3, "b")
    lane.loop(False, 4, "")
    assert lane.position is Position.FALLING


def test_an_arm_that_is_up_already_does_not_rise_at_a_command() -> None:
    lane = LaneSignals(ends_only=True)
    lane.lifted(0)
    assert lane.position is None
    lane.arm(Position.OPEN, 1)
    lane.lifted(2)
    assert lane.position is Position.OPEN
    moving = LaneSignals()
    moving.arm(Position.CLOSED, 0)
    moving.lifted(1)
    assert moving.position is Position.CLOSED  # it is reported while it moves


def test_a_device_that_went_away_has_no_arm_that_moves() -> None:
    lane = LaneSignals(ends_only=True)
    lane.arm(Position.CLOSED, 0)
    lane.lifted(1)
    lane.lost()
    assert lane.position is Position.UNKNOWN


# Staying


def test_how_long_a_car_stays_is_counted_from_its_lift_or_from_its_coming() -> None:
    lane = LaneSignals(stays_after=60)
    lane.arm(Position.OPEN, 0)
    lane.lifted(0)
    lane.loop(True, 100, "a")
    assert lane.tick(160) == []
    assert cars(lane.tick(160.1)) == [(STAYED, "a")]
    lane.loop(False, 170, "")
    lane.loop(True, 171, "b")
    assert cars(lane.tick(232)) == [(STAYED, "b")]


def test_where_there_are_two_loops_only_the_car_under_the_arm_stays() -> None:
    lane = LaneSignals(two_loops=True, stays_after=60)
    lane.arm(Position.OPEN, 0)
    lane.loop(True, 0, "a")
    assert lane.tick(100) == []
    lane.under(True, 101, "")
    assert cars(lane.tick(102)) == [(STAYED, "a")]


# Two loops


def test_with_two_loops_a_car_that_leaves_before_the_arm_was_ever_raised_went_back_at_once() -> None:
    lane = LaneSignals(two_loops=True)
    lane.arm(Position.CLOSED, 0)
    lane.loop(True, 1, "a")
    assert seen(lane.loop(False, 2, "")) == [(BACKED_OUT, False)]


def test_with_two_loops_a_car_that_leaves_after_a_command_is_waited_for_though_the_arm_is_reported_down() -> None:
    lane = LaneSignals(two_loops=True)
    lane.arm(Position.CLOSED, 0)
    lane.loop(True, 1, "a")
    lane.lifted(2)
    assert lane.loop(False, 3, "") == []
    assert lane.present == "a"
    lane.under(True, 4, "")
    assert cars(lane.under(False, 5, "")) == [(PASSED, "a")]


def test_with_two_loops_a_car_that_comes_back_onto_the_first_is_the_same_one() -> None:
    lane = LaneSignals(two_loops=True)
    lane.arm(Position.OPEN, 0)
    lane.loop(True, 1, "a")
    lane.loop(False, 2, "")
    assert lane.loop(True, 3, "b") == []
    assert lane.present == "a"
    assert lane.tick(20) == []  # it is not crossing any more


def test_with_two_loops_a_car_behind_that_leaves_again_was_never_there() -> None:
    lane = LaneSignals(two_loops=True)
    lane.arm(Position.OPEN, 0)
    lane.loop(True, 1, "a")
    lane.under(True, 2, "")
    lane.loop(False, 3, "")
    assert lane.loop(True, 4, "b") == []
    assert lane.loop(True, 5, "c") == []  # said once more
    assert lane.loop(False, 6, "") == []
    assert cars(lane.under(False, 7, "")) == [(PASSED, "a")]
    assert lane.present == ""


def test_with_two_loops_a_repeated_signal_changes_nothing() -> None:
    lane = LaneSignals(two_loops=True)
    lane.arm(Position.OPEN, 0)
    lane.loop(True, 1, "a")
    assert lane.loop(True, 2, "b") == []
    assert lane.under(True, 3, "c") == []
    assert lane.under(True, 4, "d") == []
    assert lane.loop(False, 5, "") == []
    assert lane.loop(False, 6, "") == []
    assert cars(lane.under(False, 7, "")) == [(PASSED, "a")]
    assert lane.under(False, 8, "") == []


def test_a_car_taken_over_replaces_what_was_known_of_the_lane() -> None:
    lane = LaneSignals(two_loops=True, ends_only=True)
    lane.arm(Position.CLOSED, 0)
    lane.lifted(1)
    lane.under(True, 2, "ghost")
    lane.adopt(Position.OPEN, "a")
    assert (lane.present, lane.position) == ("a", Position.OPEN)
    lane.rename("b")
    assert lane.present == "b"
    lane.adopt(Position.OPEN, "")
    lane.rename("c")
    assert lane.present == ""


@pytest.mark.parametrize("where", ["before", "below", "crossing"])
def test_a_car_is_renamed_wherever_it_is(where: str) -> None:
    lane = LaneSignals(two_loops=True)
    lane.arm(Position.OPEN, 0)
    lane.loop(True, 1, "a")
    if where == "below":
        lane.under(True, 2, "")
    if where != "before":
        lane.loop(False, 3, "")
    lane.rename("its true name")
    assert lane.present == "its true name"
    lane.under(True, 4, "")
    lane.loop(False, 5, "")
    assert cars(lane.under(False, 6, "")) == [(PASSED, "its true name")]


steps = st.one_of(
    st.tuples(st.just("loop"), st.booleans()),
    st.tuples(st.just("under"), st.booleans()),
    st.tuples(st.just("arm"), st.sampled_from(list(Position))),
    st.tuples(st.just("lifted"), st.booleans()),
    st.tuples(st.just("hold"), st.booleans()),
    st.tuples(st.just("lost"), st.none()),
    st.tuples(st.just("tick"), st.floats(0, 100)),
)


@given(two_loops=st.booleans(), ends_only=st.booleans(), script=st.lists(steps, max_size=60))
def test_whatever_the_signals_every_car_comes_once_and_goes_at_most_once(
    two_loops: bool, ends_only: bool, script: list[tuple[str, object]]
) -> None:
    lane = LaneSignals(two_loops=two_loops, ends_only=ends_only)
    at = 0.0
    came: list[str] = []
    gone: list[str] = []
    passed_on_this_lift = 0
    held = False
    for number, (what, value) in enumerate(script):
        at += float(value) if isinstance(value, float) else 1.0
        happened: list[Happened] = []
        match what:
            case "loop":
                happened = lane.loop(bool(value), at, f"car {number}")
            case "under":
                happened = lane.under(bool(value), at, f"car {number}")
            case "arm":
                assert isinstance(value, Position)
                happened = lane.arm(value, at)
                if any(each.kind in (EventKind.RISING, EventKind.UP, EventKind.DOWN) for each in happened):
                    passed_on_this_lift = 0
            case "lifted":
                lane.lifted(at, certain=bool(value))
                passed_on_this_lift = 0
            case "hold":
                held = bool(value)
                lane.hold(held)
            case "lost":
                lane.lost()
            case "tick":
                happened = lane.tick(at)
        for each in happened:
            if each.kind is ARRIVED:
                assert each.presence_id not in came
                came.append(each.presence_id)
            elif each.presence_id:
                assert each.presence_id in came
                assert each.presence_id not in gone
            if each.kind in (PASSED, BACKED_OUT, SECOND_CAR):
                gone.append(each.presence_id)
            if each.kind is PASSED:
                passed_on_this_lift += 1
        assert held or passed_on_this_lift <= 1
        assert len(came) - len(gone) <= 1
        assert lane.present == "" or lane.present not in gone
        assert (lane.present != "") == (len(came) > len(gone))
