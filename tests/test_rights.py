"""Rights, roles and grants of them."""

from __future__ import annotations

import re

import pytest

from taigan.rights import ALL, Grant, Holder, Right, Role, rights_of

HERE, THERE = "200002-7", "200002-8"


@pytest.mark.parametrize("right", Right)
def test_a_right_names_a_thing_and_an_action_and_says_it_in_both_languages(right: Right) -> None:
    assert re.fullmatch(r"[a-z]+:[a-z]+(_[a-z]+)*", right.value)
    assert re.search(r"[\u4e00-\u9fff]", right.zh)
    assert right.en.isascii()
    assert right.en


def test_no_two_rights_are_said_in_the_same_words() -> None:
    for words in ([right.zh for right in Right], [right.en for right in Right]):
        assert sorted(set(words)) == sorted(words)


@pytest.mark.parametrize("role", Role)
def test_a_role_has_rights_and_names(role: Role) -> None:
    assert role.rights
    assert re.search(r"[\u4e00-\u9fff]", role.zh)
    assert role.en.isascii()


def test_only_the_owner_has_every_right_and_every_right_is_somebody_s() -> None:
    assert [role for role in Role if role.rights == ALL] == [Role.OWNER]
    assert Role.MANAGER.rights == ALL - {Right.KEY_SET, Right.LANE_BARRIER, Right.DEVICE_SET}


@pytest.mark.parametrize("role", [Role.AUDITOR, Role.GROUP])
def test_who_only_reads_changes_nothing_of_a_day(role: Role) -> None:
    assert {right for right in role.rights if not right.endswith(":see")} <= {Right.EXPORT_TAKE, Right.TARIFF_SET}


def test_a_camera_reports_and_sees_nothing() -> None:
    assert Role.CAMERA.rights == {Right.PLATE_REPORT, Right.PICTURE_PUT}


def test_a_shift_leader_has_what_a_collector_has_and_more() -> None:
    assert Role.COLLECTOR.rights < Role.SHIFT_LEADER.rights


def test_a_grant_counts_in_its_lots_only() -> None:
    holder = Holder("console", (Grant(frozenset({Right.LANE_OPEN}), frozenset({HERE})),))
    assert holder.may(Right.LANE_OPEN, HERE)
    assert not holder.may(Right.LANE_OPEN, THERE)
    assert not holder.may(Right.LANE_CLOSE, HERE)
    assert (holder.knows(HERE), holder.knows(THERE)) == (True, False)
    assert (holder.may_somewhere(Right.LANE_OPEN), holder.may_everywhere(Right.LANE_OPEN)) == (True, False)
    assert holder.lots_with(Right.LANE_OPEN) == {HERE}
    assert holder.lots_with(Right.LANE_CLOSE) == frozenset()


def test_grants_add_up_lot_by_lot() -> None:
    holder = Holder("王芳", (Grant(Role.COLLECTOR.rights, frozenset({HERE})), Grant(Role.AUDITOR.rights)))
    assert holder.may(Right.LANE_OPEN, HERE)
    assert not holder.may(Right.LANE_OPEN, THERE)
    assert holder.may(Right.AUDIT_SEE, THERE)
    assert holder.lots_with(Right.STAY_SEE) is None
    assert holder.lots_with(Right.LANE_OPEN) == {HERE}


def test_names_that_are_not_known_give_nothing() -> None:
    assert rights_of(["nobody"], ["lane:melt", "lane:open"]) == {Right.LANE_OPEN}
    assert rights_of(["camera"], ["lane:open"]) == Role.CAMERA.rights | {Right.LANE_OPEN}
    assert rights_of([], []) == frozenset()
