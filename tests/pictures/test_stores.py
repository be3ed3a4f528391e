"""Where pictures lie: every store keeps, gives back and drops them alike."""

from __future__ import annotations

import stat
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import boto3
import pytest
from moto.server import ThreadedMotoServer

from taigan.pictures.s3 import Bucket
from taigan.pictures.store import TRIED, Files, InMemory, Store, StoreFailed, both

PLACE = "2026-05-04/0123456789abcdef0123456789abcdef.jpg"
SMALL = PLACE.replace(".jpg", ".small.jpg")


@pytest.fixture(scope="module")
def moto() -> Iterator[str]:
    """A server that speaks S3, and its address."""
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    address = f"http://{host}:{port}"
    keys = {"aws_access_key_id": "k", "aws_secret_access_key": "s" * 40}
    client = boto3.client("s3", endpoint_url=address, region_name="eu-west-1", **keys)
    client.create_bucket(Bucket="pictures", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    yield address
    server.stop()


def bucket(address: str, name: str) -> Bucket:
    return Bucket(name, endpoint=address, region="eu-west-1", key_id="k", key_secret="s" * 40, prefix="lots/one")


@pytest.fixture(params=["memory", "files", "s3"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    if request.param == "memory":
        yield InMemory()
    elif request.param == "files":
        yield Files(tmp_path / "pictures")
    else:
        yield bucket(request.getfixturevalue("moto"), "pictures")


async def test_a_picture_is_kept_replaced_given_back_and_dropped(store: Store) -> None:
    assert await store.get(PLACE) is None
    await store.put(PLACE, b"first")
    await store.put(PLACE, b"second" * 50_000)
    await store.put(SMALL, b"small")
    assert await store.get(PLACE) == b"second" * 50_000
    assert await store.get(SMALL) == b"small"
    await store.drop(both(PLACE))
    await store.drop(both(PLACE))
    assert (await store.get(PLACE), await store.get(SMALL)) == (None, None)


@pytest.mark.parametrize(
    "place", ["", "../lot.sqlite3", "2026-05-04/../../x.jpg", "/etc/passwd", PLACE + "\n", "a/b.jpg"]
)
async def test_a_place_that_leads_elsewhere_is_refused(store: Store, place: str) -> None:
    for act in (store.put(place, b"x"), store.get(place), store.drop([place])):
        with pytest.raises(ValueError, match="no place"):
            await act


async def test_a_store_that_takes_pictures_says_so_and_keeps_nothing_of_being_asked(
    store: Store, tmp_path: Path
) -> None:
    await store.look()
    assert await store.get(TRIED) is None
    assert list(tmp_path.iterdir()) == []


async def test_a_store_that_takes_none_says_why(moto: str, tmp_path: Path) -> None:
    (tmp_path / "pictures").write_text("no folder")
    for store in (bucket(moto, "never-was"), Files(tmp_path / "pictures")):
        with pytest.raises(StoreFailed):
            await store.look()


async def test_files_are_the_platforms_alone_and_a_day_without_any_goes(tmp_path: Path) -> None:
    store = Files(tmp_path / "pictures")
    await store.put(PLACE, b"picture")
    file = tmp_path / "pictures" / PLACE
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    await store.drop([PLACE])
    assert list((tmp_path / "pictures").iterdir()) == []


async def test_a_folder_that_takes_nothing_is_said_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "pictures").write_text("a file stands where the folder should be")
    with pytest.raises(StoreFailed, match="pictures"):
        await Files(tmp_path / "pictures").put(PLACE, b"picture")


async def test_a_bucket_that_is_not_there_is_said_and_no_secret_with_it(moto: str) -> None:
    with pytest.raises(StoreFailed) as failed:
        await bucket(moto, "never-made").put(PLACE, b"picture")
    assert "s" * 40 not in str(failed.value)
