"""A payment for the wrong stay is moved to the right one, unless its car left on the strength of it (K5 of leaving)."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa

from support.lot.exits import at_exit, bill, leaves, parked, pay_at_exit, pay_inside, with_tariff
from support.lot.parking import LOT_ID, Parking
from taigan.lot.errands.moving import Move
from taigan.lot.errors import Conflict
from taigan.lot.people.by import By
from taigan.storage import tables as t
from taigan.storage.rows import Order
from taigan.storage.sums import postings

OTHER = "浙A22222"
BY = By("王芳", "付错车")


@pytest.fixture
async def street(street: Parking) -> Parking:
    await with_tariff(street)
    return street


async def move(street: Parking, order: Order) -> None:
    """Move the only payment there is."""
    [row] = await street.read(lambda conn: list(conn.execute(sa.select(t.payments.c.payment_id))))
    await street.platform.leaving.do(Move(lot_id=LOT_ID, payment_id=row.payment_id, order_id=order.order_id, by=BY))
    await street.settled()


async def two(street: Parking) -> tuple[Order, Order]:
    wrong, right = await parked(street, hours=0), await parked(street, OTHER, hours=2.9)
    return wrong, right


async def test_k5_a_payment_moved_to_another_order_pays_that_and_is_due_again_where_it_was(street: Parking) -> None:
    wrong, right = await two(street)
    await pay_inside(street, {"order_id": wrong.order_id}, "6.00")
    assert (await bill(street, wrong)).leave_by is not None
    await move(street, right)
    before, after = await bill(street, wrong), await bill(street, right)
    assert (before.paid_fen, before.leave_by) == (0, None)
    assert (after.paid_fen, after.leave_by is not None) == (600, True)
    assert [one.event for one in (await street.history(wrong)).events][-1] == "payment moved"
    assert [one.event for one in (await street.history(right)).events][-1] == "paid"
    await leaves(street, await at_exit(street, OTHER))
    assert (await bill(street, right)).balance_fen == 0
    await at_exit(street)
    assert street.barrier("B1").asked[-1].due_fen == 600
    ever = (LOT_ID, street.clock.now() - timedelta(days=9), street.clock.now() + timedelta(days=9))
    assert await street.read(lambda conn: postings.unbalanced(conn, *ever)) == {}


async def test_k5_a_payment_moved_to_the_car_that_stands_at_the_exit_lets_it_go(street: Parking) -> None:
    wrong, right = await two(street)
    await pay_inside(street, {"order_id": wrong.order_id}, "6.00")
    car = await at_exit(street, OTHER)
    assert street.barrier("B1").asked[-1].due_fen == 600
    await move(street, right)
    await leaves(street, car)
    closed = await bill(street, right)
    assert (closed.charge_fen, closed.paid_fen, closed.balance_fen) == (600, 600, 0)


async def test_k5_a_payment_on_which_its_car_left_or_is_let_go_stays_and_one_that_was_too_much_may_go(
    street: Parking,
) -> None:
    wrong, right = await two(street)
    car = await at_exit(street)
    await pay_at_exit(street, wrong.order_id, "6.00")
    with pytest.raises(Conflict, match="let go already"):
        await move(street, right)
    await leaves(street, car)
    with pytest.raises(Conflict, match="left on the strength"):
        await move(street, right)
    with pytest.raises(Conflict, match="that order's already"):
        await move(street, wrong)
    assert (await bill(street, wrong)).balance_fen == 0


async def test_k5_what_a_stay_has_too_much_of_may_be_moved_after_its_car_has_left(street: Parking) -> None:
    wrong, right = await parked(street, hours=0.1), await parked(street, OTHER, hours=0)
    await leaves(street, await at_exit(street))
    await pay_inside(street, {"order_id": wrong.order_id}, "2.00")
    assert (await bill(street, wrong)).balance_fen == -200
    street.clock.advance(1800)
    await move(street, right)
    assert [(await bill(street, one)).paid_fen for one in (wrong, right)] == [0, 200]
