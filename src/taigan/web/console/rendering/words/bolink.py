"""What goes between the lot and BoLink: uploads, messages, errands, differences, invoices."""

from __future__ import annotations

from taigan.languages import N_

DELIVERY_STATE = {
    "pending": N_("待上报"),
    "sending": N_("上报中"),
    "done": N_("已上报"),
    "refused": N_("被拒绝"),
    "cancelled": N_("已取消"),
}
ERRAND = {
    "2.1": N_("在泊链发布车场"),
    "2.2": N_("更新泊链上的车场"),
    "2.6": N_("提交商户资料"),
    "3.3": N_("月卡续费"),
    "3.4": N_("下单收停车费"),
    "3.5": N_("分账合同"),
    "3.6": N_("绑定分账方"),
    "3.9": N_("补缴欠费"),
    "3.10": N_("红包找零"),
    "4.2": N_("退款"),
    "6.1": N_("让司机在泊链开票"),
    "6.3": N_("开发票"),
    "11.2": N_("泊链上买月卡"),
}
ERRAND_STATE = {
    "wanted": N_("等第二个人批准"),
    "asked": N_("正在发给泊链"),
    "running": N_("泊链在办"),
    "unclear": N_("结果不明"),
    "done": N_("泊链已办好"),
    "failed": N_("没有办成"),
    "withdrawn": N_("已撤回"),
}
ERRAND_DO = {
    "wanted": N_("请另一个有权限的人打开这一笔，批准或撤回。"),
    "asked": N_("几秒内就有结果。"),
    "running": N_("泊链办完会来消息；司机没付的，等他付。"),
    "unclear": N_("不会自己再发。请在泊链后台看过，再记下结果。"),
}
ERRAND_LOOK = {"wanted": "care", "asked": "waiting", "running": "waiting", "unclear": "stop", "done": "in"} | {
    "failed": "stop",
    "withdrawn": "quiet",
}
ERRAND_LINK = {
    "payurl": N_("付款地址"),
    "url": N_("领红包的地址"),
    "contract_url": N_("签合同的地址"),
    "pdf_url": N_("发票"),
}
DIFFERENCE = {
    "payment_missing_here": N_("泊链有付款，这里没有"),
    "payment_missing_there": N_("这里有付款，泊链没有"),
    "amount_differs": N_("两边金额不同"),
    "withdrawal_failed": N_("提现失败"),
    "withdrawal_differs": N_("日报金额和收款不符"),
    "parked_there_only": N_("泊链以为车还在场"),
    "exit_refused": N_("泊链拒绝了离场"),
    "parked_here_only": N_("泊链以为车已经走了"),
    "bill_unbalanced": N_("账单和明细不符"),
    "bill_missing": N_("车走了，没有账单"),
}
DIFFERENCE_MEANS = {
    "payment_missing_here": N_("司机在泊链付了钱，付款消息没有到这里。"),
    "payment_missing_there": N_("这里记了一笔泊链的付款，泊链那天的账里没有它。"),
    "amount_differs": N_("同一个交易号，泊链的金额和这里的不一样。"),
    "withdrawal_failed": N_("泊链往您的账户打款没有成功。"),
    "withdrawal_differs": N_("泊链那天日报的金额，不等于这里那天经泊链收到的（收款加月卡，减退款，扣或不扣手续费）。"),
    "parked_there_only": N_("这里已经离场或作废，泊链还当它在场。"),
    "exit_refused": N_("离场报给泊链，被拒绝了。"),
    "parked_here_only": N_("泊链当它已经离场，这里还在场。"),
    "bill_unbalanced": N_("应收、减免、已付、已退加起来，不等于这张账单的结余。"),
    "bill_missing": N_("这次停车已经离场，却没有结账。"),
}
DIFFERENCE_DO = {
    "payment_missing_here": N_("请泊链重发付款消息；来了会自己入账，这一项随之消失。发不了，就按交易号查是谁付的。"),
    "payment_missing_there": N_("把交易号给泊链查；确认没有收到的，当天的钱以泊链为准，记下原因。"),
    "amount_differs": N_("把交易号给泊链查，以泊链实收为准；差额在那次停车里补收或退还。"),
    "withdrawal_failed": N_("在泊链后台看失败原因，改好收款账户再提。"),
    "withdrawal_differs": N_("先看同一天有没有别的差异；没有，就把这一天的“收款明细”导出，和泊链日报逐笔对。"),
    "parked_there_only": N_("在“泊链”里找到那次离场，再发一次。"),
    "exit_refused": N_("在“泊链”里看拒绝的原因，改好再发一次。"),
    "parked_here_only": N_("看一眼车还在不在；不在，就结束这次停车；在，离场时会再报。"),
    "bill_unbalanced": N_("点开这次停车，核对付款和减免；弄不清的，把订单号交给维护。"),
    "bill_missing": N_("点开这次停车看经过；把订单号交给维护。"),
}
DIFFERENCE_STATE = {"open": N_("待处理"), "settled": N_("已了结"), "gone": N_("自己对上了")}
INVOICE_KIND = {"1": N_("电子"), "2": N_("纸质")}
WAY_OF_MESSAGE = {"in": N_("泊链来的"), "out": N_("发给泊链")}
SAID = {"done": N_("已办"), "no": N_("答不行"), "refused": N_("没有收下"), "unreached": N_("没有送到")}
SIGNATURE = {"raw": N_("和原文相符"), "compact": N_("和去掉空格的文字相符"), "sorted": N_("和排序后的字段相符")}
