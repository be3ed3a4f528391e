"""Is the process there, can it work, what did it count. Open to everyone: nothing in it is a secret."""

from __future__ import annotations

import msgspec
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from taigan.lot.signals.metrics import Metrics
from taigan.running.tasks import within
from taigan.storage.database import Database
from taigan.storage.errors import StorageError
from taigan.storage.shown import views
from taigan.web.asgi import Receive, Scope, Send, respond
from taigan.web.errors import Refused, not_found, send_refusal


class Health:
    """`/healthz`, `/readyz`, `/metrics`. The database has `answers_within` seconds to show that it is there."""

    def __init__(self, database: Database, metrics: Metrics, *, answers_within: float = 2.0) -> None:
        self._database = database
        self._metrics = metrics
        self._answers_within = answers_within

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] not in ("GET", "HEAD"):
            allowed = {"allow": "GET, HEAD"}
            await send_refusal(send, Refused(405, "method_not_allowed", "only GET, HEAD", headers=allowed))
            return
        match scope["path"].strip("/"):
            case "healthz":
                await _send(send, 200, {"status": "ok"})
            case "readyz":
                missing = await self._missing()
                body = {"status": "not ready", "reason": missing} if missing else {"status": "ready"}
                await _send(send, 503 if missing else 200, body)
            case "metrics":
                await respond(send, 200, generate_latest(self._metrics.registry), CONTENT_TYPE_LATEST)
            case _:
                await send_refusal(send, not_found())

    async def _missing(self) -> str:
        try:
            return await within(self._answers_within, self._database.read(views.hindrance))
        except TimeoutError:
            return f"the database did not answer within {self._answers_within:g} s"
        except StorageError:
            return "the database does not answer"


async def _send(send: Send, status: int, body: dict[str, str]) -> None:
    await respond(send, status, msgspec.json.encode(body), "application/json")
