"""What went wrong, as a sentence."""

from __future__ import annotations

import re

from taigan.languages import N_
from taigan.lot.errors import LotError
from taigan.web.console.rendering.words import Tell
from taigan.web.console.rendering.words.tables import word

_SAID: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), text)
    for pattern, text in (
        (r"nobody waits in lane (?P<a>.+)", N_("%(a)s 车道没有等候的车。可能已有人处理。")),
        (r"order .+ does not wait in lane (?P<a>.+)", N_("这辆车已经不在 %(a)s 车道等候。可能已有人处理。")),
        (r"no car stands in lane (?P<a>.+)", N_("%(a)s 车道没有车。")),
        (r"the arm is being raised.*", N_("正在抬杆，请稍候。")),
        (r"the arm is up already.*", N_("杆已经抬着，车可以走。")),
        (r"the arm is still being raised", N_("杆还在抬起，还没有结果。")),
        (r"the car is let go already", N_("车已经放行。")),
        (r"the order is no longer in", N_("这辆车已经不在场。")),
        (r"the order is (?P<a>\w+).*", N_("订单已经是“%(order_state)s”，不能这样做。")),
        (r"(?P<a>\S+) has another order in this lot", N_("%(a)s 在本场还有一张订单。")),
        (r"a payment for the car is under way", N_("这辆车正在付款，请等结果。")),
        (
            r"the plates differ by more than one character.*",
            N_("车牌相差不止一个字：您没有选它的权限。"),
        ),
        (r"another car stands in the lane by now", N_("车道里已经是另一辆车。")),
        (r"(?P<a>[\d.]+) yuan are due by now", N_("现在应付 %(a)s 元，请重新确认。")),
        (r"(?P<a>[\d.]+) yuan are due: say.*", N_("还应付 %(a)s 元：请选免收，还是记欠费。")),
        (r"the stay cannot be priced: say.*", N_("这次停车算不出费用：请选免收，还是记欠费。")),
        (r"nothing is due.*", N_("没有应付的金额。")),
        (r"(?P<a>.+) has no open shift.*", N_("%(a)s 没有开班：现金要在班次里收。")),
        (r"(?P<a>.+) has an open shift at (?P<b>.+)", N_("%(a)s 正在 %(b)s 当班。")),
        (r"(?P<a>.+) has an open shift", N_("%(a)s 已经开班。")),
        (r"the shift is closed already", N_("班次已经交了。")),
        (r"the cash differs from what is expected.*", N_("现金和应有数不符：请写明原因。")),
        (r"in_at is later than now", N_("入场时间晚于现在。")),
        (r"in_at is later than it was.*", N_("把入场时间改晚需要另外的权限。")),
        (r"leave_by must be later than it is", N_("要比现在的离场时限晚。")),
        (r"leave_by is more than two days away", N_("离场时限不能超过两天。")),
        (r"only a stay that goes on and was paid.*", N_("只有已付款、还在场的车有离场时限。")),
        (r"the order is not marked for review", N_("这张订单没有待查。")),
        (r"spaces_free must be from 0 to (?P<a>\d+)", N_("空车位从 0 到 %(a)s。")),
        (r"something happened to the order meanwhile", N_("打开本页以后又有变化，所以没有执行。请看一眼，再提交。")),
        (r"kind must be minutes, percent or fen", N_("请选怎么减。")),
        (r"how must be free, paid or owed", N_("请选怎么结账。")),
        (r"value must be from 1 to (?P<a>\d+)", N_("从 1 到 %(a)s。")),
        (r"fen must be from 1 to the surplus of (?P<a>\d+)", N_("不能超过多收的金额。")),
        (r"fen must be from 0 to (?P<a>\d+)", N_("金额太大。")),
        (r"only a stay that has ended and is owed.*", N_("只有已离场还欠费的才能上报。")),
        (r"nobody knows yet whether it was paid", N_("还不知道司机付了没有，请等结果。")),
        (r"BoLink was told of this exit already", N_("这次离场已经报给泊链，不能再上报欠费。")),
        (r"the reduction has ended already", N_("这项减免已经撤销了。")),
        (r"lot .+ has no reduction .+", N_("没有这项减免。")),
        (r"reason must not be empty", N_("请写原因。")),
        (r"there is no shift .*", N_("没有这个班次。")),
        (r"there is no payment .*", N_("没有这笔款项。")),
        (r"lot .+ has no lane (?P<a>.+)", N_("没有车道 %(a)s。")),
        (r"lot .+ has no order .+", N_("没有这张订单。")),
        (r"the alarm was taken by (?P<a>.+) already", N_("%(a)s 已经在处理这条报警。")),
        (r"the alarm is (done|ended) already", N_("这条报警已经结束。")),
        (r"the alarm is open already", N_("这条报警已经在待处理里。")),
        (r"lot .+ has no such picture", N_("没有这张图片。")),
        (r"lot .+ has no alarm .+", N_("没有这条报警。")),
        (r"lot .+ has no errand .+", N_("没有这件事。")),
        (r"lot .+ has no difference .+", N_("没有这项差异。")),
        (r"who asked for a refund cannot approve it.*", N_("申请退款的人不能自己批准：要另一个人。")),
        (
            r"only a payment that counts for an order can be moved",
            N_("只有算数的、归在订单上的款项能移；扣费的不能移。"),
        ),
        (r"the payment is that order's already", N_("这笔款本来就在这张订单上。")),
        (r"the car left on the strength of this payment", N_("车是凭这笔款离场的，不能移走。")),
        (r"the payment was given back, changed or invoiced in part", N_("这笔款退过、找过零或开过发票，不能移。")),
        (r"the payment no longer counts", N_("这笔款项已经不算数。")),
        (r"BoLink cannot give this payment back.*", N_("泊链退不了这笔款：请人工退还。")),
        (r"a refund of this payment is under way", N_("这笔款正在退，请等结果。")),
        (r"part of this payment was given back before.*", N_("这笔款退过一部分：再退请人工退还。")),
        (r"there is an invoice for this payment: have it voided.*", N_("这笔款开过发票：先作废发票，或勾选照样退。")),
        (r"fen must be from 1 to (?P<a>\d+)", N_("金额超过了能退的。")),
        (r"the payment is reversed", N_("这笔款项已经冲销。")),
        (r"the payment is (?P<a>\w+)", N_("这笔款项还没有付成。")),
        (r"the errand is (?P<a>\w+); only.*", N_("这件事已经有了结果，不能再这样做。请刷新看一眼。")),
        (r"state must be done or failed", N_("请选结果。")),
        (r"\S+ is \w+: there is nothing to ask", N_("已经有结果，不用再问。")),
        (r"a shared space is reserved for the car: it cannot pay ahead", N_("已预约共享车位，不支持预付。")),
        (r"nothing is owed for this order", N_("这张订单不欠费。")),
        (r"the driver had it invoiced at BoLink already: (?P<a>.*)", N_("司机已在泊链开过发票：%(a)s")),
        (r"there is an invoice for this payment, or.*", N_("这笔款开过发票，或正在开。")),
        (r"all of the payment was given back", N_("这笔款已经全部退回，不能开票。")),
        (r"BoLink invoices what was paid there.*", N_("在泊链付的款，司机自己就能在泊链开票。")),
        (r"the payment belongs to no order", N_("这笔款还没有归到订单。")),
        (r"BoLink was told of this payment", N_("已经报给泊链了。")),
        (r"the difference is \w+", N_("这项差异已经处理过了。")),
        (r"(?P<a>[\d-]+) has not begun at the lot", N_("%(a)s 还没有到。")),
        (r"change is for cash that counts", N_("红包只找算数的现金，一笔一次。")),
        (r"change was given for this payment.*", N_("这笔现金已经找过，或正在找。")),
        (r"BoLink does not know the stay: .*", N_("泊链还没有收下这次入场，没有什么可更正。")),
        (r"nothing is due", N_("现在不用付钱。")),
        (r"a payment for the car is under way", N_("这辆车有一笔付款还在路上。")),
        (r"there is no lane (?P<a>.+)", N_("没有车道 %(a)s。")),
        (r"the lot has no area (?P<a>.+)", N_("没有区域 %(a)s：在“区域和时段”里设。")),
        (r"pass (?P<a>.+) is for an area that would be gone", N_("月卡 %(a)s 还限着一个会没有的区域。")),
        (r"two of the same number", N_("同样的编号写了两次。")),
        (r"a number has 1 to 32 characters.*", N_("编号 1 到 32 个字，不带空格。")),
        (r"there is no pass .*", N_("没有这张月卡。")),
        (r"there is a pass (?P<a>.+) already", N_("已经有月卡 %(a)s。")),
        (r"the pass was ended; sell a new one", N_("这张月卡已停用，请另办一张。")),
        (r"the pass has ended already", N_("这张月卡已经停用。")),
        (r"passes that BoLink told of are changed at BoLink", N_("泊链告知的月卡要在泊链改。")),
        (r"the lot sells no pass of \d+ months", N_("没有这样的价目。")),
        (r"set notify_url first.*", N_("还不能续费：请维护先填 notify_url，泊链才知道把结果发到哪里。")),
        (r"two terms of the same length", N_("同样的月数写了两次。")),
        (r"that was asked before, and .*", N_("已经提交过，不能再交。")),
        (r"the lot has no community yet.*", N_("先设小区。")),
        (r"there is no access device .*", N_("没有这台门禁设备。")),
        (r"there is no lot .*", N_("没有这个车场，或它不归您管。")),
        (r"the barrier refused the command", N_("道闸拒绝了命令。")),
        (
            r".+\nprice list (?P<a>\d+) begins on (?P<b>[\d-]+);.*",
            N_("启用日期（valid_from）须晚于第 %(a)s 版的 %(b)s。"),
        ),
        (r".+\na new price list begins tomorrow.*", N_("启用日期（valid_from）最早是明天。")),
        (r"the lot has no price list for an entry on (?P<a>.+)", N_("%(a)s 入场没有收费标准。")),
    )
)
_KINDS = {
    "nobody_waits": N_("车道里没有等候的车。"),
    "being_raised": N_("正在抬杆，请稍候。"),
    "conflict": N_("现在不能这样做：%(said)s"),
    "bad_value": N_("不能用：%(said)s"),
    "cannot_price": N_("算不出费用：%(said)s"),
    "barrier_fault": N_("道闸没有执行：%(said)s"),
    "bolink": N_("泊链没有回答，或不同意：%(said)s"),
}


def error(error: LotError, tell: Tell) -> str:
    """What went wrong, as a sentence. One of our own pages is in the visitor's language already."""
    for pattern, text in _SAID:
        if found := pattern.fullmatch(error.message):
            values = found.groupdict() | {"order_state": word("order_state", found.groupdict().get("a", ""), tell)}
            return tell(text) % values
    if any("一" <= sign <= "鿿" for sign in error.message) or error.code not in _KINDS:
        return error.message
    return tell(_KINDS[error.code]) % {"said": error.message}
