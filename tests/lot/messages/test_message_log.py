"""What BoLink and the lot say to each other is kept for persons to look at, without what would let a reader speak."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from support.lot.parking import KEY, LOT_ID, Parking
from taigan.bolink import by_section, example_of
from taigan.lot.messages.log import MOST_WAITING, Heard
from taigan.storage.shown import messages
from taigan.storage.shown.messages import IN, OUT, NumberedSaid, Sought


async def kept(street: Parking, **sought: str) -> list[NumberedSaid]:
    """Newest first, once what waits is written."""
    await street.platform.message_log.write()
    return await street.read(lambda conn: messages.said(conn, LOT_ID, 100, (), Sought(**sought)))


async def test_a_message_stands_with_its_answer_its_time_and_which_text_was_signed(street: Parking) -> None:
    await street.arrives()
    await street.scan("EA47829")
    (one,) = await kept(street, interface="nolicence_in_park")
    assert (one.way, one.outcome, one.plate, one.note) == (IN, "done", "EA47829", "raw")
    assert '"state":1' in one.answer.replace(" ", "")
    assert one.took_ms >= 0


async def test_neither_key_nor_signature_nor_phone_is_in_it(street: Parking) -> None:
    await street.arrives()
    message = street.message("EA47829", mobile_number="13812345678", pay_user_id="oABCDEFGHIJKLMNOPQRSTUVWXYZ0")
    await street.send(message)
    (one,) = await kept(street, interface="nolicence_in_park")
    sign = json.loads(one.sent)["sign"]
    assert sign == "••••"
    for secret in (KEY, "13812345678", "oABCDEFGHIJKLMNOPQRSTUVWXYZ0"):
        assert secret not in one.sent + one.answer


async def test_a_wrong_signature_stands_there_with_its_explanation_and_strangers_do_not_fill_it(
    street: Parking,
) -> None:
    for _ in range(5):
        await street.send(street.message("EA47829"), key=KEY + "x")
    refused = await kept(street, outcome="refused")
    assert len(refused) == 1, "of strangers one a second"
    street.clock.advance(2)
    interface = by_section("5.7")
    text = interface.write(example_of(interface.request))
    body = json.loads(text) | {"park_id": "7", "union_id": 200002}
    plain = json.dumps(body).encode()
    without_name = hashlib.md5(plain + KEY.encode(), usedforsecurity=False).hexdigest().upper()
    whole = b'{"data":' + plain + b',"sign":"' + without_name.encode() + b'"}'
    await street.platform.callbacks.answer(whole, "nolicence_in_park")
    assert "key=" in (await kept(street, outcome="refused"))[0].note


async def test_what_the_lot_sends_stands_there_too_and_is_found_by_order_and_plate(street: Parking) -> None:
    await street.enters("EA47829")
    await street.deliver()
    order_id = (await street.order()).order_id
    by_order = await kept(street, about=order_id, way=OUT)
    assert [one.outcome for one in by_order] == ["done"]
    assert by_order[0].interface
    assert {one.way for one in await kept(street, about="EA47829")} == {IN, OUT}
    assert await kept(street, about="nothing") == []


async def test_nothing_waits_for_it_and_under_a_flood_the_oldest_are_lost(street: Parking) -> None:
    now = street.clock.now()
    for number in range(MOST_WAITING + 10):
        street.platform.message_log.note(Heard(IN, now, f"n{number}", b"{}", LOT_ID, 200, 1))
    found = await kept(street)
    assert len(found) == 100
    assert found[0].interface == f"n{MOST_WAITING + 9}"
    assert await kept(street, interface="n9") == []
    assert len(await kept(street, interface="n10")) == 1


async def test_what_is_no_message_at_all_breaks_nothing(street: Parking) -> None:
    wrong: list[Any] = [b"", b"{", b"\xff\xfe", b'{"data":[],"sign":"x"}', b'{"data":{"park_id":"7"},"sign":"\\u0000"}']
    for body in wrong:
        await street.platform.callbacks.answer(body, "nolicence_in_park")
    await kept(street)
    street.platform.message_log.note(
        Heard(OUT, street.clock.now(), "x", b"\x00\xff" * 20_000, LOT_ID, 200, None, b"\x00")
    )
    (one,) = await kept(street, way=OUT)
    assert "\x00" not in one.sent + one.answer
    assert len(one.sent) < 20_000
