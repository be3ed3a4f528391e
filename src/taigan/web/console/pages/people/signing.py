"""Signing in and out, and a person's own account."""

from __future__ import annotations

from http import HTTPStatus

from litestar import get, post

from taigan.languages import N_
from taigan.lot.errors import BadValue
from taigan.web.console.allowed import Who
from taigan.web.console.signing import accounts
from taigan.web.console.signing.accounts import BadAccount, Refused
from taigan.web.console.visit import Answer, Here, Visit, is_local

_WRONG = N_("账号或密码不对。")
_WRONG_CODE = N_("验证码不对，或已经用过。")
_WRONG_PASSWORD = N_("现在的密码不对。")
_WAIT = N_("试得太多了，请等 %(seconds)d 秒再试。")
_STILL_THERE = N_("已退出值班台。在“%(name)s”那边可能还登录着：别人也用这台电脑时，请也在那边退出。")
_NOT_TWICE = N_("两次填的不一样。")
_PASSWORD_RULE = {
    "too easy to guess": N_("太容易猜到。"),
    "it is the one that you have": N_("和现在的一样。"),
}
_LENGTH = N_("密码要 %(least)d 到 %(most)d 个字。")


@get("/sign-in", right=Who.ANYBODY)
async def sign_in_page(visit: Here) -> Answer:
    """Where a person signs in. The browser gets a token first, so that the form is known to be ours."""
    if visit.signed is not None:
        return visit.go("/" if visit.signed.session.whole else "/sign-in/code")
    know_browser(visit)
    return visit.page("people/sign_in.html")


@post("/sign-in", right=Who.ANYBODY)
async def sign_in(visit: Here) -> Answer:
    """Open a session, whichever the browser had before ends."""
    try:
        login, password = visit.text("login", 64), visit.form.get("password", "")
        token = await visit.accounts.sign_in(login, password, visit.address)
    except Refused as refused:
        status = HTTPStatus.TOO_MANY_REQUESTS if refused.wait else HTTPStatus.UNAUTHORIZED
        visit.wrong["password"] = said_of_waiting(visit, refused) if refused.wait else visit.tell(_WRONG)
        return visit.page("people/sign_in.html", status=status)
    except BadValue as error:
        return visit.again("people/sign_in.html", error)
    if visit.signed is not None:
        await visit.accounts.sign_out(visit.token)
    visit.start_session(token)
    wanted = visit.form.get("next", "")
    return visit.go(wanted if is_local(wanted) else "/")


@get("/sign-in/code", right=Who.ANYBODY)
async def code_page(visit: Here) -> Answer:
    """The second factor."""
    if visit.signed is None or visit.signed.session.whole:
        return visit.go("/" if visit.signed is not None else "/sign-in")
    return visit.page("people/sign_in_code.html")


@post("/sign-in/code", right=Who.ANYBODY)
async def code(visit: Here) -> Answer:
    """The code that the person's phone shows."""
    try:
        await visit.accounts.confirm(visit.token, visit.form.get("code", "")[:16], visit.address)
    except Refused as refused:
        status = HTTPStatus.TOO_MANY_REQUESTS if refused.wait else HTTPStatus.UNAUTHORIZED
        visit.wrong["code"] = said_of_waiting(visit, refused) if refused.wait else visit.tell(_WRONG_CODE)
        return visit.page("people/sign_in_code.html", status=status)
    return visit.go("/")


@post("/sign-out", right=Who.ANYBODY)
async def sign_out(visit: Here) -> Answer:
    """End the session. The one at a provider is the provider's: whoever comes next may be let in by it."""
    vouched = visit.signed is not None and visit.signed.session.issuer
    await visit.accounts.sign_out(visit.token)
    if not vouched:
        visit.end_session()
        return visit.go("/sign-in")
    visit.token = ""
    know_browser(visit)
    return visit.go("/sign-in", visit.tell(_STILL_THERE, name=name_of_provider(visit)))


@get("/account", right=Who.PERSON)
async def account_page(visit: Here) -> Answer:
    """The person's own account: what they may where, password, second factor."""
    return await show_account(visit)


@post("/account/password", right=Who.PERSON)
async def change_password(visit: Here) -> Answer:
    """Choose another password."""
    password = visit.form.get("password", "")
    if password != visit.form.get("again", ""):
        visit.wrong["again"] = visit.tell(_NOT_TWICE)
        return await show_account(visit, HTTPStatus.UNPROCESSABLE_ENTITY)
    try:
        await visit.accounts.change_password(visit.person, visit.form.get("before", ""), password)
    except Refused as refused:
        visit.wrong["before"] = said_of_proof(visit, refused)
        return await show_account(visit, HTTPStatus.UNPROCESSABLE_ENTITY)
    except BadAccount as error:
        visit.wrong["password"] = said_of_password(visit, error)
        return await show_account(visit, HTTPStatus.UNPROCESSABLE_ENTITY)
    return visit.go("/account", visit.tell("密码已改，其他浏览器已退出。"))


@get("/account/second-factor", right=Who.PERSON)
async def second_factor_page(visit: Here) -> Answer:
    """A new secret for the phone's authenticator, as a code to scan and as text."""
    return _second_factor(visit, accounts.new_secret())


@post("/account/second-factor", right=Who.PERSON)
async def set_second_factor(visit: Here) -> Answer:
    """The phone has the secret, as the code that it shows proves. Another phone takes the password too: whoever sits at
    an unlocked screen has that one's session and no more."""
    secret = visit.form.get("secret", "")
    try:
        accounts.check_secret(secret)
        if visit.person.person.totp_secret:
            await visit.accounts.prove(visit.person, visit.form.get("proof", ""))
    except Refused as refused:
        visit.wrong["proof"] = said_of_proof(visit, refused)
        return _second_factor(visit, secret, HTTPStatus.UNPROCESSABLE_ENTITY)
    except ValueError:
        return visit.go("/account/second-factor")
    try:
        await visit.accounts.set_second_factor(visit.person, secret, visit.form.get("code", "")[:16])
    except Refused as refused:
        visit.wrong["code"] = said_of_waiting(visit, refused) if refused.wait else visit.tell(_WRONG_CODE)
        return _second_factor(visit, secret, HTTPStatus.UNPROCESSABLE_ENTITY)
    return visit.go("/account", visit.tell("以后登录时要填手机上的验证码。"))


def name_of_provider(visit: Visit) -> str:
    """What people call the account that they have elsewhere."""
    return (visit.provider.name if visit.provider is not None else "") or visit.tell(N_("公司账号"))


def said_of_waiting(visit: Visit, refused: Refused) -> str:
    """That there were too many tries."""
    return visit.tell(_WAIT, seconds=refused.wait)


def said_of_proof(visit: Visit, refused: Refused) -> str:
    """That the present password was wrong, or that there were too many tries."""
    return said_of_waiting(visit, refused) if refused.wait else visit.tell(_WRONG_PASSWORD)


def said_of_password(visit: Visit, error: BadAccount) -> str:
    """What is wrong with a password that somebody wants."""
    if rule := _PASSWORD_RULE.get(str(error)):
        return visit.tell(rule)
    return visit.tell(_LENGTH, least=accounts.SHORTEST_PASSWORD, most=accounts.LONGEST_PASSWORD)


async def show_account(visit: Visit, status: int = HTTPStatus.OK) -> Answer:
    """The person's own account, with what was wrong in one of its forms."""
    login = visit.person.person.login
    grants, link = await visit.accounts.grants_of(login), await visit.accounts.link_at(visit.provider, login)
    return visit.page("people/account.html", status=status, grants=grants, link=link)


def _second_factor(visit: Visit, secret: str, status: int = HTTPStatus.OK) -> Answer:
    drawn = accounts.code_of_secret(secret, visit.person.person.login)
    return visit.page("people/second_factor.html", status=status, secret=secret, drawn=drawn)


def know_browser(visit: Visit) -> None:
    """Give a browser that has no token one: it proves that the sign-in form is from here."""
    if not visit.token:
        visit.token = accounts.new_token()
        visit.start_session(visit.token)


PAGES = (
    sign_in_page,
    sign_in,
    code_page,
    code,
    sign_out,
    account_page,
    change_password,
    second_factor_page,
    set_second_factor,
)
