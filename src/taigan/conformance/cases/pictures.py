"""5.4: the picture of a stay."""

from __future__ import annotations

from taigan.conformance.doors.target import Answer
from taigan.conformance.trials.scripting import Scripts
from taigan.conformance.trials.trial import Trial

PICTURES = Scripts()
LARGEST = 150 * 1024
_MAGIC = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF8", b"RIFF", b"BM")


def is_picture(answer: Answer) -> bool:
    """Does it begin as a picture does?"""
    return answer.status == 200 and answer.body.startswith(_MAGIC)


def no_picture(t: Trial, answer: Answer, name: str) -> None:
    """Neither a picture, nor a 200 that would be shown as a broken one, nor a failing server."""
    ok = 0 < answer.status < 500 and not is_picture(answer) and not (answer.status == 200 and answer.body)
    expected = ("没有图：404 或空", "no picture: 404 or nothing")
    t.check(name, ok, expected, answer.shown, answer=answer)


@PICTURES.of("5.4/01")
async def a_picture(t: Trial) -> None:
    stay = await t.stay()
    await t.maybe("picture", order_id=stay.order_id)
    answer = await t.send("5.4", t.say.picture(stay.order_id))
    t.answered(answer)
    t.check("picture", is_picture(answer), ("图片的字节", "an image's bytes"), answer.shown, answer=answer)
    size = len(answer.body)
    t.check("size", size <= LARGEST, ("不超过 150 kB", "at most 150 kB"), f"{size} B", answer=answer)


@PICTURES.of("5.4/02")
async def none_there(t: Trial) -> None:
    stay = await t.stay()
    no_picture(t, await t.send("5.4", t.say.picture(stay.order_id, "out")), "out-before-exit")
    no_picture(t, await t.send("5.4", t.say.picture("kit_no_such_order")), "unknown-order")


@PICTURES.of("5.4/03")
async def another_lot(t: Trial) -> None:
    stay = await t.stay()
    answer = await t.send("5.4", t.say.picture(stay.order_id, comid="kit-no-such-lot"))
    t.check("no-picture", not is_picture(answer), ("不给图", "no picture"), answer.shown, answer=answer)
    t.survives(answer)


@PICTURES.of("5.4/04")
async def odd_orders(t: Trial) -> None:
    for name, order in (
        ("path", "../../etc/passwd"),
        ("absolute", "/etc/passwd"),
        ("long", "A" * 10_000),
        ("quotes", "' OR '1'='1"),
        ("braces", '"><script>'),
    ):
        answer = await t.send("5.4", t.say.picture(order))
        t.survives(answer, name=name)
        leaked = b"root:" in answer.body or is_picture(answer)
        t.check(f"{name}-nothing", not leaked, ("不给文件", "no file"), answer.shown, answer=answer)
