"""6.4: somebody says that an invoice's state has changed. It is unsigned, so that nothing is done on its word."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from taigan import bolink
from taigan.bolink.chapters.invoices import InvoiceChanged, InvoiceChangeTaken
from taigan.lot import texts
from taigan.lot.messages.router import Answered, reply
from taigan.storage.database import Database
from taigan.storage.due import errands, rounds

ROUND = "invoices"
"""The round in which BoLink is asked where invoices stand."""


class InvoiceHints:
    """Lets the lot of an invoice ask BoLink soon where it stands (6.5)."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def __call__(self, text: bytes, now: datetime) -> Answered:
        """Answer 1, whether the number is one of ours or not. Raises BadMessage, StorageError."""
        told = bolink.read(text, InvoiceChanged)
        number = told.invoice_order_no.strip()

        def transaction(conn: sa.Connection) -> None:
            lot_id = errands.lot_under_way(conn, "6.3", number)
            if lot_id:
                rounds.bring_forward(conn, lot_id, ROUND, now)

        if number:
            await self._database.write(transaction)
        return reply(InvoiceChangeTaken(state=1, errmsg=texts.TAKEN), "invoice_state")
