"""What BoLink sends to be kept, and fetches again: pictures (5.4), people (9.1), invoices (11.7)."""

from __future__ import annotations

import msgspec

from taigan import bolink
from taigan.bolink import BadMessage, values
from taigan.bolink.chapters import commands
from taigan.bolink.chapters.callbacks import GetPicture
from taigan.bolink.chapters.people import PeopleTaken, Person
from taigan.clock import Clock
from taigan.lot.album import Album
from taigan.lot.errors import BadValue
from taigan.lot.messages.router import Answered, Callback, reply
from taigan.storage.database import Database
from taigan.storage.locked import vehicles

MOST_PEOPLE = 1000
LARGEST_PICTURE = 2 * 1024 * 1024
_MAGIC = {b"\xff\xd8\xff": "image/jpeg", b"\x89PNG\r\n\x1a\n": "image/png"}


class Records:
    """Handles what is only kept, or only read."""

    def __init__(self, database: Database, clock: Clock, album: Album) -> None:
        self._database = database
        self._album = album
        self._clock = clock

    async def keep_picture(self, lot_id: str, order_id: str, kind: str, picture: bytes) -> None:
        """Keep an order's entry (`in`) or exit (`out`) picture, JPEG or PNG, at most 2 MiB; a later one replaces it.

        Raises:
            UnknownOrder, BadValue, NotKept, StorageError.
        """
        if kind not in tuple(values.PictureKind):
            raise BadValue("kind must be in or out", "kind")
        content_type = next((of for magic, of in _MAGIC.items() if picture.startswith(magic)), None)
        if content_type is None or len(picture) > LARGEST_PICTURE:
            raise BadValue("the picture must be a JPEG or PNG of at most 2 MiB", "picture")

        await self._album.give(lot_id, order_id, kind, content_type, picture)

    async def get_inpark_image(self, callback: Callback) -> Answered:
        """5.4: an order's picture as it was stored; 404 and nothing when there is none. Raises BadMessage."""
        asked = bolink.read(callback.message, GetPicture)
        lot_id = callback.lot.lot_id
        found = await self._album.of_order(lot_id, asked.order_id.strip(), asked.type.strip())
        if found is None:
            return Answered(404, b"", "application/octet-stream", "get_inpark_image", 0)
        content_type, picture = found
        return Answered(200, picture, content_type, "get_inpark_image", 1)

    async def people_data(self, callback: Callback) -> Answered:
        """9.1: keep residents' data, the newest of each person. Raises BadMessage, StorageError."""
        people = bolink.read(callback.message, list[Person])
        if len(people) > MOST_PEOPLE:
            raise BadMessage("data", f"holds more than {MOST_PEOPLE} people")
        kept = [
            vehicles.Person(callback.union_id, _who(person), bolink.write(person).decode(), callback.received_at)
            for person in people
        ]
        await self._database.write(lambda conn: vehicles.keep_people(conn, kept))
        return reply(PeopleTaken(state=1), "people_data")

    async def invoice_notify(self, callback: Callback) -> Answered:
        """11.7: keep an invoice's record; it may come several times. Raises BadMessage, StorageError."""
        told = bolink.read(callback.message, commands.InvoiceNotice)
        kept = vehicles.InvoiceRecord(
            lot_id=callback.lot.lot_id,
            payment_id=told.payid,
            trade_no=told.out_trade_no,
            kind=told.invoice_type,
            number=told.invoice_no or "",
            code=told.invoice_code or "",
            issued_at=told.invoice_time or "",
            at=callback.received_at,
        )
        for name in msgspec.structs.asdict(kept):
            if isinstance(value := getattr(kept, name), str) and len(value) > 1000:
                raise BadMessage(name, "has more than 1000 characters")
        await self._database.write(lambda conn: vehicles.keep_invoice(conn, kept))
        return reply(commands.InvoiceNoticeTaken(state="1"), "invoice_notify")


def _who(person: Person) -> str:
    """One person of one home: the identity card where it is given, else the name."""
    home = (person.project_id, person.village_name, person.building_name, person.unit_name or "", person.house_num)
    return "\n".join((*map(str, home), person.id_card or person.user_name))
