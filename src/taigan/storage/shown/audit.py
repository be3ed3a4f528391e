"""What persons did in a lot, as one list: acts, arms raised and lowered, and who came and went. Newest first."""

from __future__ import annotations

from datetime import datetime
from functools import cache
from typing import Any

import msgspec
import sqlalchemy as sa

from taigan.storage import tables as t
from taigan.storage.setup.staff import EVERYWHERE
from taigan.storage.shown.searches import as_it_is
from taigan.storage.shown.views import After
from taigan.storage.tables import Moment

LIFTS, ACTS, ACCOUNTS = "lifts", "acts", "accounts"
KINDS = (LIFTS, ACTS, ACCOUNTS)


class Deed(msgspec.Struct):
    """Something that somebody did. `what` is the act in the platform's words, or an arm's command; `via` is the console
    (`console:login`) or the token it came by."""

    at: datetime
    key: str
    kind: str
    actor: str
    what: str
    cause: str
    channel_id: str
    order_id: str
    reason: str
    outcome: str
    via: str


class Wanted(msgspec.Struct, frozen=True):
    """What is looked for; empty fields: any. `everywhere`: what concerns no lot is shown whoever did it, else only what
    those did who have a role in this lot."""

    kind: str = ""
    actor: str = ""
    channel_id: str = ""
    text: str = ""
    since: datetime | None = None
    until: datetime | None = None
    everywhere: bool = False


def deeds(conn: sa.Connection, lot_id: str, limit: int, after: After, wanted: Wanted) -> list[Deed]:
    """What was done, by time."""
    given: dict[str, Any] = {"lot": lot_id, "most": limit}
    filters = []
    for name in ("actor", "channel_id", "since", "until"):
        if value := getattr(wanted, name):
            filters.append(name)
            given[name] = value
    if wanted.channel_id:
        given["in_lane"] = f"%{as_it_is(wanted.channel_id)}%"
    if wanted.text:
        filters.append("text")
        given["text"] = f"%{as_it_is(wanted.text)}%"
    if after:
        given |= {"after_at": after[0], "after_key": after[1]}
    statement = _deeds(wanted.kind, tuple(filters), bool(after), wanted.everywhere)
    return [Deed(*row) for row in conn.execute(statement, given)]


_MOST = sa.bindparam("most", type_=sa.Integer())
_NOTHING: sa.ColumnElement[str] = sa.literal_column("''", sa.Text())


def _part(
    kind: str, at: sa.Column[Any], key: sa.ColumnElement[str], actor: sa.Column[Any], *shown: sa.ColumnElement[Any]
) -> sa.Select[Any]:
    names = ("what", "cause", "channel_id", "order_id", "reason", "outcome", "via")
    return sa.select(
        at.label("at"),
        key.label("key"),
        sa.literal_column(f"'{kind}'", sa.Text()).label("kind"),
        actor.label("actor"),
        *(column.label(name) for name, column in zip(names, shown, strict=True)),
    )


def _limited(statement: sa.Select[Any], at: sa.Column[Any], key: Any, filters: tuple[str, ...], after: bool) -> Any:
    """The newest of one kind: each is found by its own index, and only as many as a page has."""
    moment = Moment()
    if "since" in filters:
        statement = statement.where(at >= sa.bindparam("since", type_=moment))
    if "until" in filters:
        statement = statement.where(at < sa.bindparam("until", type_=moment))
    if after:
        seen_at, seen_key = sa.bindparam("after_at", type_=moment), sa.bindparam("after_key", type_=sa.Text())
        statement = statement.where(at <= seen_at, sa.or_(at < seen_at, key < seen_key))
    return sa.select(statement.order_by(at.desc(), key.desc()).limit(_MOST).subquery())


def _lifts(filters: tuple[str, ...], after: bool) -> Any:
    lift = t.lifts.c
    key = sa.literal_column("'l'", sa.Text()).concat(lift.lift_id)
    order = sa.func.coalesce(lift.order_id, "", type_=sa.Text())
    outcome = sa.func.coalesce(lift.outcome, "", type_=sa.Text())
    statement = _part(
        LIFTS,
        lift.intended_at,
        key,
        lift.actor,
        *(lift.command, lift.cause, lift.channel_id, order, lift.reason, outcome, lift.via),
    ).where(lift.lot_id == sa.bindparam("lot"), lift.actor != sa.literal_column("''"))
    if "actor" in filters:
        statement = statement.where(lift.actor == sa.bindparam("actor", type_=sa.Text()))
    if "channel_id" in filters:
        statement = statement.where(lift.channel_id == sa.bindparam("channel_id", type_=sa.Text()))
    if "text" in filters:
        text = sa.bindparam("text", type_=sa.Text())
        statement = statement.where(sa.or_(lift.reason.like(text, escape="\\"), order.like(text, escape="\\")))
    return _limited(statement, lift.intended_at, key, filters, after)


def _acts(kind: str, of_lot: sa.ColumnElement[bool], filters: tuple[str, ...], after: bool) -> Any:
    act = t.operator_acts.c
    key = sa.literal_column("'a'", sa.Text()).concat(sa.cast(act.act_id, sa.Text()))
    statement = _part(
        kind,
        act.at,
        key,
        act.operator,
        *(act.act, _NOTHING, _NOTHING, _NOTHING, act.reason, _NOTHING, act.via),
    ).where(of_lot)
    if "actor" in filters:
        statement = statement.where(act.operator == sa.bindparam("actor", type_=sa.Text()))
    if "channel_id" in filters:
        statement = statement.where(act.act.like(sa.bindparam("in_lane", type_=sa.Text()), escape="\\"))
    if "text" in filters:
        text = sa.bindparam("text", type_=sa.Text())
        statement = statement.where(sa.or_(act.reason.like(text, escape="\\"), act.act.like(text, escape="\\")))
    return _limited(statement, act.at, key, filters, after)


@cache
def _deeds(kind: str, filters: tuple[str, ...], after: bool, everywhere: bool) -> Any:
    act, lot = t.operator_acts.c, sa.bindparam("lot", type_=sa.Text())
    about_persons = act.act.like("person %")
    of_nobody = act.lot_id == sa.literal_column("''")
    if not everywhere:
        granted = (
            sa.select(t.staff.c.name)
            .join(t.staff_grants, t.staff_grants.c.login == t.staff.c.login)
            .where(t.staff_grants.c.lot_id.in_([lot, sa.literal(EVERYWHERE)]))
        )
        of_nobody = sa.and_(of_nobody, act.operator.in_(granted))
    parts = []
    if kind in ("", LIFTS):
        parts.append(_lifts(filters, after))
    if kind in ("", ACTS):
        parts.append(_acts(ACTS, sa.and_(act.lot_id == lot, ~about_persons), filters, after))
    if kind in ("", ACCOUNTS):
        parts.append(_acts(ACCOUNTS, sa.and_(act.lot_id == lot, about_persons), filters, after))
        parts.append(_acts(ACCOUNTS, of_nobody, filters, after))
    every = sa.union_all(*parts).subquery()
    return sa.select(every).order_by(every.c.at.desc(), every.c.key.desc()).limit(_MOST)
