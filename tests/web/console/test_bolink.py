"""BoLink's page: what is owed and refused is sent again, messages are found, a wrong signature is explained."""

from __future__ import annotations

import hashlib
import json

from taigan.bolink import sign
from taigan.rights import Right, Role
from taigan.storage.rows import Delivery
from taigan.storage.shown import messages, views
from taigan.storage.shown.messages import Said
from web.console.browser import Browser, person, role_without
from web.house import LOT, House

BOLINK = f"/lots/{LOT}/bolink"
KEY = "a-key"


async def owed(house: House, state: str = "refused", order_id: str = "order_0001", answer: str = "") -> int:
    now = house.clock.step(60)
    await house.keep(
        lambda changes: changes.deliveries.append(Delivery(LOT, order_id, "3.1", "{}", state, 3, now, now))
    )
    found = await house.database.read(lambda conn: views.deliveries(conn, LOT, 1, ()))
    return found[0].delivery_id


async def states(house: House) -> list[str]:
    """Oldest first."""
    found = await house.database.read(lambda conn: views.deliveries(conn, LOT, 50, ()))
    return [one.state for one in reversed(found)]


async def said(house: House, **given: str) -> None:
    fields = {
        "way": "in",
        "interface": "outpark",
        "order_id": "o1",
        "plate": "粤B12345",
        "outcome": "done",
        "note": "raw",
    }
    one = Said(LOT, house.clock.step(1), **{**fields, **given}, took_ms=12, sent='{"data":{}}', answer='{"state":1}')
    await house.database.write(lambda conn: messages.add(conn, [one]))


async def test_a_refused_upload_is_sent_again(small_house: House, manager: Browser) -> None:
    number = await owed(small_house)
    assert "1 条被拒绝" in (await manager.see(BOLINK)).text
    done = await manager.follow(await manager.send(BOLINK, f"{BOLINK}/uploads/{number}/retry"))
    assert "已重新排队" in done.text
    assert await states(small_house) == ["pending"]
    acts = await small_house.database.read(lambda conn: views.acts(conn, LOT, 1, ()))
    assert (acts[0].act, acts[0].via) == (f"delivery {number} sent again", "console:wangfang")


async def test_all_refused_are_sent_again_but_those_that_a_later_word_has_overtaken(
    small_house: House, manager: Browser
) -> None:
    await owed(small_house)
    await owed(small_house, order_id="order_0002")
    await owed(small_house, "done", order_id="order_0002")
    done = await manager.follow(await manager.send(BOLINK, f"{BOLINK}/uploads/retry"))
    assert "1 条重新排队" in done.text
    assert "1 条不用再送" in done.text
    assert await states(small_house) == ["pending", "refused", "done"]


async def test_how_the_line_stands_is_said(small_house: House, manager: Browser) -> None:
    assert "没有欠泊链的上报" in (await manager.see(BOLINK)).text
    await owed(small_house, "pending")
    await said(small_house, way="out", outcome="done")
    await said(small_house, way="out", outcome="unreached", note="timed out")
    text = (await manager.see(BOLINK)).text
    assert "1 条在等" in text
    assert "连不上泊链" in text
    await said(small_house, way="out", outcome="done")
    assert "连不上泊链" not in (await manager.see(BOLINK)).text


async def test_messages_are_found_by_order_plate_interface_way_and_outcome(
    small_house: House, manager: Browser
) -> None:
    await said(small_house, order_id="o1", plate="粤B11111", interface="outpark")
    await said(
        small_house,
        order_id="o2",
        plate="粤B22222",
        interface="prepay_order",
        outcome="refused",
        note="签名只差 key=\nonly key= is missing",
    )
    await said(small_house, order_id="o3", plate="粤B33333", interface="enterpark", way="out")

    async def found(query: str) -> set[str]:
        text = (await manager.see(f"{BOLINK}?{query}")).text
        return {plate for plate in ("粤B11111", "粤B22222", "粤B33333") if plate in text}

    assert await found("") == {"粤B11111", "粤B22222", "粤B33333"}
    assert await found("q=o2") == {"粤B22222"}
    assert await found("q=粤B33333") == {"粤B33333"}
    assert await found("interface=outpark") == {"粤B11111"}
    assert await found("way=out") == {"粤B33333"}
    assert await found("outcome=refused") == {"粤B22222"}
    chinese = (await manager.see(f"{BOLINK}?outcome=refused")).text
    assert ("签名只差 key=" in chinese, "only key= is missing" in chinese) == (True, False)
    english = (await manager.see(f"{BOLINK}?outcome=refused&lang=en")).text
    assert ("签名只差 key=" in english, "only key= is missing" in english) == (False, True)
    await manager.see(f"{BOLINK}?lang=zh-CN")
    assert "没有这样的消息" in (await manager.see(f"{BOLINK}?q=nothing")).text


async def test_what_another_lot_said_is_not_seen(small_house: House, manager: Browser) -> None:
    one = Said("200002-8", small_house.clock.now(), "in", "outpark", "x", "沪Z99999", "done", "", 1, "{}", "{}")
    await small_house.database.write(lambda conn: messages.add(conn, [one]))
    assert "沪Z99999" not in (await manager.see(f"{BOLINK}?q=沪Z99999")).text.replace("?q=沪Z99999", "")


async def test_why_a_signature_fails_is_said_and_the_right_one_never(small_house: House, manager: Browser) -> None:
    async def asked(body: str) -> tuple[int, str, str]:
        answer = await manager.send(BOLINK, f"{BOLINK}/signature", body=body)
        return answer.status, answer.text, answer.raw

    text = b'{"union_id":200002,"park_id":"7","car_number":"EA47829"}'
    keys = await small_house.database.read(lambda conn: _keys(conn))
    key = keys[0]
    proper = json.dumps({"data": json.loads(text), "sign": sign(text, key)}, separators=(",", ":"))
    assert "签名对" in (await asked(proper))[1]
    wrong = hashlib.md5(text + key.encode(), usedforsecurity=False).hexdigest().upper()
    right = hashlib.md5(text + b"key=" + key.encode(), usedforsecurity=False).hexdigest().upper()
    status, said_so, raw = await asked(json.dumps({"data": json.loads(text), "sign": wrong}, separators=(",", ":")))
    assert status == 200
    assert "key=" in said_so
    assert right not in raw
    assert key not in raw
    status, said_so, _ = await asked("not a message")
    assert status == 422
    assert "这不是一条消息" in said_so
    assert (await asked(""))[0] == 422


def _keys(conn: object) -> list[str]:
    from taigan.storage.setup import registry

    return [one.key for one in registry.vendor_keys(conn)]  # type: ignore[arg-type]


async def test_who_may_only_look_sends_nothing_again_and_wrong_questions_are_answered(small_house: House) -> None:
    number = await owed(small_house)
    reader = await person(small_house, Role.MAINTENANCE, login="reader", name="维护员")
    page = (await reader.see(BOLINK)).page
    assert page is not None
    assert not page.offers(f"{BOLINK}/uploads/retry")
    assert (await reader.post(f"{BOLINK}/uploads/{number}/retry", token=await reader.token())).status == 403
    assert (await reader.open(f"{BOLINK}?after=x")).location == BOLINK
    assert (await reader.open(f"{BOLINK}?q={'x' * 99}")).status == 422
    await reader.close()
    blind = await person(small_house, role_without(Right.DELIVERY_SEE), login="blind", name="看不见")
    assert (await blind.open(BOLINK)).status == 403
    await blind.close()


async def test_an_upload_that_is_not_there_is_said(small_house: House, manager: Browser) -> None:
    assert (await manager.post(f"{BOLINK}/uploads/4711/retry", token=await manager.token())).status == 404
