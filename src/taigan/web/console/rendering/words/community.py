"""People who pass a community's gates, and whether that was reported."""

from __future__ import annotations

from taigan.languages import N_

REPORT_STATE = {
    "pending": N_("待上报"),
    "sending": N_("上报中"),
    "done": N_("已上报"),
    "refused": N_("被拒绝"),
    "unclear": N_("结果不明"),
}
REPORT_LOOK = {"pending": "pending", "sending": "pending", "done": "done", "refused": "stop", "unclear": "care"}
PASSAGE_DIRECTION = {"in": N_("进"), "out": N_("出")}
PASSAGE_WAY = {"face": N_("人脸"), "card": N_("刷卡")}
