"""Pictures that cameras send: whose they are, where they are found, and that no car waits for them."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import sqlalchemy as sa

from support.lot.parking import LOT_ID, Parking
from taigan.barriers.barrier import LaneKey, Photo, Why
from taigan.devices.lanes.photos import photo_of
from taigan.lot.album import MOST_WAITING, NotKept
from taigan.pictures.store import InMemory, StoreFailed, small
from taigan.storage import tables as t
from taigan.storage.kept import shots
from taigan.storage.kept.shots import Shot

ENTRY, EXIT, NO_LOOP = LaneKey(LOT_ID, "A1"), LaneKey(LOT_ID, "B1"), LaneKey(LOT_ID, "A4")


@pytest.fixture(autouse=True)
async def ended(street: Parking) -> AsyncIterator[None]:
    yield
    await street.platform.album.stop()


def photo(street: Parking, lane: LaneKey = ENTRY, presence_id: str = "", **more: object) -> Photo:
    given = {"why": Why.PLATE, "data": photo_of("粤B12345"), "plate": "粤B12345"} | more
    return Photo(f"{lane}{presence_id}{given['why']}", lane, street.clock.now(), presence_id=presence_id, **given)  # type: ignore[arg-type]


async def kept(street: Parking) -> list[Shot]:
    return await street.read(lambda conn: shots._read(conn, sa.select(*shots._COLUMNS).order_by(t.shots.c.at)))


async def test_a_picture_is_of_the_order_of_the_car_that_stood_there_before_the_order_was(street: Parking) -> None:
    car = await street.arrives("A1")
    assert await street.platform.album.keep(photo(street, presence_id=car)) == "kept"
    await street.scan()
    order = await street.order()
    [shot] = await street.read(lambda conn: shots.of_order(conn, LOT_ID, order.order_id))
    assert (shot.kind, shot.why, shot.channel_id, shot.plate) == ("in", "plate", "A1", "粤B12345")
    album = street.platform.album
    large, little = await album.read(shot), await album.read(shot, smaller=True)
    assert large is not None
    assert little is not None
    assert (large[0], large[1][:3]) == ("image/jpeg", b"\xff\xd8\xff")
    assert len(little[1]) < len(large[1])
    assert (await album.of_order(LOT_ID, order.order_id, "in")) == large
    assert await album.of_order(LOT_ID, order.order_id, "out") is None


async def test_the_same_picture_heard_twice_is_kept_once(street: Parking) -> None:
    said = [await street.platform.album.keep(photo(street, presence_id="c1")) for _ in range(2)]
    assert said == ["kept", "known"]
    assert len(await kept(street)) == 1


async def test_in_a_lane_without_a_loop_the_plate_and_the_time_tell_whose_it_is(street: Parking) -> None:
    await street.platform.plates.posted(NO_LOOP, "粤B12345", "")
    order = await street.order("粤B12345")
    album = street.platform.album
    assert await album.keep(photo(street, NO_LOOP)) == "kept"
    assert await album.keep(photo(street, NO_LOOP, plate="粤B99999", why=Why.PASSAGE)) == "kept"
    street.clock.advance(3600)
    assert await album.keep(photo(street, NO_LOOP, why=Why.LIFT)) == "kept"
    [shot] = await street.read(lambda conn: shots.of_order(conn, LOT_ID, order.order_id))
    assert (shot.why, shot.plate) == ("plate", "粤B12345")


async def test_a_picture_that_was_given_goes_before_the_cameras(street: Parking) -> None:
    car = await street.arrives("A1")
    await street.platform.album.keep(photo(street, presence_id=car))
    await street.scan()
    order = await street.order()
    given = b"\xff\xd8\xff given"
    await street.platform.records.keep_picture(LOT_ID, order.order_id, "in", given)
    assert await street.platform.album.of_order(LOT_ID, order.order_id, "in") == ("image/jpeg", given)


@pytest.mark.parametrize("data", [b"", b"GIF89a", b"\xff\xd8\xff no picture"])
async def test_what_is_no_picture_is_counted_and_nothing_is_kept(street: Parking, data: bytes) -> None:
    assert await street.platform.album.keep(photo(street, data=data)) == "refused"
    assert await kept(street) == []
    assert street.metric("taigan_pictures_total", outcome="refused") == 1


async def test_a_lane_that_nobody_knows_has_no_pictures(street: Parking) -> None:
    assert await street.platform.album.keep(photo(street, LaneKey(LOT_ID, "Z9"))) == "no_lane"
    assert await kept(street) == []


class Broken(InMemory):
    async def put(self, place: str, picture: bytes) -> None:
        raise StoreFailed("the disk is full")


async def test_a_store_that_takes_nothing_leaves_no_row_and_holds_nobody_up(street: Parking) -> None:
    album = street.platform.album
    album.store = Broken()
    assert await album.keep(photo(street)) == "failed"
    assert await kept(street) == []
    await street.enters()
    order = await street.order()
    assert order.state == "in"
    with pytest.raises(NotKept):
        await album.give(LOT_ID, order.order_id, "in", "image/jpeg", b"\xff\xd8\xff")
    assert await kept(street) == []


async def test_pictures_that_come_faster_than_they_are_kept_are_left_out_and_counted(street: Parking) -> None:
    album = street.platform.album
    large = bytes(4 * 1024 * 1024)
    for _ in range(MOST_WAITING // len(large) + 3):
        album.take(photo(street, data=large))
    assert street.metric("taigan_pictures_total", outcome="too_many") == 3


async def test_pictures_go_from_the_store_and_the_rows_after_their_time(street: Parking) -> None:
    album = street.platform.album
    await album.keep(photo(street, presence_id="c1"))
    [shot] = await kept(street)
    assert await album.store.get(small(shot.place))
    street.clock.advance(street.platform.policy.pictures_kept + 1)
    await album.keep(photo(street, presence_id="c2"))
    await street.tidy()
    assert [one.presence_id for one in await kept(street)] == ["c2"]
    assert (await album.store.get(shot.place), await album.store.get(small(shot.place))) == (None, None)
