"""People: who works at the lot, what they may there, whether they may sign in."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import get, post
from litestar.params import FromPath

from taigan.languages import N_, SOURCE
from taigan.lot.errors import BadValue, Conflict, LotError
from taigan.rights import Right, Role
from taigan.storage.setup.staff import EVERYWHERE, Given, Person
from taigan.web.console.allowed import NotAllowed
from taigan.web.console.pages.people.signing import said_of_password
from taigan.web.console.signing.accounts import BadAccount, may_give, may_manage, new_password
from taigan.web.console.visit import Answer, Here, Visit

_TAKEN = {"login": N_("这个账号已经有人用。"), "name": N_("这个姓名已经有人用：记录里分不清谁是谁。")}
_RULE = {
    "login": N_("账号是 2 到 32 个小写字母、数字、点、下划线或减号，以字母或数字开头。"),
    "name": N_("姓名是 1 到 32 个字。"),
}


class Worker(msgspec.Struct):
    """Somebody who has a role in the lot. `here`: roles for it or for every lot; `elsewhere`: in how many more lots."""

    person: Person
    here: list[Given]
    elsewhere: int
    mine: bool  # the visitor may disable and reset the account


class NoSuchPerson(LotError):
    """Nobody of that login works at the lot."""

    code = "unknown_person"
    status = 404


@get("/lots/{lot_id:str}/people", right=Right.STAFF_SEE)
async def people_page(visit: Here) -> Answer:
    """Everybody who has a role here."""
    return await _people(visit)


@post("/lots/{lot_id:str}/people", right=Right.STAFF_SET)
async def add(visit: Here) -> Answer:
    """Make an account with a role in this lot, or give somebody who has one a role here."""
    try:
        role = _role(visit)
        login = visit.text("login", 32, needed=visit.tell(_RULE["login"])).lower()
        if visit.text("known", 1):
            await _known(visit, login)
            await visit.accounts.give(login, role, [visit.here.lot_id], by=visit.by(visit.text("reason", 200) or "-"))
            return visit.go(visit.in_lot("people", login), visit.tell("已给角色。"))
        password = new_password()
        by = visit.by(visit.text("reason", 200) or "-")
        await visit.accounts.create(login, visit.text("name", 32), password, by=by)
        await visit.accounts.give(login, role, [visit.here.lot_id], by=by)
    except BadAccount as error:
        return await _people(visit, BadValue(_said(visit, error), error.field))
    except BadValue as error:
        return await _people(visit, error)
    return visit.page("people/password.html", login=login, password=password, new=True)


@get("/lots/{lot_id:str}/people/{login:str}", right=Right.STAFF_SEE)
async def person_page(visit: Here, login: FromPath[str]) -> Answer:
    """One of them: roles, second factor, what can be done about the account."""
    worker = await _worker(visit, login)
    link = await visit.accounts.link_at(visit.provider, login)
    return visit.page("people/person.html", worker=worker, roles=_roles_to_give(visit, worker), link=link)


@post("/lots/{lot_id:str}/people/{login:str}/give", right=Right.STAFF_SET)
async def give(visit: Here, login: FromPath[str]) -> Answer:
    """Give another role in this lot."""
    await _worker(visit, login)
    await visit.accounts.give(login, _role(visit), [visit.here.lot_id], by=visit.by(_why(visit)))
    return visit.go(visit.in_lot("people", login), visit.tell("已给角色。"))


@post("/lots/{lot_id:str}/people/{login:str}/take", right=Right.STAFF_SET)
async def take(visit: Here, login: FromPath[str]) -> Answer:
    """Take a role in this lot back."""
    worker = await _worker(visit, login)
    role, lot_id = visit.text("role", 32), visit.here.lot_id
    if login == visit.person.person.login:
        raise Conflict(visit.tell("自己的角色由别人来收。"))
    known = {one.value: one for one in Role}
    if role not in known or role not in {one.role for one in worker.here if one.lot_id == lot_id}:
        raise Conflict(visit.tell("没有这个角色。"))
    if not may_give(visit.person.holder, known[role], lot_id):
        raise NotAllowed(*known[role].rights)
    await visit.accounts.take(login, role, lot_id, by=visit.by(_why(visit)))
    if any(one.role != role for one in worker.here if one.lot_id == lot_id) or worker.elsewhere:
        return visit.go(visit.in_lot("people"), visit.tell("角色已收回。"))
    return visit.go(visit.in_lot("people"), visit.tell("角色已收回，这个人在本场没有角色了。"))


@post("/lots/{lot_id:str}/people/{login:str}/disable", right=Right.STAFF_SET)
async def disable(visit: Here, login: FromPath[str]) -> Answer:
    """Let nobody in by the account, and end its sessions."""
    worker = await _mine(visit, login)
    await visit.accounts.disable(login, worker.person.disabled_at is None, by=visit.by(_why(visit)))
    said = visit.tell("账号已停用。") if worker.person.disabled_at is None else visit.tell("账号已启用。")
    return visit.go(visit.in_lot("people", login), said)


@post("/lots/{lot_id:str}/people/{login:str}/reset", right=Right.STAFF_SET)
async def reset(visit: Here, login: FromPath[str]) -> Answer:
    """Another password, which is shown once; the second factor is taken away."""
    await _mine(visit, login)
    password = new_password()
    await visit.accounts.reset(login, password, by=visit.by(_why(visit)))
    return visit.page("people/password.html", login=login, password=password, new=False)


async def _people(visit: Visit, error: BadValue | None = None) -> Answer:
    workers = [made for person, given in await visit.accounts.listed() if (made := _as_worker(visit, person, given))]
    chinese = visit.language == SOURCE
    rights = [
        (role.value, [right.zh if chinese else right.en for right in Right if right in role.rights])
        for role in Role
        if role is not Role.CAMERA
    ]
    values: dict[str, Any] = {"workers": workers, "roles": _roles_to_give(visit, None), "rights": rights}
    return (
        visit.page("people/people.html", **values)
        if error is None
        else visit.again("people/people.html", error, **values)
    )


def _as_worker(visit: Visit, person: Person, given: list[Given]) -> Worker | None:
    """None: they have no role here, and are none of the visitor's business."""
    lot_id = visit.here.lot_id
    here = [one for one in given if one.lot_id in (lot_id, EVERYWHERE)]
    if not here:
        return None
    holder = visit.person.holder
    mine = person.login != visit.person.person.login and may_manage(holder, given)
    return Worker(person, here, len({one.lot_id for one in given} - {lot_id, EVERYWHERE}), mine)


async def _worker(visit: Visit, login: str) -> Worker:
    found = await visit.accounts.find(login)
    worker = _as_worker(visit, *found) if found is not None else None
    if worker is None:
        raise NoSuchPerson(visit.tell("本场没有这个人。"), "login")
    return worker


async def _mine(visit: Visit, login: str) -> Worker:
    """Somebody whose account the visitor may disable and reset: they could have given each of its roles."""
    worker = await _worker(visit, login)
    if login == visit.person.person.login:
        raise Conflict(visit.tell("自己的账号由别人来停用或重设；改密码在“我的账号”。"))
    if not worker.mine:
        raise Conflict(visit.tell("这个人在别的车场有角色，或有您没有的权限：请能给这些角色的人来做。"))
    return worker


async def _known(visit: Visit, login: str) -> None:
    if await visit.accounts.find(login) is None:
        raise BadValue(visit.tell("没有这个账号。"), "login")


def _role(visit: Visit) -> Role:
    """The role that is to be given. Raises BadValue, NotAllowed."""
    named = visit.text("role", 32)
    role = next((one for one in Role if one.value == named and one is not Role.CAMERA), None)
    if role is None:
        raise BadValue(visit.tell("请选一个角色。"), "role")
    if not may_give(visit.person.holder, role, visit.here.lot_id):
        raise NotAllowed(*sorted(right for right in role.rights if not visit.may(right)))
    return role


def _roles_to_give(visit: Visit, worker: Worker | None) -> list[str]:
    has = {one.role for one in worker.here} if worker is not None else set()
    lot_id = visit.here.lot_id
    return [
        role.value
        for role in Role
        if role is not Role.CAMERA and role.value not in has and may_give(visit.person.holder, role, lot_id)
    ]


def _why(visit: Visit) -> str:
    return visit.text("reason", 200, needed=visit.tell("请写原因。"))


def _said(visit: Visit, error: BadAccount) -> str:
    if error.field == "password":
        return said_of_password(visit, error)
    return visit.tell((_TAKEN if str(error) == "another person has it" else _RULE)[error.field])


PAGES = (people_page, add, person_page, give, take, disable, reset)
