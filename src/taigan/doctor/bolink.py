"""BoLink and what lies between it and us: the way there, keys and what they sign, what it is owed, the lanes' codes."""

from __future__ import annotations

import asyncio
import contextlib

from taigan.bolink import Addresses, BadAnswer, BolinkClient, BolinkError, GetQrCode, Refused, values
from taigan.clock import Clock
from taigan.doctor.asking import Asking, Silent
from taigan.doctor.findings import Finding, skipped, well, wrong
from taigan.doctor.installation import Installation, Peers
from taigan.doctor.machine import Ahead
from taigan.storage.kept.inspection import Inspection
from taigan.storage.rows import Lane


async def reached(at: Installation, asking: Asking, ahead: Ahead) -> Finding:
    try:
        answer = await asking.ask("HEAD", at.bolink_url)
    except Silent as error:
        return wrong(
            "bolink",
            at.bolink_url,
            zh=f"连不上泊链：{error}",
            en=f"BoLink is not reached: {error}",
            do_zh="检查网络、DNS、防火墙、hub_url；入场照常，上传排队，恢复后自己补上",
            do_en="check network, DNS, firewall and hub_url; cars enter all the same and uploads wait",
        )
    if answer.ahead is not None:
        ahead[("泊链", "BoLink")] = answer.ahead
    return well("bolink", "连得上", "reached", at.bolink_url)


def keys(at: Installation, inspection: Inspection | None) -> list[Finding]:
    if inspection is None:
        return [skipped("key", "数据库没有看成", "the database was not seen")]
    if not at.accounts and not inspection.keys:
        return [
            wrong(
                "key",
                zh="一个厂商也没有",
                en="there is no vendor",
                do_zh="在配置里加 [[vendors]]（泊链给的编号和密钥），重启 taigan lot",
                do_en="add [[vendors]] to the configuration, with BoLink's number and key, and restart taigan lot",
            )
        ]
    configured = {account.union_id: account.key for account in at.accounts}
    union_ids = [*configured, *dict.fromkeys(k.union_id for k in inspection.keys if k.union_id not in configured)]
    return [_key(union_id, configured.get(union_id), inspection) for union_id in union_ids]


def _key(union_id: str, configured: str | None, inspection: Inspection) -> Finding:
    known = [key for key in inspection.keys if key.union_id == union_id]
    current = next((key.key for key in known if key.valid_until is None), None)
    if current is not None and configured in (None, current):
        return well("key", "有密钥", "there is a key", union_id)
    if current is not None and configured in {key.key for key in known}:
        return well(
            "key",
            "有密钥，是运行中换的；配置里还是旧的，不影响",
            "there is a key, changed while running; the configuration has an earlier one, which does no harm",
            union_id,
        )
    return wrong(
        "key",
        union_id,
        zh="配置里的密钥还没有被平台采用",
        en="the platform has not taken over the key of the configuration",
        do_zh="重启 taigan lot；或用 PUT /api/v1/vendors/{union_id}/key 换",
        do_en="restart taigan lot, or change the key by PUT /api/v1/vendors/{union_id}/key",
    )


async def signatures(at: Installation, inspection: Inspection | None) -> list[Finding]:
    """A call that changes nothing (2.3, which makes no code) is signed for a lot of each vendor."""
    peers = at.peers
    if inspection is None or peers is None:
        return [skipped("signature", "数据库没有看成", "the database was not seen")]
    lanes = {lane.lot_id.partition("-")[0]: lane for lane in reversed(inspection.lanes)}
    keys = {key.union_id: key.key for key in reversed(inspection.keys) if key.valid_until is None}
    tried = [_signature(at, peers, union_id, keys[union_id], lanes[union_id]) for union_id in keys if union_id in lanes]
    if not tried:
        return [skipped("signature", "还没有车场或密钥", "there is no lot or no key yet")]
    return list(await asyncio.gather(*tried))


async def _signature(at: Installation, peers: Peers, union_id: str, key: str, lane: Lane) -> Finding:
    seconds = at.answers_within
    try:
        said = await _asked(peers, peers.own, union_id, key, lane, seconds)
    except Silent as error:
        return skipped("signature", f"泊链没有应答：{error}", f"BoLink did not answer: {error}", subject=union_id)
    if not said:
        return well("signature", "泊链认得这把密钥签的名", "BoLink knows what this key signs", union_id)
    fits = []
    for other in peers.others:
        with contextlib.suppress(Silent):
            if not await _asked(peers, other, union_id, key, lane, seconds):
                fits.append(other.name)
    if fits:
        return wrong(
            "signature",
            union_id,
            zh=f"泊链说：{said}；这把密钥是泊链另一个环境（{fits[0]}）的",
            en=f"BoLink says: {said}; the key is that of its other side ({fits[0]})",
            do_zh=f"把 hub_url 改成 {fits[0]}，或换成这个环境的密钥",
            do_en=f"set hub_url to {fits[0]}, or use the key of this side",
        )
    return wrong(
        "signature",
        union_id,
        zh=f"泊链不认这把密钥签的名：{said}",
        en=f"BoLink does not take what this key signs: {said}",
        do_zh="与泊链核对 union_id、车场编号和密钥（一个字也不能差，前后没有空格）；用 taigan key set 换",
        do_en="compare union_id, park_id and key with BoLink's, to the letter and without blanks; taigan key set",
    )


async def _asked(peers: Peers, side: Addresses, union_id: str, key: str, lane: Lane, seconds: float) -> str:
    """What that side says against the signature of a call; empty when it has nothing against it. Raises Silent."""
    client = BolinkClient(union_id, key, side, peers.transport, seconds, pauses=())
    kind = values.CodeKind.NO_PLATE_ENTRY if lane.direction == "entry" else values.CodeKind.EXIT_PAYMENT
    park_id = lane.lot_id.partition("-")[2]
    asked = GetQrCode(park_id=park_id, type=kind, channel_id=lane.channel_id, create=values.YesNo.NO)
    try:
        await client.get_qr_code(asked)
    except Refused as refused:
        return refused.text if any(word in refused.text.lower() for word in ("签名", "验签", "sign")) else ""
    except BadAnswer as odd:
        if odd.status in (401, 403):
            return f"HTTP {odd.status}"
        raise Silent(str(odd)) from None
    except BolinkError as error:
        raise Silent(str(error)) from None
    return ""


def queue(at: Installation, clock: Clock, inspection: Inspection | None) -> Finding:
    if inspection is None:
        return skipped("queue", "数据库没有看成", "the database was not seen")
    if inspection.refused:
        return wrong(
            "queue",
            zh=f"有 {inspection.refused} 条上传被泊链拒绝，没有再发",
            en=f"BoLink refused {inspection.refused} uploads, which were not sent again",
            do_zh="看 /api/v1/lots/…/deliveries?state=refused 里的应答；改好后 POST …/deliveries/retry 全部再发",
            do_en="read its answers in /api/v1/lots/…/deliveries?state=refused; POST …/deliveries/retry sends all",
        )
    if inspection.oldest_owed is None:
        return well("queue", "不欠泊链任何上传", "nothing is owed to BoLink")
    age = max(0.0, (clock.now() - inspection.oldest_owed).total_seconds())
    zh = f"欠泊链 {inspection.owed} 条，最早的等了 {age:.0f} 秒"
    en = f"{inspection.owed} uploads are owed, the oldest for {age:.0f} s"
    if age <= at.queue_alarm_after:
        return well("queue", zh, en)
    return wrong(
        "queue",
        zh=zh,
        en=en,
        do_zh="看连不连得上泊链、/api/v1/lots/…/deliveries 里它怎么答的；不会丢，恢复后自己补上",
        do_en="see whether BoLink is reached and what it answered (/api/v1/lots/…/deliveries); nothing is lost",
    )


def codes(inspection: Inspection | None) -> list[Finding]:
    if inspection is None:
        return [skipped("code", "数据库没有看成", "the database was not seen")]
    entries = [lane for lane in inspection.lanes if lane.direction == "entry"]
    without = [f"{lane.lot_id}/{lane.channel_id}" for lane in entries if not lane.entry_url]
    if entries and not without:
        return [well("code", f"{len(entries)} 条入口车道都有码", f"all {len(entries)} entry lanes have one")]
    if not entries:
        return [
            wrong(
                "code",
                zh="没有入口车道",
                en="there is no entry lane",
                do_zh="在配置里加 [[lots.lanes]]，重启 taigan lot",
                do_en="add [[lots.lanes]] to the configuration and restart taigan lot",
            )
        ]
    return [
        wrong(
            "code",
            lane,
            zh="还没有码",
            en="no code yet",
            do_zh="看泊链那边登记了这个通道没有（channel_id 要一致）；平台会一直再要",
            do_en="see whether BoLink knows the channel by this very channel_id; the platform goes on asking",
        )
        for lane in without
    ]
