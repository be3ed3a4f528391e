"""How the API says no: `{"error": {"code", "message", "field"}}`, whatever went wrong."""

from __future__ import annotations

import re
from typing import Any

import msgspec
import structlog
from litestar import Request, Response
from litestar.exceptions import HTTPException, MethodNotAllowedException, NotFoundException, ValidationException

from taigan.lot.errors import LotError
from taigan.storage.errors import StorageError
from taigan.web.asgi import Send, respond

log = structlog.get_logger("taigan.web")


class Problem(msgspec.Struct):
    """What is wrong, for a program (`code`), for a person (`message`), and with which field or path part, if any."""

    code: str
    message: str
    field: str | None = None


class ErrorBody(msgspec.Struct):
    """Every error of the API."""

    error: Problem


class Refused(Exception):
    """A request that is not carried out."""

    def __init__(
        self, status: int, code: str, message: str, field: str = "", headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.headers = headers or {}
        self.body = ErrorBody(Problem(code, message, field or None))


def bad_value(message: str, field: str = "") -> Refused:
    """A value that cannot be used."""
    return Refused(400, "bad_value", message, field)


def not_found(message: str = "there is nothing at this address") -> Refused:
    """An address nobody answers at."""
    return Refused(404, "not_found", message)


async def send_refusal(send: Send, refused: Refused) -> None:
    """Answer in front of the framework."""
    headers = [(name.encode(), value.encode()) for name, value in refused.headers.items()]
    await respond(send, refused.status, msgspec.json.encode(refused.body), "application/json", headers)


Handled = Response[ErrorBody]


def _response(refused: Refused) -> Handled:
    return Response(refused.body, status_code=refused.status, headers=refused.headers, media_type="application/json")


def _of_refused(request: Request[Any, Any, Any], error: Refused) -> Handled:
    return _response(error)


def _of_lot(request: Request[Any, Any, Any], error: LotError) -> Handled:
    return _response(Refused(error.status, error.code, error.message, error.field))


def of_storage(error: StorageError, path: str) -> Refused:
    """The database cannot serve now."""
    log.warning("the database did not serve a request", path=path, error=str(error))
    return Refused(503, "unavailable", "the database does not answer; try again", headers={"retry-after": "1"})


def _of_storage(request: Request[Any, Any, Any], error: StorageError) -> Handled:
    return _response(of_storage(error, _template(request.scope)))


def _of_framework(request: Request[Any, Any, Any], error: HTTPException) -> Handled:
    match error:
        case ValidationException(extra=[{"message": str(message), **where}, *_]):
            # a handler's `state_` is the query's `state`, a word the framework keeps for itself
            return _response(bad_value(plain(message), str(where.get("key", "")).removeprefix("data").rstrip("_")))
        case ValidationException(detail=str(said)) if missing := _MISSING.match(said):
            return _response(bad_value("is missing", missing["name"]))
        case NotFoundException():
            return _response(not_found())
        case MethodNotAllowedException():
            allowed = dict(error.headers or {})
            return _response(
                Refused(405, "method_not_allowed", f"only {allowed.get('allow', 'other methods')}", headers=allowed)
            )
        case _:
            return _response(Refused(error.status_code, "bad_request", error.detail))


def _of_anything(request: Request[Any, Any, Any], error: Exception) -> Handled:
    log.error("a request failed", path=_template(request.scope), exc_info=error)
    return _response(Refused(500, "internal", "this is an error of the platform; its log says more"))


def _template(scope: Any) -> str:
    return str(scope.get("path_template") or scope.get("path"))


HANDLERS: dict[int | type[Exception], Any] = {
    Refused: _of_refused,
    LotError: _of_lot,
    StorageError: _of_storage,
    HTTPException: _of_framework,
    Exception: _of_anything,
}
"""What the framework is told to do with exceptions, by type."""

_MISSING = re.compile(r"Missing required query parameter '(?P<name>\w+)'")
_AT = re.compile(r" - at `\$\.?(?P<where>.*)`$")
_NAMED = re.compile(r"(?P<what>missing required|contains unknown) field `(?P<field>.*)`$")
_KINDS = {"str": "text", "int": "a whole number", "bool": "true or false", "object": "an object", "array": "a list"}


def of_body(error: Exception) -> Refused:
    """What is wrong with a JSON body: it cannot be read, or a field of it cannot be used."""
    if not isinstance(error, msgspec.ValidationError):
        return Refused(400, "bad_json", "the body is not JSON in UTF-8")
    text = str(error)
    found = _AT.search(text)
    field = found["where"] if found else ""
    text = text[: found.start()] if found else text
    if named := _NAMED.search(text):
        field = f"{field}.{named['field']}".strip(".")
        return bad_value(f"{field} is missing" if "missing" in named["what"] else f"{field} is not known", field)
    return bad_value(plain(text), field)


def plain(message: str) -> str:
    """The codec's complaint in words."""
    if re.match(r"Expected `\w+` matching regex", message):
        return "must be text without NUL, not blank, in the form the documentation gives"
    if found := re.match(r"Expected `(\w+)(?: \| null)?`, got `(\w+)`", message):
        return f"must be {_KINDS.get(found[1], found[1])}, not {_KINDS.get(found[2], found[2])}"
    if found := re.match(r"Expected `(\w+)` of length (<=|>=) (\d+)", message):
        return f"must have at {'most' if found[2] == '<=' else 'least'} {found[3]} characters"
    if found := re.match(r"Expected `\w+` (<=|>=) (-?[\d.]+)", message):
        return f"must be {'at most' if found[1] == '<=' else 'at least'} {found[2]}"
    return "is missing" if message == "'data'" else message
