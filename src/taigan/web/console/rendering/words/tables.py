"""All tables of words, by the names that pages have for them."""

from __future__ import annotations

from collections.abc import Mapping

from taigan.languages import N_
from taigan.web.console.rendering.words import Tell
from taigan.web.console.rendering.words.alarms import ALARM, ALARM_DO, ALARM_STATE
from taigan.web.console.rendering.words.bolink import (
    DELIVERY_STATE,
    DIFFERENCE,
    DIFFERENCE_DO,
    DIFFERENCE_MEANS,
    DIFFERENCE_STATE,
    ERRAND,
    ERRAND_DO,
    ERRAND_LINK,
    ERRAND_LOOK,
    ERRAND_STATE,
    INVOICE_KIND,
    SAID,
    SIGNATURE,
    WAY_OF_MESSAGE,
)
from taigan.web.console.rendering.words.community import PASSAGE_DIRECTION, PASSAGE_WAY, REPORT_LOOK, REPORT_STATE
from taigan.web.console.rendering.words.lanes import CAUSE, COMMAND, DIRECTION, DRIVER, OUTCOME, POSITION, SPACE_CAUSE
from taigan.web.console.rendering.words.money import BILL, PAYMENT_STATE, REDUCTION, WAY
from taigan.web.console.rendering.words.passes import PASS_DAY, PASS_STATE
from taigan.web.console.rendering.words.stays import (
    ACTOR,
    DETAIL,
    EVENT,
    ORDER_STATE,
    ORIGIN,
    RELEASED_BY,
    REVIEW,
    SHOT,
    SHOT_KIND,
    WAITING_FOR,
)

DEED = {"lifts": N_("抬杆和落杆"), "acts": N_("更改"), "accounts": N_("账号和登录")}
EXPORT = {
    "stays": N_("停车记录"),
    "payments": N_("收款"),
    "bills": N_("离场结账"),
    "reductions": N_("减免"),
    "shifts": N_("班次"),
    "lifts": N_("抬杆记录"),
    "audit": N_("操作记录"),
    "refunds": N_("退款"),
    "arrears": N_("欠费"),
    "differences": N_("对账差异"),
    "passes": N_("月卡"),
}
FILTER = {
    "from": N_("从"),
    "to": N_("到"),
    "at": N_("时间"),
    "state": N_("状态"),
    "kind": N_("种类"),
    "way": N_("方式"),
    "what": N_("种类"),
    "lane": N_("车道"),
    "who": N_("谁"),
    "person": N_("谁"),
    "shift": N_("班次"),
    "review": N_("待查"),
    "q": N_("查找"),
}
"""The filters of lists, as addresses name them."""
TABLES: Mapping[str, Mapping[str, str]] = {
    "order_state": ORDER_STATE,
    "waiting_for": WAITING_FOR,
    "position": POSITION,
    "direction": DIRECTION,
    "driver": DRIVER,
    "origin": ORIGIN,
    "shot": SHOT,
    "shot_kind": SHOT_KIND,
    "event": EVENT,
    "command": COMMAND,
    "cause": CAUSE,
    "outcome": OUTCOME,
    "way": WAY,
    "payment_state": PAYMENT_STATE,
    "delivery_state": DELIVERY_STATE,
    "released_by": RELEASED_BY,
    "review": REVIEW,
    "reduction": REDUCTION,
    "bill": BILL,
    "space_cause": SPACE_CAUSE,
    "alarm": ALARM,
    "deed": DEED,
    "export": EXPORT,
    "filter": FILTER,
    "unpaid": {"waived": N_("免收"), "owed": N_("记欠费")},
    "any": {"all": N_("全部")},
    "way_of_message": WAY_OF_MESSAGE,
    "said": SAID,
    "signature": SIGNATURE,
    "errand": ERRAND,
    "errand_state": ERRAND_STATE,
    "errand_do": ERRAND_DO,
    "errand_look": ERRAND_LOOK,
    "errand_link": ERRAND_LINK,
    "difference": DIFFERENCE,
    "difference_means": DIFFERENCE_MEANS,
    "difference_do": DIFFERENCE_DO,
    "difference_state": DIFFERENCE_STATE,
    "invoice_kind": INVOICE_KIND,
    "pass_state": PASS_STATE,
    "pass_day": PASS_DAY,
    "report_state": REPORT_STATE,
    "report_look": REPORT_LOOK,
    "passage_direction": PASSAGE_DIRECTION,
    "passage_way": PASSAGE_WAY,
    "alarm_do": ALARM_DO,
    "actor": ACTOR,
    "detail": DETAIL,
    "alarm_state": ALARM_STATE,
}


def word(of: str, name: str | None, tell: Tell) -> str:
    """What a word of the platform is called on a page; one that the table does not have stands as it is."""
    found = TABLES[of].get(name or "")
    return tell(found) if found else name or ""
