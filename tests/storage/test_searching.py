"""A part of a plate finds the same stays as looking at each of them, whatever was gathered and has changed since."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from storage.test_retention import lot
from taigan.storage import tables as t
from taigan.storage.changes import Changes
from taigan.storage.database import Database
from taigan.storage.kept import privacy
from taigan.storage.kept.privacy import By
from taigan.storage.rows import Order, OrderEvent
from taigan.storage.shown import searches
from taigan.storage.shown.searches import Sought
from taigan.storage.sums import stretches

__all__ = ["lot"]
LOT = "1-7"
BEGAN = datetime(2026, 5, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


class Life:
    """The stays of a lot as chance has them come, change and be gathered, and the same looked at one by one."""

    def __init__(self, conn: sa.Connection, seed: int) -> None:
        self.conn = conn
        self.chance = random.Random(seed)
        self.orders: list[Order] = []
        self.now = BEGAN

    def signs(self, most: int = 5) -> str:
        return "".join(self.chance.choices("粤京ABa1", k=self.chance.randint(0, most)))

    def step(self) -> None:
        changes = Changes()
        match self.chance.choice(("comes", "comes", "comes", "came", "called", "gathers", "erased")):
            case "comes" | "came" as how:  # those inside of another system came before
                self.now += self.chance.choice((0, 0, 1, 9)) * HOUR
                at = self.now if how == "comes" else self.now - self.chance.randint(0, 90) * HOUR
                changes.new_order(self.comes(at))
            case "called" if self.orders:
                order = self.chance.choice(self.orders)
                order.plate = self.signs()
                if order.state != "in":
                    order.licence = self.signs()
                order.state = self.chance.choice((order.state, "out", "void"))
                changes.order(order)
            case "gathers":
                while stretches.go_on(self.conn, LOT, self.now, self.chance.randint(1, 6)):
                    pass
                return
            case "erased" if self.chance.random() < 0.3:
                self.erased(self.signs(2))
                return
        if self.chance.random() < 0.8:
            changes.events.append(OrderEvent(LOT, "o", self.now, "in"))
        changes.write(self.conn)

    def comes(self, at: datetime) -> Order:
        number, state = len(self.orders), self.chance.choice(("in", "out", "out", "void"))
        licence = f"{self.signs()}{number}" if state == "in" else self.signs()
        order = Order(
            LOT, f"o{number}", "plate", state, "", licence, "", self.signs(), "", "", "A1", None, None, "", at
        )
        self.orders.append(order)
        return order

    def erased(self, plate: str) -> None:
        theirs = [order for order in self.orders if plate and plate in (order.licence, order.plate)]
        if plate and all(order.state != "in" for order in theirs):
            privacy.erase(self.conn, By.PLATE, plate, "王芳", "asked", self.now)
            for order in theirs:
                order.licence = order.plate = ""

    def sought(self) -> Sought:
        ends = [None, *(BEGAN + self.chance.randint(0, 120) * HOUR for _ in range(2))]
        since, until = self.chance.choice(ends), self.chance.choice(ends)
        return Sought(self.signs(3), self.chance.choice(("", "", "out", "void", "in")), since=since, until=until)

    def one_by_one(self, sought: Sought) -> list[str]:
        def fits(order: Order) -> bool:
            named = any(sought.part.lower() in name.lower() for name in (order.licence, order.plate))
            after = sought.since is None or order.requested_at >= sought.since
            before = sought.until is None or order.requested_at < sought.until
            return named and after and before and sought.state in ("", order.state)

        found = sorted(self.orders, key=lambda order: (order.requested_at, order.order_id), reverse=True)
        return [order.order_id for order in found if fits(order)]

    def by_pages(self, sought: Sought, limit: int) -> list[str]:
        found: list[str] = []
        after: tuple[datetime, str] | tuple[()] = ()
        while rows := searches.stays(self.conn, LOT, limit, after, sought):
            found += [row.order.order_id for row in rows]
            after = (rows[-1].order.requested_at, rows[-1].order.order_id)
        return found


async def test_what_is_found_is_what_looking_at_each_stay_finds_page_by_page(lot: Database) -> None:
    def live(conn: sa.Connection, seed: int) -> int:
        for table in (t.orders, t.order_events, t.plate_stretches, t.operator_acts):
            conn.execute(sa.delete(table))
        life = Life(conn, seed)
        for _ in range(life.chance.randint(0, 60)):
            life.step()
        for _ in range(6):
            sought = life.sought()
            assert life.by_pages(sought, life.chance.choice((2, 5, 50))) == life.one_by_one(sought), (seed, sought)
        return int(conn.execute(sa.select(sa.func.count()).select_from(t.plate_stretches)).scalar_one())

    gathered = [await lot.write(lambda conn, seed=seed: live(conn, seed)) for seed in range(12)]  # type: ignore[misc]
    assert sum(number > 1 for number in gathered) >= 3


async def test_stays_that_lie_back_are_gathered_and_a_changed_one_is_found_by_its_old_stretch(lot: Database) -> None:
    def order(number: int) -> Order:
        at, plate = BEGAN + number * timedelta(minutes=1), f"粤B{number:05}"
        return Order(LOT, f"o{number}", "plate", "out", "", plate, "", plate, "", "", "A1", None, None, "", at)

    def fill(conn: sa.Connection) -> None:
        changes = Changes()
        for number in range(400):
            changes.new_order(order(number))
        changes.write(conn)
        assert not stretches.go_on(conn, LOT, BEGAN + HOUR)
        assert stretches.covered(conn, LOT) is None
        assert not stretches.go_on(conn, LOT, BEGAN + 72 * HOUR)

    def held(conn: sa.Connection, part: str) -> list[datetime]:
        found = stretches.holding(conn, LOT, part, 9, since=None, before=BEGAN + 72 * HOUR, until=None)
        return [one.begins_at for one in found]

    await lot.write(fill)
    first, second = BEGAN, BEGAN + 180 * timedelta(minutes=1)
    assert await lot.read(lambda conn: stretches.covered(conn, LOT)) == (first, second + (second - first))
    assert await lot.read(lambda conn: [held(conn, part) for part in ("粤B", "B0020", "B00399", "ZZZ")]) == [
        [second, first],
        [second],
        [],
        [],
    ]

    changed = order(7)
    changed.plate = "沪ZZZ99"
    changes = Changes()
    changes.order(changed)
    changes.events.append(OrderEvent(LOT, "o7", BEGAN + 80 * HOUR, "corrected"))
    await lot.write(changes.write)
    assert await lot.read(lambda conn: held(conn, "ZZZ")) == [first]
    await lot.write(lambda conn: privacy.erase(conn, By.PLATE, "沪ZZZ99", "王芳", "asked", BEGAN + 81 * HOUR))
    assert await lot.read(lambda conn: (held(conn, "ZZZ"), held(conn, "B00007"), held(conn, "B00008"))) == (
        [],
        [],
        [first],
    )


async def test_many_stays_of_one_moment_are_gathered_together(lot: Database) -> None:
    def fill(conn: sa.Connection) -> tuple[datetime, datetime] | None:
        changes = Changes()
        for number in range(20):
            at = BEGAN + (number // 18) * HOUR
            plate = f"粤B{number:05}"
            changes.new_order(
                Order(LOT, f"o{number}", "plate", "out", "", plate, "", plate, "", "", "A1", None, None, "", at)
            )
        changes.write(conn)
        stretches.go_on(conn, LOT, BEGAN + 72 * HOUR, 5)
        return stretches.covered(conn, LOT)

    assert await lot.write(fill) == (BEGAN, BEGAN + HOUR)
