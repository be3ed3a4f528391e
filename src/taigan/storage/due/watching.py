"""Which process watches a lane: one at a time makes events of what the lane's device says.

A lease is a row, renewed by its process, and counted by the database's clock where it has one: all of them share that.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from taigan.storage import tables as t
from taigan.storage.engines.statements import rows
from taigan.storage.tables import Moment, paired

SPARE = timedelta(seconds=5)
"""By so much the clock may be set back without a lease being taken for one of another time."""
_W = t.lane_watchers.c
_UNTIL = sa.bindparam("ends", type_=Moment())
_IN = paired(_W.lot_id, _W.channel_id, "lanes")
_NOW = sa.select(sa.func.clock_timestamp(type_=sa.DateTime(timezone=True)))
_RENEW = (
    sa.update(t.lane_watchers)
    .where(_W.process == sa.bindparam("mine"), _IN)
    .values(until=_UNTIL)
    .returning(_W.lot_id, _W.channel_id)
)
_NOW_IS, _AHEAD = (sa.bindparam(name, type_=Moment()) for name in ("now", "ahead"))
_OTHERS = sa.select(_W.lot_id, _W.channel_id, _W.until).where(_IN, _W.until.between(_NOW_IS, _AHEAD))
_END = sa.delete(t.lane_watchers).where(_W.process == sa.bindparam("mine"))


class Watched(msgspec.Struct):
    """Lanes, by (lot_id, channel_id): those that this process watches now, and those of others, until when."""

    mine: set[tuple[str, str]]
    others: dict[tuple[str, str], datetime]


def watch(
    conn: sa.Connection, process: str, lanes: Collection[tuple[str, str]], now: datetime, lasts: timedelta
) -> Watched:
    """Renew the process's leases on these lanes, and take those that nobody has. `now` counts where the database has
    no clock. A lease that ends later than any can was written before the clock was set back, and holds nobody up."""
    on_postgres = conn.dialect.name == "postgresql"
    if on_postgres:
        now = conn.execute(_NOW).scalar_one()
    renewed = rows(conn, _RENEW, {"mine": process, "lanes": lanes, "ends": now + lasts})
    mine = {(lot_id, channel_id) for lot_id, channel_id in renewed}
    missing = set(lanes) - mine
    if not missing:
        return Watched(mine, {})
    ahead = now + lasts + SPARE
    held = rows(conn, _OTHERS, {"lanes": missing, "now": now, "ahead": ahead})
    others = {(lot_id, channel_id): until for lot_id, channel_id, until in held}
    free = sorted(missing - others.keys())  # in one order for all: processes take lanes at once
    if free:
        insert = (
            (postgresql if on_postgres else sqlite)
            .insert(t.lane_watchers)
            .values(
                [{"lot_id": lot, "channel_id": lane, "process": process, "until": now + lasts} for lot, lane in free]
            )
        )
        taking = insert.on_conflict_do_update(
            index_elements=[_W.lot_id, _W.channel_id],
            set_={"process": insert.excluded.process, "until": insert.excluded.until},
            where=sa.or_(_W.until < now, _W.until > ahead),
        ).returning(_W.lot_id, _W.channel_id)
        mine |= {(row[0], row[1]) for row in conn.execute(taking)}
    return Watched(mine, others)


def end(conn: sa.Connection, process: str) -> None:
    """The process watches no lane any more."""
    conn.execute(_END, {"mine": process})
