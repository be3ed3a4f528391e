"""The platform, asked over its own HTTP: whether it is ready, refuses what it must, and reaches its barriers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from urllib.parse import quote

import msgspec

from taigan.doctor.asking import Asking, Silent, short, state_of
from taigan.doctor.findings import Finding, well, wrong
from taigan.doctor.installation import Installation

UNSIGNED = b'{"data":{"service_name":"nolicence_in_park","union_id":0,"park_id":"0"}}'


class _Lot(msgspec.Struct):
    lot_id: str


class _Barrier(msgspec.Struct):
    driver: str
    online: bool
    last_heard: str | None


class _Lane(msgspec.Struct):
    lot_id: str
    channel_id: str
    loop_dead: bool
    barrier: _Barrier


async def ready(at: Installation, asking: Asking) -> Finding:
    url = f"{at.platform_url}/readyz"
    try:
        answer = await asking.ask("GET", url)
    except Silent as error:
        return wrong(
            "platform",
            at.platform_url,
            zh=f"平台没有应答：{error}",
            en=f"the platform does not answer: {error}",
            do_zh="启动 taigan lot；已启动就看它的日志",
            do_en="start taigan lot, or read its log if it runs",
        )
    if answer.status == 200:
        return well("platform", "就绪", "ready", at.platform_url)
    return wrong(
        "platform",
        at.platform_url,
        zh=f"平台没有就绪（HTTP {answer.status}）：{short(answer.body)}",
        en=f"the platform is not ready (HTTP {answer.status}): {short(answer.body)}",
        do_zh="多半是数据库；看平台的日志",
        do_en="mostly it is the database; read the platform's log",
    )


async def callbacks(at: Installation, asking: Asking) -> list[Finding]:
    if at.polls:
        said = (
            "不用回调地址：泊链的消息由平台去取（connection = poll）",
            "none: the platform fetches (connection = poll)",
        )
        return [well("callback", *said)]
    urls = list(dict.fromkeys(account.callback_url for account in at.accounts))
    return list(await asyncio.gather(*(_callback(asking, url) for url in urls)))


async def _callback(asking: Asking, url: str) -> Finding:
    try:
        answer = await asking.ask("POST", url, UNSIGNED)
    except Silent as error:
        return wrong(
            "callback",
            url,
            zh=f"回调地址没有应答：{error}",
            en=f"the callback address does not answer: {error}",
            do_zh="看平台和它前面的代理在不在运行；泊链收不到应答，司机就进不来",
            do_en="see that the platform and the proxy before it run: without them no driver gets in",
        )
    state = state_of(answer.body)
    if answer.status == 401 and state == 0:
        took = f"{answer.seconds * 1000:.0f} ms"
        return well("callback", f"拒绝了没有签名的消息，{took}", f"refused an unsigned message in {took}", url)
    if state == 1:
        return wrong(
            "callback",
            url,
            zh="回调地址接受了没有签名的消息",
            en="the callback address took an unsigned message",
            do_zh="那里不是抬杆，或有东西改了应答：马上断开它",
            do_en="that is not taigan, or something changes its answers: cut it off now",
        )
    return wrong(
        "callback",
        url,
        zh=f"回调地址的应答不是平台的（HTTP {answer.status}）：{short(answer.body)}",
        en=f"what answers there is not the platform (HTTP {answer.status}): {short(answer.body)}",
        do_zh="看代理把 /bolink 转给了谁（docs/examples/nginx.conf）",
        do_en="see where the proxy sends /bolink (docs/examples/nginx.conf)",
    )


async def barriers(at: Installation, asking: Asking) -> AsyncIterator[Finding]:
    if not at.token:
        yield wrong(
            "barrier",
            zh="配置里没有 api_tokens，问不了平台",
            en="the configuration has no api_tokens to ask the platform with",
            do_zh="taigan token create doctor --right lot:see，把它写进 [lot] api_tokens",
            do_en="taigan token create doctor --right lot:see, and put it into [lot] api_tokens",
        )
        return
    try:
        async for lot in asking.items("/api/v1/lots", _Lot):
            async for lane in asking.items(f"/api/v1/lots/{quote(lot.lot_id, safe='')}/lanes", _Lane):
                yield _barrier(lane)
    except Silent as error:
        yield wrong(
            "barrier",
            zh=f"平台的接口答不上来：{error}",
            en=f"the platform's API does not say: {error}",
            do_zh="HTTP 401 是令牌不对：看 [lot] api_tokens 和 taigan token list；别的看平台的日志",
            do_en="HTTP 401 is a wrong token: see [lot] api_tokens and taigan token list; else read its log",
        )


def _barrier(lane: _Lane) -> Finding:
    subject, barrier = f"{lane.lot_id}/{lane.channel_id}", lane.barrier
    if not barrier.online:
        return wrong(
            "barrier",
            subject,
            zh=f"道闸连不上（{barrier.driver}），上次听到它：{barrier.last_heard or '从未'}",
            en=f"the barrier is not reached ({barrier.driver}); last heard of: {barrier.last_heard or 'never'}",
            do_zh=f"查设备的电源、网线、地址和密码；再试 taigan barrier test {subject}",
            do_en=f"check its power, cable, address and password, then taigan barrier test {subject}",
        )
    if lane.loop_dead:
        return wrong(
            "barrier",
            subject,
            zh="道闸在线，但地感不再报车，司机要等管理员放行",
            en="the barrier is reached, but its loop sees no cars any more: drivers wait for the attendant",
            do_zh="修地感；车一压上它就自己恢复",
            do_en="mend the loop; it counts again with the first car it sees",
        )
    return well("barrier", f"道闸在线（{barrier.driver}）", f"the barrier is reached ({barrier.driver})", subject)
