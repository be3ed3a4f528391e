"""Pictures of cars: on the lane, at the match and on the stay, for whoever may see them and for no shared cache."""

from __future__ import annotations

import pytest

from taigan.devices.lanes.photos import photo_of
from taigan.pictures.store import small
from taigan.rights import Right
from taigan.storage.kept import shots
from taigan.storage.kept.shots import Shot
from taigan.storage.rows import Departure
from web.console.browser import Browser, person, role_without
from web.house import LOT, House

OTHER = "200002-8"


async def shot(house: House, shot_id: str = "s1", **more: str) -> Shot:
    """A camera's picture of a car."""
    place = f"2025-06-01/{shot_id:0>32}.jpg".replace("s", "a")
    given = {"kind": "in", "why": "plate", "channel_id": "A1", "plate": "粤B12345"} | more
    made = Shot(LOT, shot_id, at=house.clock.now(), content_type="image/jpeg", place=place, **given)
    await house.album.store.put(place, photo_of(made.plate))
    await house.album.store.put(small(place), b"\xff\xd8\xff small")
    await house.database.write(lambda conn: shots.add(conn, made))
    return made


async def test_a_stay_shows_its_pictures_with_words_for_who_does_not_see_them(
    small_house: House, manager: Browser
) -> None:
    await small_house.order("粤B12345", order_id="O1", plate="粤B12345", presence_id="car-1")
    await shot(small_house, presence_id="car-1")
    await shot(small_house, "s2", presence_id="car-2")
    page = (await manager.see(f"/lots/{LOT}/stays/O1")).raw
    assert f'src="/lots/{LOT}/pictures/s1/small"' in page
    assert 'loading="lazy"' in page
    assert 'alt="识别时的图片 入场 A1 粤B12345 ' in page
    assert "s2" not in page


async def test_a_picture_is_given_out_large_and_small_and_kept_by_no_cache_between(
    small_house: House, manager: Browser
) -> None:
    await shot(small_house)
    large = await manager.client.get(f"/lots/{LOT}/pictures/s1")
    assert (large.status_code, large.headers["content-type"]) == (200, "image/jpeg")
    assert large.content == photo_of("粤B12345")
    assert large.headers["cache-control"] == "private, max-age=300"
    assert large.headers["x-content-type-options"] == "nosniff"
    assert (await manager.client.get(f"/lots/{LOT}/pictures/s1/small")).content == b"\xff\xd8\xff small"


@pytest.mark.parametrize("right", [Right.PICTURE_SEE, Right.STAY_SEE])
async def test_who_may_not_see_pictures_or_stays_gets_none(small_house: House, right: Right) -> None:
    await shot(small_house)
    browser = await person(small_house, role_without(right))
    for size in ("", "/small"):
        assert (await browser.client.get(f"/lots/{LOT}/pictures/s1{size}")).status_code == 403
    await browser.close()


async def test_a_picture_of_another_lot_is_not_there(small_house: House, manager: Browser) -> None:
    await shot(small_house)
    assert (await manager.client.get(f"/lots/{OTHER}/pictures/s1")).status_code == 404
    assert (await manager.client.get(f"/lots/{LOT}/pictures/never")).status_code == 404


async def test_a_picture_whose_file_is_gone_is_not_there(small_house: House, manager: Browser) -> None:
    made = await shot(small_house)
    await small_house.album.store.drop([made.place, small(made.place)])
    assert (await manager.client.get(f"/lots/{LOT}/pictures/s1")).status_code == 404


async def test_a_lane_shows_the_car_that_stands_there_and_not_the_one_before(
    small_house: House, manager: Browser
) -> None:
    await shot(small_house, presence_id="car-before")
    await small_house.car("car-now", "A1")
    assert "/pictures/" not in (await manager.see(f"/lots/{LOT}")).raw
    small_house.clock.step(1)
    await shot(small_house, "s2", presence_id="car-now")
    assert f'href="/lots/{LOT}/pictures/s2"' in (await manager.see(f"/lots/{LOT}")).raw


async def test_the_match_shows_the_car_at_the_exit_beside_the_entries_that_may_be_its(
    small_house: House, manager: Browser
) -> None:
    await small_house.order("粤B12345", order_id="O1", plate="粤B12345", presence_id="car-1")
    await shot(small_house, presence_id="car-1")
    await small_house.car("car-b1", "B1")
    departure = Departure(LOT, "car-b1", "B1", "", "粤B12346", small_house.clock.now())
    await small_house.keep(lambda changes: changes.new_departure(departure))
    await shot(small_house, "s2", presence_id="car-b1", channel_id="B1", kind="out", plate="粤B12346")
    page = (await manager.see(f"/lots/{LOT}/lanes/B1/match")).raw
    assert page.index("/pictures/s2/small") < page.index("/pictures/s1/small")
