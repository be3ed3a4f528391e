"""The lot as BoLink has it: published, changed, ended, its merchant and who gets a share; and what its city is told."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any

import msgspec
import sqlalchemy as sa
from litestar import get, post
from litestar.params import FromPath

from taigan.bolink.chapters.lots import Merchant
from taigan.languages import N_
from taigan.lot.errands.lots import Publication
from taigan.lot.errors import BadValue, LotError
from taigan.lot.people.by import By
from taigan.rights import Right
from taigan.storage.due import errands as kept
from taigan.storage.rows import Errand
from taigan.web.console.pages.errands.errand import said
from taigan.web.console.visit import Answer, Here, Visit

SECTIONS = ("2.1", "2.2", "2.6", "3.5", "3.6")
MOST = 20
"""So many of the last things asked are shown."""
_WORDS = re.compile(r"[^\x00-\x1f]{1,100}")
_PHONE = re.compile(r"[0-9+-]{5,20}")
_DEGREES = re.compile(r"-?[0-9]{1,3}(\.[0-9]{1,8})?")
_CODE = re.compile(r"[0-9]{1,6}")
_DAY = re.compile(r"[0-9]{8}")
_ADDRESS = re.compile(r"https?://\S{1,480}")
_PERCENT = re.compile(r"[1-9]|[12][0-9]|30")


class Blank(msgspec.Struct, frozen=True):
    """A field of a form: how it must look, what is said of one that does not, and whether it may be empty."""

    name: str
    title: str
    looks: re.Pattern[str]
    wrong: str
    optional: bool = False
    number: bool = False
    longest: int = 100
    hint: str = ""
    options: tuple[tuple[str, str], ...] = ()


class Deed(msgspec.Struct, frozen=True):
    """Something that BoLink is asked about the lot. `final`: what cannot be undone, said before it is done; `once`: it
    is asked once for ever."""

    path: str
    section: str
    title: str
    about: str
    blanks: tuple[Blank, ...]
    ask: Callable[[Visit, dict[str, Any], By, bool], Awaitable[Errand]]
    final: str = ""
    once: bool = False


_TEXT, _NUMBERS = N_("请填写，最多 100 个字。"), N_("电话只能是数字。")
_SIX = N_("填六位数字的代码。")
_DATE = N_("写成 20260131。")
_CITY = N_("民政部的六位代码，北京是 110000。")
_LINK = N_("以 http:// 或 https:// 开头。")


def _publish(visit: Visit, given: dict[str, Any], by: By, sure: bool) -> Awaitable[Errand]:
    return visit.office.errands.publish(visit.here.lot_id, Publication(**given), by, confirmed=sure)


def _update(visit: Visit, given: dict[str, Any], by: By, sure: bool) -> Awaitable[Errand]:
    return visit.office.errands.update_lot(visit.here.lot_id, by, **given)


def _disable(visit: Visit, given: dict[str, Any], by: By, sure: bool) -> Awaitable[Errand]:
    return visit.office.errands.disable_lot(visit.here.lot_id, by, confirmed=sure)


def _merchant(visit: Visit, given: dict[str, Any], by: By, sure: bool) -> Awaitable[Errand]:
    if given["merchant_type"] != 1:
        for name in ("license", "license_start", "license_pic"):
            if given[name] is None:
                raise BadValue(visit.tell("有营业执照的要填。"), name)
        if given["license_end"] is None:
            given["license_type"] = 2
    return visit.office.errands.onboard(visit.here.lot_id, Merchant(**given), by, confirmed=sure)


def _split(visit: Visit, given: dict[str, Any], by: By, sure: bool) -> Awaitable[Errand]:
    return visit.office.errands.split(
        visit.here.lot_id, given["account_no"], given["account_name"], given["percent"], by, confirmed=sure
    )


def _bind(visit: Visit, given: dict[str, Any], by: By, sure: bool) -> Awaitable[Errand]:
    return visit.office.errands.bind_split(visit.here.lot_id, by)


_SHOWN = (
    Blank("price_desc", N_("收费说明"), _WORDS, _TEXT, hint=N_("司机在泊链看到的，比如“2元每小时”。")),
    Blank("phone", N_("管理员电话"), _PHONE, _NUMBERS, longest=20),
    Blank("mobile", N_("管理员手机"), _PHONE, _NUMBERS, True, longest=20),
)
_KINDS = (
    ("1", N_("没有营业执照")),
    ("2", N_("个体工商户")),
    ("3", N_("企业")),
    ("4", N_("事业单位")),
    ("5", N_("其他组织")),
)
DEEDS: tuple[Deed, ...] = (
    Deed(
        "publish",
        "2.1",
        N_("发布车场"),
        N_("司机在泊链上就能找到这个车场。车位数是现在的。"),
        (
            Blank("name", N_("车场名"), _WORDS, _TEXT),
            Blank("address", N_("车场地址"), _WORDS, _TEXT),
            Blank("city_id", N_("城市代码"), _CODE, _SIX, number=True, longest=6, hint=_CITY),
            Blank("lng", N_("经度"), _DEGREES, N_("写成 116.307689。"), longest=13),
            Blank("lat", N_("纬度"), _DEGREES, N_("写成 40.037256。"), longest=13),
            *_SHOWN,
            Blank("remark", N_("备注"), _WORDS, _TEXT, True),
        ),
        _publish,
        N_("一个车场只能发布一次：这个编号以后不能再给别的车场用。"),
        True,
    ),
    Deed(
        "update",
        "2.2",
        N_("更新车场"),
        N_("把现在的车位数，和填了的这几项，告诉泊链；空着的不改。"),
        tuple(msgspec.structs.replace(blank, optional=True) for blank in _SHOWN),
        _update,
    ),
    Deed(
        "merchant",
        "2.6",
        N_("提交商户资料"),
        N_("收钱要先有商户。也可以不在这里填，到泊链的页面上填（2.4）。"),
        (
            Blank("merchant_type", N_("商户类型"), re.compile("[1-5]"), N_("请选一个。"), number=True, options=_KINDS),
            Blank("merchant_shortname", N_("简称"), _WORDS, _TEXT, longest=16, hint=N_("写成“某某停车场”。")),
            Blank("merchant_name", N_("全称"), _WORDS, _TEXT, longest=40, hint=N_("和营业执照一样。")),
            Blank("license", N_("营业执照号"), _WORDS, _TEXT, True),
            Blank("license_address", N_("注册地址"), _WORDS, _TEXT),
            Blank("license_start", N_("执照从哪天起"), _DAY, _DATE, True, longest=8),
            Blank("license_end", N_("执照到哪天止"), _DAY, _DATE, True, longest=8, hint=N_("长期有效的空着。")),
            Blank("license_pic", N_("执照图片的地址"), _ADDRESS, _LINK, True, longest=500),
            Blank("regprov_id", N_("注册地：省代码"), _CODE, _SIX, number=True, longest=6),
            Blank("regcity_id", N_("注册地：市代码"), _CODE, _SIX, number=True, longest=6),
            Blank("regarea_id", N_("注册地：区代码"), _CODE, _SIX, number=True, longest=6),
        ),
        _merchant,
        N_("商户资料只能提交一次，以后改不了。"),
        True,
    ),
    Deed(
        "split",
        "3.5",
        N_("分账合同"),
        N_("把本场收的钱按比例分给别人。泊链给一个签合同的地址，签完再绑定。"),
        (
            Blank("account_no", N_("对方账号"), _WORDS, _TEXT),
            Blank("account_name", N_("对方户名"), _WORDS, _TEXT),
            Blank("percent", N_("分百分之几"), _PERCENT, N_("从 1 到 30。"), number=True, longest=2),
        ),
        _split,
        N_("合同签了就有约束，本场的钱会照它分。"),
    ),
    Deed("bind", "3.6", N_("绑定分账方"), N_("合同签好以后做这一步，分账才开始。"), (), _bind),
    Deed(
        "disable",
        "2.2",
        N_("停用车场"),
        N_("泊链上不再有这个车场。"),
        (),
        _disable,
        N_("停用以后这个车场在泊链收不了钱，也不能从这里重新启用。"),
    ),
)
"""In the order in which a lot needs them."""
_BY_PATH = {deed.path: deed for deed in DEEDS}


@get("/lots/{lot_id:str}/at-bolink", right=Right.LOT_PUBLISH)
async def at_bolink(visit: Here) -> Answer:
    """What can be asked, what was asked, and the city's platform."""
    lot_id = visit.here.lot_id

    def read(conn: sa.Connection) -> tuple[list[Errand], set[str]]:
        found = kept.listed(conn, lot_id, MOST, (), section=SECTIONS)
        return found, {deed.section for deed in DEEDS if deed.once and _was_asked(conn, lot_id, deed)}

    errands, done = await visit.office.database.read(read)
    page = await visit.office.errands.onboarding_page(lot_id)
    city = await visit.office.city.get(lot_id)
    return visit.page("errands/at_bolink.html", deeds=DEEDS, errands=errands, done=done, onboarding=page, city=city)


@get("/lots/{lot_id:str}/at-bolink/{what:str}", right=Right.LOT_PUBLISH)
async def deed(visit: Here, what: FromPath[str]) -> Answer:
    """The form of one of them."""
    found = _BY_PATH.get(what)
    if found is None:
        return visit.page("notice.html", status=HTTPStatus.NOT_FOUND, text=visit.tell("没有这件事。"))
    return visit.page("errands/at_bolink_deed.html", **await _shown(visit, found))


@post("/lots/{lot_id:str}/at-bolink/{what:str}", right=Right.LOT_PUBLISH)
async def ask_deed(visit: Here, what: FromPath[str]) -> Answer:
    """Ask BoLink."""
    found = _BY_PATH.get(what)
    if found is None:
        return visit.page("notice.html", status=HTTPStatus.NOT_FOUND, text=visit.tell("没有这件事。"))
    try:
        given = {blank.name: _read(visit, blank) for blank in found.blanks}
        by = visit.by(visit.text("reason", 200, needed=visit.tell("请写原因。")))
        sure = visit.text("confirmed", 1) == "1"
        if found.final and not sure:
            raise BadValue(visit.tell("请先勾选：%(final)s", final=visit.tell(found.final)), "confirmed")
        errand = await found.ask(visit, given, by, sure)
    except LotError as error:
        known = {blank.name for blank in found.blanks} | {"reason", "confirmed"}
        error.field = error.field if error.field in known else ""
        return visit.again("errands/at_bolink_deed.html", error, **await _shown(visit, found))
    return visit.go(visit.in_lot("errands", errand.errand_id), *said(visit, errand))


@post("/lots/{lot_id:str}/city", right=Right.LOT_SET)
async def put_city(visit: Here) -> Answer:
    """What the lot does with its city's platform."""
    by = visit.by(visit.text("reason", 200, needed=visit.tell("请写原因。")))
    given = {name: visit.text(name, 1) == "1" for name in ("corrections", "checks", "screens")}
    await visit.office.city.put(visit.here.lot_id, by, **given)
    return visit.go(visit.in_lot("at-bolink"), visit.tell("已保存。"))


def _read(visit: Visit, blank: Blank) -> Any:
    """What was typed into a field; None where it may be empty and is. Raises BadValue."""
    text = visit.text(blank.name, blank.longest)
    if not text and blank.optional:
        return None
    if not blank.looks.fullmatch(text):
        raise BadValue(visit.tell(blank.wrong), blank.name)
    return int(text) if blank.number else text


def _was_asked(conn: sa.Connection, lot_id: str, deed: Deed) -> bool:
    return any(one.state not in ("failed", "withdrawn") for one in kept.about(conn, lot_id, deed.section, lot_id))


async def _shown(visit: Visit, deed: Deed) -> dict[str, Any]:
    lot_id = visit.here.lot_id
    asked = deed.once and await visit.office.database.read(lambda conn: _was_asked(conn, lot_id, deed))
    first = {"name": visit.here.name, "phone": visit.here.contact}
    return {"deed": deed, "asked": asked, "first": first}


PAGES = (at_bolink, deed, ask_deed, put_city)
