"""The console as a Litestar application; it trusts `Console` in front of it to have found out who is there."""

from __future__ import annotations

from functools import cache
from http import HTTPStatus
from typing import Any

import structlog
from litestar import Litestar, Request
from litestar.di import Provide
from litestar.exceptions import HTTPException, MethodNotAllowedException, NotFoundException

from taigan.languages import N_
from taigan.lot.errors import LotError
from taigan.storage.errors import StorageError
from taigan.web.asgi import BoundedPath, DecodedPath
from taigan.web.console.allowed import NotAllowed, SetUpFirst, SignInFirst, StaleForm, allowed
from taigan.web.console.pages import PAGES
from taigan.web.console.visit import Answer, Visit

log = structlog.get_logger("taigan.web")
AnyRequest = Request[Any, Any, Any]

_UNREACHED = N_("没有这个页面。")
_NOT_SO = N_("这个页面不能这样打开。")
_LATER = N_("数据库没有应答，请稍后再试。刚才填的没有丢：按浏览器的后退。")
_OURS = N_("平台出错了，日志里有详情。")
_STALE = N_("这个页面太旧了，没有执行。请重新打开，再做一次。")
_OTHERS = N_("这个页面是 %(login)s 打开的，现在登录的不是同一个人，所以没有执行。请重新打开页面。")
_CHOOSE = N_("这个密码是别人给的，请先换成自己的。")
_ADD_FACTOR = N_("您的角色登录时还要验证码，请先用手机绑定。")
_MAY_NOT = N_("您没有这个权限：%(right)s。")


def visit_of(request: AnyRequest) -> Visit:
    """Whoever came by."""
    visit: Visit = request.scope["state"]["visit"]
    return visit


def notice(visit: Visit, status: int, text: str, **values: Any) -> Answer:
    """A page that says one thing."""
    return visit.page("notice.html", status=status, text=visit.tell(text, **values))


def _sign_in_first(request: AnyRequest, error: SignInFirst) -> Answer:
    visit = visit_of(request)
    if visit.is_part:
        return notice(visit, HTTPStatus.UNAUTHORIZED, N_("请登录。"))
    if visit.signed is not None:
        return visit.go("/sign-in/code")
    return visit.go(visit.url("sign-in", next=visit.path if visit.method == "GET" and visit.path != "/" else None))


def _set_up_first(request: AnyRequest, error: SetUpFirst) -> Answer:
    visit = visit_of(request)
    text = _CHOOSE if error.path == "/account" else _ADD_FACTOR
    return visit.go(error.path, visit.tell(text), "bad")


def _not_allowed(request: AnyRequest, error: NotAllowed) -> Answer:
    visit = visit_of(request)
    chinese = visit.language == "zh-CN"
    rights = " / ".join(right.zh if chinese else right.en for right in error.rights)
    return notice(visit, HTTPStatus.FORBIDDEN, _MAY_NOT, right=rights)


def _stale(request: AnyRequest, error: StaleForm) -> Answer:
    visit = visit_of(request)
    if error.login:
        return notice(visit, HTTPStatus.FORBIDDEN, _OTHERS, login=error.login[:32])
    return notice(visit, HTTPStatus.FORBIDDEN, _STALE)


def _of_lot(request: AnyRequest, error: LotError) -> Answer:
    """What cannot be done stands on the page that it was asked for at; a thing that is not there is said by itself."""
    visit = visit_of(request)
    said = visit.rendering.error(error, visit)
    if visit.method == "POST" and error.status != HTTPStatus.NOT_FOUND and visit.form.get("back"):
        return visit.go(visit.back("/"), said, "bad")
    return visit.page("notice.html", status=error.status, text=said)


def _of_storage(request: AnyRequest, error: StorageError) -> Answer:
    log.warning("the database did not serve a page", path=request.scope.get("path_template"), error=str(error))
    return notice(visit_of(request), HTTPStatus.SERVICE_UNAVAILABLE, _LATER)


def _of_framework(request: AnyRequest, error: HTTPException) -> Answer:
    visit = visit_of(request)
    match error:
        case NotFoundException():
            return notice(visit, HTTPStatus.NOT_FOUND, _UNREACHED)
        case MethodNotAllowedException():
            answer = notice(visit, HTTPStatus.METHOD_NOT_ALLOWED, _NOT_SO)
            answer.headers.update(error.headers or {})
            return answer
        case _:
            return notice(visit, error.status_code, _NOT_SO)


def _of_anything(request: AnyRequest, error: Exception) -> Answer:
    log.error("a page failed", path=request.scope.get("path_template"), exc_info=error)
    return notice(visit_of(request), HTTPStatus.INTERNAL_SERVER_ERROR, _OURS)


@cache
def framework() -> Litestar:
    """The pages as a Litestar application, built once a process."""
    return Litestar(
        list(PAGES),
        dependencies={"visit": Provide(visit_of, sync_to_thread=False)},
        guards=[allowed],
        middleware=[DecodedPath, BoundedPath],
        exception_handlers={
            SignInFirst: _sign_in_first,
            SetUpFirst: _set_up_first,
            NotAllowed: _not_allowed,
            StaleForm: _stale,
            LotError: _of_lot,
            StorageError: _of_storage,
            HTTPException: _of_framework,
            Exception: _of_anything,
        },
        openapi_config=None,
        logging_config=None,
        debug=False,
    )
