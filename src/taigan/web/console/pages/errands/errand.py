"""One thing that BoLink was asked to do: how it stands, and what a person may do about it."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any

import segno
import sqlalchemy as sa
from litestar import get, post
from litestar.params import FromPath

from taigan.languages import N_
from taigan.lot.errands.invoices import INVOICE
from taigan.lot.errands.lots import FINAL
from taigan.lot.errands.refunds import SECTION as REFUND
from taigan.lot.errors import LotError, UnknownErrand
from taigan.rights import Right
from taigan.storage.due import errands as kept
from taigan.storage.locked import ledger
from taigan.storage.rows import Errand, Payment
from taigan.web.console.allowed import need
from taigan.web.console.rendering.words.bolink import ERRAND_STATE
from taigan.web.console.visit import Answer, Here, Visit

LINKS = ("payurl", "url", "contract_url", "pdf_url")
"""What BoLink gave to be opened or paid, by its name in the errand's details."""
TO_BE_SCANNED = ("payurl", "url")
_PASSES = ("3.3", "11.2")
_LOT = frozenset({*FINAL, "3.6"})
_TAB = {"4.2": "refunds", "3.9": "arrears", "6.1": "invoices", "6.3": "invoices"}

SENTENCES = {
    "wanted": N_("已提交，等第二个人批准。"),
    "asked": N_("已发给泊链。"),
    "running": N_("泊链已收下，还在办。"),
    "done": N_("泊链已办好。"),
    "failed": N_("泊链没有办：%(said)s"),
    "unclear": N_("泊链没有给结果：不会自己再发，请在泊链后台查看，再记下结果。"),
}


def right_of(errand: Errand) -> Right:
    """What it takes to see one."""
    if errand.section in _LOT:
        return Right.LOT_PUBLISH
    return Right.PASS_SEE if errand.section in _PASSES else Right.MONEY_SEE


@get("/lots/{lot_id:str}/errands/{errand_id:str}", right=(Right.MONEY_SEE, Right.PASS_SEE, Right.LOT_PUBLISH))
async def errand(visit: Here, errand_id: FromPath[str]) -> Answer:
    """One errand."""
    found = await _known(visit, errand_id)
    need(visit, right_of(found))
    return visit.page("errands/errand.html", part="errands/parts/errand.html", **await _shown(visit, found))


@post("/lots/{lot_id:str}/errands/{errand_id:str}/approve", right=Right.MONEY_APPROVE)
async def approve(visit: Here, errand_id: FromPath[str]) -> Answer:
    """A second person agrees to a refund."""
    done = await _do(visit, errand_id, lambda errands, by: errands.approve(visit.here.lot_id, errand_id, by))
    if isinstance(done, Errand):
        return visit.go(visit.in_lot("errands", errand_id), *said(visit, done))
    return done


@post("/lots/{lot_id:str}/errands/{errand_id:str}/withdraw", right=(Right.MONEY_REFUND, Right.MONEY_APPROVE))
async def withdraw(visit: Here, errand_id: FromPath[str]) -> Answer:
    """A refund is not wanted after all."""
    done = await _do(visit, errand_id, lambda errands, by: errands.withdraw(visit.here.lot_id, errand_id, by))
    return done if not isinstance(done, Errand) else visit.go(visit.in_lot("refunds"), visit.tell("已撤回。"))


@post("/lots/{lot_id:str}/errands/{errand_id:str}/settle", right=Right.MONEY_APPROVE)
async def settle(visit: Here, errand_id: FromPath[str]) -> Answer:
    """A person saw at BoLink what became of it."""
    state = visit.text("state", 8)
    done = await _do(visit, errand_id, lambda errands, by: errands.settle(visit.here.lot_id, errand_id, state, by))
    if isinstance(done, Errand):
        return visit.go(visit.in_lot("errands", errand_id), visit.tell("结果已记下。"))
    return done


@post("/lots/{lot_id:str}/errands/{errand_id:str}/refresh", right=Right.MONEY_SEE)
async def refresh(visit: Here, errand_id: FromPath[str]) -> Answer:
    """Ask BoLink where an invoice stands."""
    try:
        done = await visit.office.errands.refresh(visit.here.lot_id, errand_id)
    except UnknownErrand:
        raise
    except LotError as error:
        return visit.again("errands/errand.html", error, **await _shown(visit, await _known(visit, errand_id)))
    return visit.go(visit.in_lot("errands", errand_id), *said(visit, done))


def said(visit: Visit, errand: Errand) -> tuple[str, str]:
    """A sentence on how an errand stands now, and whether it is a good one."""
    text = SENTENCES.get(errand.state, SENTENCES["asked"])
    return visit.tell(text, said=errand.said), "bad" if errand.state in ("failed", "unclear") else "good"


async def _do(visit: Visit, errand_id: str, act: Any) -> Errand | Answer:
    """What was done, or the errand's page with what is wrong."""
    try:
        by = visit.by(visit.text("reason", 200, needed=visit.tell("请写原因。")))
        done: Awaitable[Errand] = act(visit.office.errands, by)
        found = await done
    except UnknownErrand:
        raise
    except LotError as error:
        error.field = error.field if error.field == "reason" else ""
        return visit.again("errands/errand.html", error, **await _shown(visit, await _known(visit, errand_id)))
    visit.changed(order_id=found.order_id)
    return found


async def _known(visit: Visit, errand_id: str) -> Errand:
    lot_id = visit.here.lot_id
    found = None
    if "\x00" not in errand_id:
        found = await visit.office.database.read(lambda conn: kept.errand(conn, lot_id, errand_id))
    if found is None:
        raise UnknownErrand(f"lot {lot_id} has no errand {errand_id}", "errand_id")
    return found


async def _shown(visit: Visit, errand: Errand) -> dict[str, Any]:
    lot_id = visit.here.lot_id

    def read(conn: sa.Connection) -> Payment | None:
        of_payment = errand.section in (REFUND, INVOICE, "6.1", "3.10")
        return ledger.payment(conn, lot_id, errand.about) if of_payment else None

    payment = await visit.office.database.read(read)
    links = {name: url for name in LINKS if (url := errand.details.get(name, "")).startswith(("https://", "http://"))}
    code = next((links[name] for name in TO_BE_SCANNED if name in links and errand.state == "running"), "")
    own = errand.actor == visit.person.person.name or errand.via == f"console:{visit.person.person.login}"
    return {
        "errand": errand,
        "payment": payment,
        "links": links,
        "code": segno.make(code, error="m").svg_inline(scale=5, border=2, dark="#000", light="#fff") if code else "",
        "own": own,
        "states": ERRAND_STATE,
        "tab": _TAB.get(errand.section, ""),
        "asks": errand.section == INVOICE and errand.state in ("running", "unclear"),
    }


PAGES = (errand, approve, withdraw, settle, refresh)
