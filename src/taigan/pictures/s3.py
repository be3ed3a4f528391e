"""Pictures in a bucket that speaks S3 (Amazon's, Garage, SeaweedFS, RustFS …): the extra `taigan[s3]`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import obstore
from obstore.exceptions import BaseError, NotFoundError
from obstore.store import S3Store

from taigan.pictures.store import TRIED, StoreFailed, checked

WITHIN = timedelta(seconds=10)


class Bucket:
    """One bucket; its keys are the pictures' places after `prefix`.

    `endpoint`: its address, empty for Amazon's of `region`. Without `key_id` whoever runs the platform is asked as the
    machine's own role.
    """

    def __init__(
        self,
        bucket: str,
        *,
        endpoint: str = "",
        region: str = "",
        key_id: str = "",
        key_secret: str = "",
        prefix: str = "",
    ) -> None:
        config = {
            "endpoint": endpoint,
            "region": region or "us-east-1",
            "access_key_id": key_id,
            "secret_access_key": key_secret,
        }
        self._store = S3Store(
            bucket,
            prefix=prefix or None,
            config={name: value for name, value in config.items() if value},  # type: ignore[arg-type]
            client_options={"allow_http": endpoint.startswith("http://"), "timeout": WITHIN, "connect_timeout": WITHIN},
            retry_config={"max_retries": 2, "retry_timeout": WITHIN},
        )

    async def put(self, place: str, picture: bytes) -> None:
        """Put an object."""
        kind = "image/png" if place.endswith(".png") else "image/jpeg"
        try:
            await obstore.put_async(self._store, checked(place), picture, attributes={"Content-Type": kind})
        except (BaseError, OSError) as error:
            raise _failed(error) from error

    async def look(self) -> None:
        """Put something where no picture lies, and take it away: a bucket tells in no other way that it takes any."""
        await self.put(TRIED, b"taigan")
        await self.drop([TRIED])

    async def get(self, place: str) -> bytes | None:
        """The object; None where there is none."""
        try:
            found = await obstore.get_async(self._store, checked(place))
            return bytes(await found.bytes_async())
        except (NotFoundError, FileNotFoundError):
            return None
        except (BaseError, OSError) as error:
            raise _failed(error) from error

    async def drop(self, places: Sequence[str]) -> None:
        """Delete the objects."""
        if not places:
            return
        try:
            await obstore.delete_async(self._store, [checked(place) for place in places])
        except (NotFoundError, FileNotFoundError):
            return
        except (BaseError, OSError) as error:
            raise _failed(error) from error


def _failed(error: Exception) -> StoreFailed:
    """The first line says what; the rest, and what was signed with, is nobody's business in a log."""
    return StoreFailed(str(error).strip().splitlines()[0][:200] if str(error).strip() else type(error).__name__)
