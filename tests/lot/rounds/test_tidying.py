"""How often old rows are looked for: seldom, by one process, and at once where they are to be kept for less long."""

from __future__ import annotations

from datetime import timedelta

import pytest

from support.lot.parking import LOT_ID, Parking
from taigan.lot.policy import Policy
from taigan.lot.rounds.tidying import LATE_BY, LOOK_EVERY, Tidying
from taigan.storage.changes import Changes
from taigan.storage.rows import Alarm

DAYS = 86400.0
KEPT = Policy().alarms_kept


async def old_alarm(street: Parking) -> None:
    """One that has been kept for long enough."""
    at = street.clock.now() - timedelta(seconds=KEPT + 1)
    changes = Changes()
    changes.alarms.append(Alarm(LOT_ID, "", "", at, "stays_stale", ""))
    await street.database.write(changes.write)


def tidying(street: Parking, **kept: float) -> Tidying:
    return Tidying(street.database, Policy(**kept), street.clock, street.platform.album.store)


@pytest.fixture
async def tidied(street: Parking) -> Parking:
    """A street whose tables have all been gone over a moment ago, and an alarm that has grown old since."""
    await tidying(street).look()
    await old_alarm(street)
    return street


async def test_a_table_is_gone_over_again_after_a_thousandth_of_the_time_that_its_rows_are_kept(
    tidied: Parking,
) -> None:
    again = tidying(tidied)
    tidied.clock.advance(LATE_BY * KEPT - 1)
    await again.look()
    assert len(await tidied.alarms()) == 1
    tidied.clock.advance(1)
    await again.look()
    assert await tidied.alarms() == []


async def test_what_one_process_goes_over_another_leaves_alone(street: Parking) -> None:
    one, other = tidying(street), tidying(street)
    await one.look()
    await old_alarm(street)
    await other.look()
    assert len(await street.alarms()) == 1


async def test_rows_that_are_to_be_kept_for_a_shorter_time_are_gone_over_at_once(tidied: Parking) -> None:
    tidied.clock.advance(LOOK_EVERY)
    await tidying(tidied, alarms_kept=30 * DAYS).look()
    assert await tidied.alarms() == []


async def test_a_clock_that_was_set_back_puts_nothing_off(tidied: Parking) -> None:
    tidied.clock.set_back(KEPT)
    await old_alarm(tidied)
    await tidying(tidied).look()
    assert len(await tidied.alarms()) == 1  # the one that is not old any more
