"""Signing in by an account elsewhere: to the provider, back from it, and which account a person is let in by."""

from __future__ import annotations

from http import HTTPStatus

import structlog
from litestar import get, post
from litestar.exceptions import NotFoundException

from taigan.languages import N_
from taigan.web.console.allowed import Who
from taigan.web.console.pages.people.signing import (
    know_browser,
    name_of_provider,
    said_of_proof,
    said_of_waiting,
    show_account,
)
from taigan.web.console.signing.accounts import BadAccount, Refused, Unlinked
from taigan.web.console.signing.elsewhere import Flow, Identity, NotVouched, Provider, Unreached, new_flow, printable
from taigan.web.console.visit import Answer, Here, Visit, is_local

log = structlog.get_logger("taigan.web")

LONGEST_CODE = 4096
_UNREACHED = N_("“%(name)s”没有应答，请稍后再试，或用密码登录。")
_LOST = N_("这次登录不是从这个浏览器开始的，或者过了太久，请再来一次。")
_CANCELLED = N_("在“%(name)s”那边没有同意登录。")
_NOT_VOUCHED = N_("“%(name)s”没有证明您是谁，没有登录。请再来一次；还是不行时请管理人员看日志。")
_UNLINKED = N_(
    "“%(name)s”的账号 %(account)s 还没有连到值班台的任何人。先用密码登录，在“我的账号”里连上，或请管理人员来连。"
)
_DISABLED = N_("这个人的账号已停用。")
_AGAINST = {
    "subject": N_("那个账号已经连着另一个人。"),
    "login": N_("您已经连着另一个账号，先取消那个。"),
}
_LINKED = N_("以后可以用“%(name)s”登录了。")
_UNLINKED_NOW = N_("已取消，以后用密码登录。")


@get("/sign-in/oidc", right=Who.ANYBODY)
async def leave(visit: Here) -> Answer:
    """To the provider. Whoever is signed in already stays who they are."""
    provider = _provider(visit)
    if visit.signed is not None:
        return visit.go("/")
    know_browser(visit)
    wanted = visit.asked.get("next", "")
    flow = new_flow(visit.now, to=wanted if is_local(wanted) and len(wanted.encode()) < 1024 else "")
    try:
        visit.accounts.unless_too_many(visit.address)
        address = await provider.address(flow)
    except Refused as refused:
        return _not_in(visit, flow, said_of_waiting(visit, refused))
    except Unreached:
        return _not_in(visit, flow, _said(visit, _UNREACHED))
    visit.start_flow(flow)
    return visit.go(address)


@get("/sign-in/oidc/back", right=Who.ANYBODY)
async def come_back(visit: Here) -> Answer:
    """Back from the provider, with a code that it tells us for who came, or with an error."""
    provider = _provider(visit)
    know_browser(visit)
    visit.end_flow()
    flow = visit.flow
    if flow is None or not flow.fits(visit.asked.get("state", ""), visit.now):
        return _not_in(visit, None, visit.tell(_LOST))
    try:
        visit.accounts.unless_too_many(visit.address)
        identity = await _identify(visit, provider, flow)
    except Refused as refused:
        return _not_in(visit, flow, said_of_waiting(visit, refused))
    except Unreached as error:
        log.warning("a sign-in by the provider failed", error=str(error))
        return _not_in(visit, flow, _said(visit, _UNREACHED))
    except NotVouched as error:
        log.warning("a sign-in by the provider was refused", error=str(error))
        visit.accounts.note_failed(visit.address)
        cancelled = visit.asked.get("error") == "access_denied"
        return _not_in(visit, flow, _said(visit, _CANCELLED if cancelled else _NOT_VOUCHED))
    return await (_link if flow.linking else _enter)(visit, flow, identity)


@post("/account/link", right=Who.PERSON)
async def begin_link(visit: Here) -> Answer:
    """The person gives their password once more, and goes to the provider to show which account is theirs.

    No redirect: browsers hold those that follow a form to where forms may go, and that is here alone.
    """
    provider = _provider(visit)
    flow = new_flow(visit.now, linking=visit.person.person.login)
    try:
        await visit.accounts.prove(visit.person, visit.form.get("proof", ""))
        address = await provider.address(flow)
        await visit.accounts.begin_link(visit.person, flow)
    except Refused as refused:
        visit.wrong["proof"] = said_of_proof(visit, refused)
        return await show_account(visit, HTTPStatus.UNPROCESSABLE_ENTITY)
    except Unreached:
        return visit.go("/account", _said(visit, _UNREACHED), "bad")
    visit.start_flow(flow)
    answer = visit.page("people/leaving.html", address=address)
    answer.headers["refresh"] = f"0; url={address}"
    return answer


@post("/account/unlink", right=Who.PERSON)
async def unlink(visit: Here) -> Answer:
    """The password alone from now on. This browser stays signed in, others that came that way do not."""
    provider = _provider(visit)
    session = visit.person.session
    await visit.accounts.unlink(session.login, provider.issuer, by=visit.by(), but=session.digest)
    return visit.go("/account", visit.tell(_UNLINKED_NOW))


async def _identify(visit: Visit, provider: Provider, flow: Flow) -> Identity:
    """Who came back. Raises Unreached, NotVouched."""
    await provider.check_sender(visit.asked.get("iss", ""))
    code = visit.asked.get("code", "")
    if "error" in visit.asked or not 0 < len(code) <= LONGEST_CODE:
        said = " ".join(visit.asked.get(name, "") for name in ("error", "error_description"))
        raise NotVouched(f"the provider sent no code: {printable(said, 200)}")
    return await provider.identify(code, flow)


async def _enter(visit: Visit, flow: Flow, identity: Identity) -> Answer:
    try:
        token = await visit.accounts.enter(identity, visit.address)
    except Unlinked:
        return _not_in(visit, flow, _said(visit, _UNLINKED, account=identity.name or identity.subject))
    except Refused:
        return _not_in(visit, flow, visit.tell(_DISABLED))
    visit.start_session(token)
    return visit.go(flow.next or "/")


async def _link(visit: Visit, flow: Flow, identity: Identity) -> Answer:
    if visit.signed is None or not visit.signed.session.whole:
        return _not_in(visit, None, visit.tell(_LOST))
    try:
        await visit.accounts.end_link(visit.signed, identity, flow)
    except Refused:
        return visit.go("/account", visit.tell(_LOST), "bad")
    except BadAccount as error:
        return visit.go("/account", visit.tell(_AGAINST[error.field]), "bad")
    return visit.go("/account", _said(visit, _LINKED))


def _provider(visit: Visit) -> Provider:
    if visit.provider is None:
        raise NotFoundException
    return visit.provider


def _not_in(visit: Visit, flow: Flow | None, said: str) -> Answer:
    """Where the person began, with a sentence: the address with the code is not kept on the screen."""
    if flow is not None and flow.linking:
        return visit.go("/account", said, "bad")
    return visit.go(visit.url("sign-in", next=flow.next if flow is not None else None), said, "bad")


def _said(visit: Visit, text: str, **values: str) -> str:
    """A sentence that names the provider."""
    return visit.tell(text, name=name_of_provider(visit), **values)


PAGES = (leave, come_back, begin_link, unlink)
