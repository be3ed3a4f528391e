"""Passes: whether they hold, and on which days."""

from __future__ import annotations

import re

from taigan.languages import N_
from taigan.web.console.rendering.words import Tell

PASS_STATE = {"valid": N_("有效"), "soon": N_("30 天内到期"), "grace": N_("宽限中"), "over": N_("已到期或停用")}
PASS_DAY = {
    "mon": N_("周一"),
    "tue": N_("周二"),
    "wed": N_("周三"),
    "thu": N_("周四"),
    "fri": N_("周五"),
    "sat": N_("周六"),
    "sun": N_("周日"),
    "workday": N_("工作日"),
    "weekend": N_("周末"),
    "holiday": N_("节假日"),
}
_DAY = re.compile(rf"\b({'|'.join(PASS_DAY)})\b")


def times(text: str, tell: Tell) -> str:
    """Days and hours of passes, with the days as a page calls them."""
    text = text.replace("days of grace", tell(N_("天宽限")))
    return _DAY.sub(lambda found: tell(PASS_DAY[found[0]]), text)
