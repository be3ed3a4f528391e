"""The hub's HTTP: the lots' addresses in front, the drivers' pages and the admin's interface behind."""

from __future__ import annotations

import logging
from functools import cache
from http import HTTPStatus
from typing import Any

import msgspec
from litestar import Litestar, Request, Response, Router, get
from litestar.di import Provide
from litestar.enums import ScopeType
from litestar.exceptions import HTTPException, ValidationException
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.types import Receive, Scope, Send

from taigan.hub.admin import pushes as admin_pushes
from taigan.hub.admin import records as admin_records
from taigan.hub.admin.api import admin_only, admin_routes
from taigan.hub.admin.door import Door
from taigan.hub.admin.pages import admin_page_routes
from taigan.hub.errors import Unknown, Unusable
from taigan.hub.hub import Hub
from taigan.hub.pages.browser import browser_routes
from taigan.hub.pages.driver import Pages, driver_routes
from taigan.hub.pages.leaving import leaving_routes

logger = logging.getLogger(__name__)

_LARGEST_BODY = 256 * 1024


class ErrorBody(msgspec.Struct):
    """What went wrong, and with which field of the request."""

    code: str
    message: str
    field: str | None = None


class Failure(msgspec.Struct):
    """The body of every error of the admin's interface."""

    error: ErrorBody


class Health(msgspec.Struct):
    """The hub is there."""

    status: str = "ok"


@get("/healthz", sync_to_thread=False)
def healthz() -> Health:
    """Answers as long as the hub serves."""
    return Health()


class HubApp:
    """The hub as an ASGI application. `frame_ancestors` are the origins (CSP) that may show its pages in a frame."""

    def __init__(self, hub: Hub, *, frame_ancestors: str = "'self'") -> None:
        pages = Pages(hub, frame_ancestors)
        self._uplinks = hub.uplinks
        self._polls = hub.polls
        self._pages_ready = pages.ready
        self._behind = {"hub": hub, "door": Door(hub), "pages": pages}
        self._rest = _framework()
        self._browsed = {route.path for route in self._rest.routes}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == ScopeType.HTTP and self._is_uplink(scope["path"], scope["method"]):
            await self._uplinks(scope, receive, send)
        elif scope["type"] == ScopeType.HTTP and scope["path"] in self._polls.paths:
            await self._polls(scope, receive, send)
        else:
            if scope["type"] == ScopeType.HTTP:
                await self._pages_ready()
            inner: Any = {**scope, "state": {**scope.get("state", {}), **self._behind}}
            await self._rest(inner, receive, send)

    def _is_uplink(self, path: str, method: str) -> bool:
        """A lot's message: also to an address that is none. What browsers ask for there, they do not post to."""
        return path in self._uplinks.interfaces or (
            method == "POST" and path.startswith("/unionapi/") and path not in self._browsed
        )


def _answer(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    status, body = _explain(error)
    if status == HTTPStatus.INTERNAL_SERVER_ERROR:
        logger.error("a request failed", exc_info=error)
    headers = dict(error.headers or {}) if isinstance(error, HTTPException) else {}
    if request.url.path.startswith("/admin/") or request.url.path == "/healthz":
        return Response(Failure(body), status_code=status, headers=headers, media_type="application/json")
    kind = "missing" if status == HTTPStatus.NOT_FOUND else "error"
    pages = _the_pages(request)
    page = pages.page("notice.html", pages.stranger(request), status=status, again="", kind=kind)
    page.headers.update(headers)
    return page


def _the_hub(request: Request[Any, Any, Any]) -> Hub:
    hub: Hub = request.scope["state"]["hub"]
    return hub


def _the_door(request: Request[Any, Any, Any]) -> Door:
    door: Door = request.scope["state"]["door"]
    return door


def _the_pages(request: Request[Any, Any, Any]) -> Pages:
    pages: Pages = request.scope["state"]["pages"]
    return pages


@cache
def _framework() -> Litestar:
    """What stands behind the lots' addresses, built once a process; the hub that it serves comes with each request."""
    return Litestar(
        route_handlers=[
            healthz,
            driver_routes(),
            leaving_routes(),
            browser_routes(),
            admin_routes([*admin_records.HANDLERS, *admin_pushes.HANDLERS]),
            admin_page_routes(),
        ],
        dependencies={
            "hub": Provide(_the_hub, sync_to_thread=False),
            "door": Provide(_the_door, sync_to_thread=False),
            "pages": Provide(_the_pages, sync_to_thread=False),
        },
        exception_handlers={Exception: _answer, HTTPException: _answer},
        request_max_body_size=_LARGEST_BODY,
        openapi_config=OpenAPIConfig(
            title="taigan hub",
            version="1",
            render_plugins=[JsonRenderPlugin()],
            openapi_router=Router(path="/admin/schema", route_handlers=[], guards=[admin_only]),
        ),
        logging_config=None,
    )


_CODES = {
    400: "bad_request",
    401: "unauthorized",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    413: "too_large",
    429: "too_many_tries",
    500: "internal",
}


def _explain(error: Exception) -> tuple[int, ErrorBody]:
    match error:
        case Unknown():
            return HTTPStatus.NOT_FOUND, ErrorBody("not_found", str(error), error.field)
        case Unusable():
            return HTTPStatus.BAD_REQUEST, ErrorBody("unusable", str(error), error.field)
        case UnicodeDecodeError() | RecursionError():
            return HTTPStatus.BAD_REQUEST, ErrorBody("bad_request", "the body cannot be read")
        case ValidationException():
            return HTTPStatus.BAD_REQUEST, _invalid(error)
        case HTTPException():
            return error.status_code, ErrorBody(_CODES.get(error.status_code, "refused"), error.detail)
    return HTTPStatus.INTERNAL_SERVER_ERROR, ErrorBody("internal", "the hub failed; see its log")


def _invalid(error: ValidationException) -> ErrorBody:
    first = error.extra[0] if isinstance(error.extra, list) and error.extra else None
    if not isinstance(first, dict):
        return ErrorBody("invalid", error.detail)
    key = first.get("key")
    message = str(first.get("message", error.detail))
    if message == "'data'":
        message = "the body is missing"
    return ErrorBody("invalid", message, None if key == "data" else key)
