"""The codes that drivers get on their phones: whether anybody carries them."""

from __future__ import annotations

from urllib.parse import urlsplit

from taigan.doctor.findings import Finding, well, wrong
from taigan.doctor.installation import Installation
from taigan.lot.gateways.gateway import SmsFailed
from taigan.running.tasks import within
from taigan.storage.kept.inspection import Inspection


async def gateway(at: Installation, inspection: Inspection | None) -> Finding:
    asking = "、".join(inspection.checking) if inspection is not None else ""
    sms = at.sms
    if sms is None:
        if not asking:
            return well("sms", "没有短信通道，也没有车场要验证码", "there is no gateway, and no lot asks for codes")
        return wrong(
            "sms",
            asking,
            zh="车场要验证码，却没有短信通道：无牌车进不来",
            en="the lot asks for codes and there is no gateway: cars without a plate do not get in",
            do_zh="在 [lot] 里设 sms_provider（aliyun、tencent 或 http），或关掉 sms_check",
            do_en="set sms_provider in [lot] to aliyun, tencent or http, or turn sms_check off",
        )
    if sms.provider == "simulated" and asking and not _is_beside(at.bolink_url):
        return wrong(
            "sms",
            asking,
            zh="验证码只写进 sms.jsonl，司机收不到",
            en="codes are written into sms.jsonl alone: no driver gets one",
            do_zh="在 [lot] 里设 sms_provider（aliyun、tencent 或 http）",
            do_en="set sms_provider in [lot] to aliyun, tencent or http",
        )
    try:
        found = await within(at.answers_within, sms.gateway.registration())
    except (SmsFailed, TimeoutError) as error:
        why = str(error) or f"{at.answers_within:g} s"
        return wrong(
            "sms",
            sms.provider,
            zh=f"问不到签名的报备状态：{why}",
            en=f"the state of the signature is not told: {why}",
            do_zh="检查网络、sms_key_id、sms_key_secret 和它的权限",
            do_en="check the network, sms_key_id, sms_key_secret and what that key may do",
        )
    if not found.usable:
        return wrong(
            "sms",
            sms.provider,
            zh=f"签名还不能用：{found.detail}；验证码发不出去",
            en=f"the signature cannot be used: {found.detail}; no code arrives",
            do_zh="在短信平台完成签名的报备，sms_signature（和 sms_sign_id）要与那里一致",
            do_en="have the signature registered there; sms_signature (and sms_sign_id) must be as they are there",
        )
    return well(
        "sms",
        f"{found.detail}；每小时每个车场最多 {sms.per_lot} 条，每个号码最多 {sms.per_phone} 条",
        f"{found.detail}; at most {sms.per_lot} an hour for a lot, {sms.per_phone} for a phone",
        sms.provider,
    )


def _is_beside(url: str) -> bool:
    """Whether BoLink is a stand-in on this machine."""
    return urlsplit(url).hostname in ("127.0.0.1", "localhost", "::1")
