"""The API as a Litestar application."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import msgspec
from litestar import Litestar, Router
from litestar.di import Provide
from litestar.handlers import HTTPRouteHandler
from litestar.openapi.config import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import Components, SecurityScheme

from taigan.web.api.allowed import allowed, holder_of
from taigan.web.api.bolink.deliveries import Deliveries
from taigan.web.api.bolink.kept import Kept
from taigan.web.api.bolink.messages import Messages
from taigan.web.api.bolink.vendors import Vendors
from taigan.web.api.common import AnyRequest
from taigan.web.api.community import Communities
from taigan.web.api.errands.at_bolink import AtBolink
from taigan.web.api.errands.errands import Errands
from taigan.web.api.errands.placed import Placed
from taigan.web.api.errands.reconciliations import Reconciliations
from taigan.web.api.lanes.alarms import Alarms
from taigan.web.api.lanes.exits import Exits
from taigan.web.api.lanes.lanes import LotLanes
from taigan.web.api.lanes.lots import Lots
from taigan.web.api.money.money import Money
from taigan.web.api.money.price_lists import PriceLists
from taigan.web.api.passes.blocked import BlockedDrivers
from taigan.web.api.passes.passes import Passes
from taigan.web.api.stays.orders import Orders
from taigan.web.api.stays.stays import Stays
from taigan.web.asgi import BoundedPath, DecodedPath
from taigan.web.errors import HANDLERS, of_body
from taigan.web.shown import resources as r
from taigan.web.shown.office import Office

_PICTURES = ("image/jpeg", "image/png")


class StrictRequest(AnyRequest):
    """Decodes JSON bodies straight into the handler's type; the framework would take "true" for true."""

    async def json(self) -> Any:
        field = self.route_handler.parsed_data_field
        assert field is not None
        try:
            return msgspec.json.decode(await self.body(), type=field.annotation)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise of_body(error) from None


def _operation_id(handler: HTTPRouteHandler, method: Any, path: Any) -> str:
    return re.sub("_(.)", lambda found: found[1].upper(), handler.handler_name)


def _office_of(request: AnyRequest) -> Office:
    office: Office = request.scope["state"]["office"]
    return office


@cache
def framework() -> Litestar:
    """The API as a Litestar application, built once a process.

    It trusts `Api` in front of it to have checked token, path and size, and finds the office in the request's state.
    """
    router = Router(
        "/api/v1",
        route_handlers=[
            Lots,
            Orders,
            Stays,
            LotLanes,
            Exits,
            Money,
            Passes,
            Errands,
            Reconciliations,
            AtBolink,
            Communities,
            Placed,
            Deliveries,
            Messages,
            Alarms,
            BlockedDrivers,
            Kept,
            PriceLists,
            Vendors,
        ],
        dependencies={
            "office": Provide(_office_of, sync_to_thread=False),
            "holder": Provide(holder_of, sync_to_thread=False),
        },
        guards=[allowed],
        middleware=[DecodedPath, BoundedPath],
    )
    return Litestar(
        [router],
        request_class=StrictRequest,
        exception_handlers=HANDLERS,
        logging_config=None,
        debug=False,
        openapi_config=OpenAPIConfig(
            title="taigan",
            use_handler_docstrings=True,
            version="1",
            description="A parking-lot platform that speaks BoLink (泊链). Times are ISO 8601 in UTC.",
            components=Components(security_schemes={"token": SecurityScheme(type="http", scheme="bearer")}),
            security=[{"token": []}],
            operation_id_creator=_operation_id,
            path="/schema",  # not reachable: `Api` serves it
            render_plugins=[JsonRenderPlugin()],
        ),
    )


@cache
def described() -> bytes:
    """The description of the API, OpenAPI 3.1 in JSON."""
    schema: Any = framework().openapi_schema.to_schema()
    for kind in r.STRICT:
        schema["components"]["schemas"][kind.__name__]["additionalProperties"] = False
    for operation in (operation for path in schema["paths"].values() for operation in path.values()):
        if operation["operationId"] in ("retryDelivery", "unblock"):
            operation["requestBody"]["required"] = False
        elif operation["operationId"] == "putPicture":
            operation["requestBody"] = {"required": True, "content": {kind: {} for kind in _PICTURES}}
        elif operation["operationId"] == "getPicture":
            operation["responses"]["200"]["content"] = {kind: {} for kind in _PICTURES}
    return msgspec.json.encode(schema)
