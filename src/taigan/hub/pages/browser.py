"""Where browsers are sent besides the lanes' codes: a lot's merchant data (2.4), a driver's number (7), the counter.

The counter is where a person pays, signs or takes money: the addresses that payments, contracts and red packets are
answered with lead there. Whoever has such an address may act on it.
"""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import Any

import msgspec
import sqlalchemy as sa
from litestar import Response, Router, get, post, route
from litestar.enums import HttpMethod
from litestar.response import Redirect

from taigan.bolink import BadMessage, by_section, moment, read, seconds, write, yuan
from taigan.bolink.chapters.lots import Merchant, OnboardingPage, OnboardLot
from taigan.bolink.chapters.no_plate import with_licence
from taigan.bolink.values import MerchantType, OnboardingKind
from taigan.hub.book import records, registry
from taigan.hub.book.records import Kind, Record
from taigan.hub.book.registry import Lot
from taigan.hub.book.trail import Trail
from taigan.hub.drivers.drivers import Purpose, proof, proves
from taigan.hub.errors import Unusable
from taigan.hub.pages.driver import LICENCE_PATH, AnyRequest, FromPages, Pages, Visit, log_in, read_form
from taigan.hub.sending.addresses import same_host
from taigan.hub.taking import lots
from taigan.hub.taking.money import settlement
from taigan.hub.taking.money.settlement import move
from taigan.hub.taking.uploads import COUNTER_PATH

ONBOARDING_PATH = "/web/parkingos/onboarding"
_PAGE_VALID = 86400
_BACK = re.compile(r"https?://[^\s\0]{1,2000}")
_TEXTS = {"merchant_shortname": 16, "merchant_name": 40, "license_address": 100}


@get(by_section("2.4").path)
async def onboarding(request: AnyRequest, pages: FromPages) -> Response[Any]:
    """2.4: the vendor's signed address, exchanged for the page of one lot."""
    visit = pages.stranger(request)
    try:
        asked = read(msgspec.json.encode(visit.query), OnboardingPage)
        age = abs((pages.hub.book.clock.now() - moment(asked.timestamp // 1000, "timestamp")).total_seconds())
    except BadMessage:
        return _refused(pages, visit, HTTPStatus.BAD_REQUEST)
    union_id = str(asked.union_id)
    keys = await pages.hub.book.read(registry.keys, union_id, pages.hub.book.clock.now())
    if age > _PAGE_VALID or not any(asked.signed_by(key) for key in keys):
        return _refused(pages, visit, HTTPStatus.FORBIDDEN)
    lot_id = registry.lot_id_of(union_id, asked.park_id)
    if await pages.hub.book.read(registry.lot, lot_id) is None:
        return _refused(pages, visit, HTTPStatus.NOT_FOUND)
    until = str(asked.timestamp // 1000 + _PAGE_VALID)
    proven = proof(pages.hub.book.secret, Purpose.ONBOARDING, lot_id, until)
    return Redirect(visit.url(ONBOARDING_PATH, lot_id=lot_id, until=until, proof=proven))


@get(ONBOARDING_PATH)
async def onboarding_form(request: AnyRequest, pages: FromPages) -> Response[Any]:
    """The form for a lot's merchant data."""
    visit = pages.stranger(request)
    found = await _lot_of(pages, visit.query)
    if found is None:
        return _refused(pages, visit, HTTPStatus.FORBIDDEN)
    known = await pages.hub.book.read(records.find, Kind.MERCHANTS, found.union_id, found.lot_id, "")
    shown: dict[str, Any] = {"of_lot": found, "known": known, "asked": visit.query, "texts": _TEXTS}
    return pages.page("opened/onboarding.html", visit, wrong=False, **shown)


@post(ONBOARDING_PATH, status_code=HTTPStatus.SEE_OTHER)
async def onboard(request: AnyRequest, pages: FromPages) -> Response[Any]:
    """Take the merchant data, once."""
    visit, form = pages.stranger(request), await read_form(request)
    found = await _lot_of(pages, form)
    if found is None:
        return _refused(pages, visit, HTTPStatus.FORBIDDEN)
    given = {name: form.get(name, "").strip() for name in _TEXTS}
    if any(not text or len(text) > _TEXTS[name] or "\0" in text for name, text in given.items()):
        values: dict[str, Any] = {"of_lot": found, "known": None, "asked": form, "texts": _TEXTS}
        return pages.page("opened/onboarding.html", visit, status=HTTPStatus.BAD_REQUEST, wrong=True, **values)
    await pages.hub.book.write(_keep_merchant, found, given, pages.hub.new_code() + pages.hub.new_code())
    query = {name: form[name] for name in ("lot_id", "until", "proof")}
    return Redirect(visit.url(ONBOARDING_PATH, **query), status_code=303)


def _keep_merchant(conn: sa.Connection, trail: Trail, lot: Lot, given: dict[str, str], code: str) -> None:
    if records.find(conn, Kind.MERCHANTS, lot.union_id, lot.lot_id, "") is not None:
        return
    merchant = Merchant(
        merchant_type=MerchantType.MICRO,
        merchant_shortname=given["merchant_shortname"],
        merchant_name=given["merchant_name"],
        license_address=given["license_address"],
        regprov_id=110000,
        regcity_id=110100,
        regarea_id=110101,
    )
    message = OnboardLot(park_id=lot.park_id, incom_type=OnboardingKind.REAL_NAME, base_info=merchant)
    detail = {"merchant_name": given["merchant_name"]}
    records.add(
        conn,
        trail,
        Kind.MERCHANTS,
        lot.union_id,
        lot.lot_id,
        "",
        code,
        state=lots.SUBMITTED,
        data=write(message),
        detail=detail,
    )


async def _lot_of(pages: Pages, given: dict[str, str]) -> Lot | None:
    """The lot that an address leads to, as long as the vendor's own address is good."""
    lot_id, until = given.get("lot_id", ""), given.get("until", "")
    if not proves(given.get("proof", ""), pages.hub.book.secret, Purpose.ONBOARDING, lot_id, until):
        return None
    if seconds(pages.hub.book.clock.now()) > int(until):
        return None
    return await pages.hub.book.read(registry.lot, lot_id)


def _may_ask(conn: sa.Connection, hosts: tuple[str, ...], back: str) -> bool:
    """Whether an address is at a host that may learn drivers' numbers."""
    own = [vendor.callback_url for vendor in registry.known_vendors(conn)]
    return any(same_host(back, url) for url in (*own, *(f"//{host}" for host in hosts)))


@route(LICENCE_PATH, http_method=[HttpMethod.GET, HttpMethod.HEAD])
async def licence(request: AnyRequest, pages: FromPages) -> Response[Any]:
    """7: back to where the browser came from, with the driver's number; made at the first time."""
    visit = await pages.visit(request)
    back = visit.query.get("redirectUrl", "")
    if not _BACK.fullmatch(back) or not await pages.hub.book.read(_may_ask, pages.hub.rules.redirect_hosts, back):
        return _refused(pages, visit, HTTPStatus.BAD_REQUEST)
    if visit.driver is None:
        return log_in(pages, request, visit, {"redirectUrl": back}, {}, template="opened/licence.html")
    return Redirect(with_licence(back, visit.driver.licence))


@get(COUNTER_PATH)
async def counter(request: AnyRequest, pages: FromPages) -> Response[Any]:
    """What there is to pay, to sign or to take."""
    visit = pages.stranger(request)
    record = await pages.hub.book.read(records.find_by_code, visit.query.get("v", ""))
    return _refused(pages, visit, HTTPStatus.NOT_FOUND) if record is None else _counter(pages, visit, record)


@post(COUNTER_PATH, status_code=HTTPStatus.SEE_OTHER)
async def act(request: AnyRequest, pages: FromPages) -> Response[Any]:
    """Pay, sign or take it, or let it be."""
    visit, form = pages.stranger(request), await read_form(request)
    record = await pages.hub.book.read(records.find_by_code, form.get("v", ""))
    if record is None:
        return _refused(pages, visit, HTTPStatus.NOT_FOUND)
    if form.get("state", "") in _BUTTONS.get(record.kind, ()):
        try:
            _, outgoing = await pages.hub.book.write(
                move, pages.hub.rules, pages.hub.faults, record.id, form["state"], pages.hub.public_url
            )
        except Unusable:
            outgoing = []
        pages.hub.postbox.send_soon(outgoing)
    return Redirect(visit.url(COUNTER_PATH, v=record.code), status_code=303)


_BUTTONS: dict[str, tuple[str, ...]] = {
    Kind.PAYMENTS: ("paid", "failed"),
    Kind.SPLITS: ("signed",),
    Kind.CHANGE: ("received", "returned"),
}
"""What a person at the counter may do."""


def _counter(pages: Pages, visit: Visit, record: Record) -> Response[Any]:
    following = settlement.NEXT.get(record.kind, {}).get(record.state, ())
    buttons = [state for state in _BUTTONS.get(record.kind, ()) if state in following]
    return pages.page("opened/counter.html", visit, record=record, money=yuan(record.fen), buttons=buttons)


def _refused(pages: Pages, visit: Visit, status: HTTPStatus) -> Response[Any]:
    return pages.page("notice.html", visit, status=status, again="", kind="missing")


def browser_routes() -> Router:
    """The addresses for browsers."""
    handlers = [onboarding, onboarding_form, onboard, licence, counter, act]
    return Router(path="/", route_handlers=handlers, include_in_schema=False)
