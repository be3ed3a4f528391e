"""A vendor's key that is changed while the platform runs, and secrets that stay where they belong."""

from __future__ import annotations

import pytest

from lot.conftest import NewParking
from support.lot.parking import BY, KEY, LOT_ID, Parking
from taigan.lot.errors import BadValue, UnknownVendor
from taigan.lot.messages.keyring import FRESH_FOR
from taigan.lot.setup import VendorSetup
from taigan.storage import tables as t
from taigan.storage.engines import statements

NEW = "NewKey20250601"


async def test_uploads_are_signed_with_the_key_that_was_given_last(street: Parking) -> None:
    street.bolink.keys.append(NEW)
    await street.platform.attendant.rotate_key("200002", NEW, BY)
    await street.enters()
    await street.deliver()
    assert [upload.key for upload in street.bolink.of("3.1")] == [NEW]
    assert (await street.send(street.message(channel_id="A9"), key=NEW)).status == 200
    assert street.metric("taigan_signatures_total", form="raw", key="current") == 1


async def test_a_key_that_was_replaced_stays_replaced_though_the_configuration_still_holds_it(
    street: Parking, new_parking: NewParking
) -> None:
    await street.platform.attendant.rotate_key("200002", NEW, BY)
    started_again = await new_parking(
        vendors=[VendorSetup(union_id="200002", key=KEY)], clock=street.clock, process="q"
    )
    assert started_again.platform.keyring.current("200002") == NEW


async def test_a_key_for_nobody_and_a_key_that_is_none_are_refused(street: Parking) -> None:
    with pytest.raises(UnknownVendor):
        await street.platform.attendant.rotate_key("9", NEW, BY)
    with pytest.raises(BadValue) as refused:
        await street.platform.attendant.rotate_key("200002", NEW + "\0", BY)
    assert NEW not in str(refused.value)


async def test_an_act_names_a_barriers_driver_and_none_of_its_settings(street: Parking) -> None:
    barrier = {"driver": "hikvision-isapi", "sight": "ack", "password": "hush-hush"}
    await street.attendant.set_lane(LOT_ID, "A1", {"barrier": barrier, "policy": "attendant"}, BY)
    (act,) = await street.row(t.operator_acts.select())
    assert act.act == "lane A1: {'barrier': 'hikvision-isapi', 'policy': 'attendant'}"


async def test_the_keys_are_read_again_a_thousand_times_and_nothing_more_is_kept_of_it(street: Parking) -> None:
    await street.platform.keyring.refresh()
    before = statements.compiled()
    for _ in range(1000):
        await street.platform.keyring.refresh()
    assert statements.compiled() == before


async def test_messages_that_come_together_have_the_keys_read_once(street: Parking) -> None:
    keyring = street.platform.keyring
    street.clock.advance(FRESH_FOR)
    assert not keyring.is_fresh()
    reading = keyring.refresh()
    assert keyring.is_fresh(), "the others go on"
    await reading
