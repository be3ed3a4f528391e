"""The menu: what there is, in order, and the right that shows it."""

from __future__ import annotations

from typing import NamedTuple

from taigan.languages import N_
from taigan.rights import Right


class Entry(NamedTuple):
    """A page of the menu. `path` is below the lot; `icon` names a drawing in icons.html."""

    key: str
    path: str
    title: str
    right: Right
    icon: str


LOT: tuple[tuple[Entry, ...], ...] = (
    (
        Entry("lanes", "", N_("车道"), Right.LOT_SEE, "lanes"),
        Entry("alarms", "alarms", N_("报警"), Right.ALARM_SEE, "alarms"),
        Entry("stays", "stays", N_("停车记录"), Right.STAY_SEE, "stays"),
    ),
    (
        Entry("shift", "shifts", N_("交接班"), Right.MONEY_SEE, "shift"),
        Entry("money", "money", N_("收款"), Right.MONEY_SEE, "money"),
        Entry("reports", "reports", N_("报表"), Right.REPORT_SEE, "reports"),
    ),
    (
        Entry("passes", "passes", N_("月卡"), Right.PASS_SEE, "passes"),
        Entry("lists", "lists", N_("名单"), Right.BLOCKED_SEE, "audit"),
        Entry("tariffs", "tariffs", N_("收费标准"), Right.TARIFF_SEE, "tariffs"),
    ),
    (
        Entry("devices", "devices", N_("设备"), Right.DEVICE_SEE, "devices"),
        Entry("community", "community", N_("小区"), Right.RESIDENT_SEE, "community"),
        Entry("bolink", "bolink", N_("泊链"), Right.DELIVERY_SEE, "wave"),
    ),
    (
        Entry("people", "people", N_("人员和权限"), Right.STAFF_SEE, "people"),
        Entry("audit", "audit", N_("操作记录"), Right.AUDIT_SEE, "audit"),
    ),
)
"""What there is in a lot, in groups."""

ALL: tuple[Entry, ...] = ()
"""What there is beside the lots."""

EXCEPTIONS: frozenset[str] = frozenset(
    {
        "/",  # leads to the lot, or lets choose one
        "/sign-in",
        "/sign-in/code",
        "/sign-in/oidc",  # the way to a provider, and back
        "/sign-in/oidc/back",
        "/account",  # beside the person's name
        "/account/second-factor",
        "/lots/{lot_id}/live",
        "/lots/{lot_id}/attention",  # parts of the lanes
        "/lots/{lot_id}/cards",
        "/lots/{lot_id}/spaces/free",  # beside the menu
        "/lots/{lot_id}/alarms/list",  # parts of the alarms, and of the menu
        "/lots/{lot_id}/alarms/count",
        "/lots/{lot_id}/refunds/count",
        "/lots/{lot_id}/alarms/{alarm_id}/snooze",  # on each alarm
        "/lots/{lot_id}/pictures/{shot_id}",  # in the lanes, the match and the stay
        "/lots/{lot_id}/pictures/{shot_id}/small",
        "/lots/{lot_id}/lanes/{channel_id}/card",
        "/lots/{lot_id}/lanes/{channel_id}/open",
        "/lots/{lot_id}/lanes/{channel_id}/hold",  # on each card
        "/lots/{lot_id}/lanes/{channel_id}/match",
        "/lots/{lot_id}/lanes/{channel_id}/cash",
        "/lots/{lot_id}/stays/{order_id}",  # behind each row of stays
        "/lots/{lot_id}/stays/{order_id}/correct",  # what is done about a stay: on its page
        "/lots/{lot_id}/stays/{order_id}/reviewed",
        "/lots/{lot_id}/stays/{order_id}/close",
        "/lots/{lot_id}/stays/{order_id}/extend",
        "/lots/{lot_id}/stays/{order_id}/amount",
        "/lots/{lot_id}/stays/{order_id}/reduce",
        "/lots/{lot_id}/stays/{order_id}/waive",
        "/lots/{lot_id}/stays/{order_id}/give-back",
        "/lots/{lot_id}/stays/{order_id}/escape",
        "/lots/{lot_id}/stays/{order_id}/reductions/{reduction_id}",
        "/lots/{lot_id}/spaces",  # the number of free spaces beside the menu
        "/lots/{lot_id}/booth-sheet",  # help, beside the person's name
        "/lots/{lot_id}/devices/list",  # parts of the pages of their names
        "/lots/{lot_id}/bolink/line",
        "/lots/{lot_id}/people/{login}",  # behind each name
        "/lots/{lot_id}/shifts/{shift_id}",
        "/lots/{lot_id}/shifts/{shift_id}/close",
        "/lots/{lot_id}/money/payments",  # behind the sums
        "/lots/{lot_id}/money/bills",
        "/lots/{lot_id}/money/reductions",
        "/lots/{lot_id}/refunds",  # beside the money, each with its tab
        "/lots/{lot_id}/arrears",
        "/lots/{lot_id}/reconciling",
        "/lots/{lot_id}/invoices",
        "/lots/{lot_id}/invoices/issued",
        "/lots/{lot_id}/money/payments/{payment_id}/refund",  # on each payment
        "/lots/{lot_id}/money/payments/{payment_id}/invoice",
        "/lots/{lot_id}/money/payments/{payment_id}/change",
        "/lots/{lot_id}/stays/{order_id}/place",  # on a stay's page
        "/lots/{lot_id}/stays/{order_id}/city",
        "/lots/{lot_id}/errands/{errand_id}",  # behind each row of these
        "/lots/{lot_id}/passes/{card_id}",  # behind each row of passes
        "/lots/{lot_id}/pass-prices",  # beside the passes, each with its tab
        "/lots/{lot_id}/pass-limits",
        "/lots/{lot_id}/pass-import",
        "/lots/{lot_id}/at-bolink",  # beside BoLink, with its tab
        "/lots/{lot_id}/at-bolink/{what}",
        "/lots/{lot_id}/community/passages",  # beside the area
        "/lots/{lot_id}/tariffs/new",
        "/lots/{lot_id}/tariffs/{version}",
        "/lots/{lot_id}/export/{table}",  # beside each list
        "/lots/{lot_id}/reports/{what}/export",
    }
)
"""Pages (GET) that are reached in another way than by the menu."""
