"""What every route needs: the database, a session, ids, the answer's form, the barrier."""

from __future__ import annotations

import os
import secrets
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

from fastapi import Response
from pydantic import BaseModel
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine

from benchmarks.usual.models import Lift

ANSWER_WITHIN = timedelta(seconds=4)

engine = create_async_engine(os.environ["DATABASE_URL"], pool_size=int(os.environ.get("POOL", "8")), max_overflow=0)
new_session = async_sessionmaker(engine, expire_on_commit=False)

if engine.dialect.name == "sqlite":

    @event.listens_for(engine.sync_engine, "connect")
    def configure(dbapi: Any, record: Any) -> None:
        dbapi.isolation_level = None
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=10000"):
            dbapi.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine.sync_engine, "begin")
    def begin(conn: Any) -> None:
        conn.exec_driver_sql("BEGIN IMMEDIATE")


async def session_of_request() -> AsyncIterator[AsyncSession]:
    async with new_session() as session:
        yield session


class Refused(Exception):
    """The driver is told no; what was looked up so far is remembered with the answer."""


def reply(answer: BaseModel, status: int = 200) -> Response:
    return Response(answer.model_dump_json(exclude_none=True), status, media_type="application/json")


def new_id(now: datetime) -> str:
    return f"{now:%Y%m%d%H%M%S%f}_{secrets.token_hex(4)}"


async def raise_barrier(lift: Lift) -> bool:
    """The barrier confirms at once, as it does for all contestants."""
    return True
