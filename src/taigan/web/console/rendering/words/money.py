"""Money: ways of paying, states, reductions and bills."""

from __future__ import annotations

from taigan.languages import N_

WAY = {
    "prepay": N_("场内预付"),
    "kiosk": N_("自助缴费机"),
    "scancode": N_("扫码付"),
    "wallet": N_("无感支付"),
    "sweepcode": N_("付款码"),
    "etc": "ETC",
    "cash": N_("现金"),
}
PAYMENT_STATE = {
    "paid": N_("已付"),
    "pending": N_("处理中"),
    "failed": N_("失败"),
    "reversed": N_("已冲销"),
    "unreadable": N_("看不懂"),
}
REDUCTION = {
    "minutes": N_("减时"),
    "percent": N_("折扣"),
    "fen": N_("减额"),
    "whole": N_("全免"),
    "window": N_("时段免费"),
    "waiver": N_("免收"),
}
BILL = {
    "charge": N_("应收"),
    "reduced": N_("减免"),
    "waived": N_("其中免收"),
    "paid": N_("已付"),
    "refunded": N_("已退"),
    "owed": N_("欠"),
    "surplus": N_("多收"),
}
