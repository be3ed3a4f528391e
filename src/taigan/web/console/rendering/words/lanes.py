"""A lane: its arm, its commands, why they were given and what became of them."""

from __future__ import annotations

from taigan.languages import N_

POSITION = {
    "closed": N_("杆落着"),
    "rising": N_("正在抬起"),
    "open": N_("杆抬着"),
    "falling": N_("正在落下"),
    "unknown": N_("位置不明"),
}
DIRECTION = {"entry": N_("入口"), "exit": N_("出口")}
COMMAND = {"open": N_("抬杆"), "hold": N_("保持抬起"), "close": N_("落杆")}
CAUSE = {
    "scan": N_("扫码入场"),
    "again": N_("再次扫码"),
    "release": N_("人工放行"),
    "released": N_("离场放行"),
    "plate": N_("识别车牌入场"),
    "manual": N_("手动"),
    "seen": N_("看过杆下没有车"),
    "remote": N_("泊链指令"),
    "arm": N_("杆落下后放行"),
}
OUTCOME = {"accepted": N_("设备已接收"), "rejected": N_("设备拒绝"), "uncertain": N_("结果不明"), "": N_("进行中")}
DRIVER = {"simulated": N_("仿真")}
"""Kinds of devices that are no name of a maker or a protocol."""
SPACE_CAUSE = {"correction": N_("人工更正"), "pass": N_("没有订单的车经过")}
