"""`taigan key`: the keys that vendors share with BoLink."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from support.command import taigan
from taigan.settings.starting import starting_config
from taigan.storage.database import open_database
from taigan.storage.setup import registry


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "taigan.toml"
    path.write_text(starting_config(lambda: "0123456789abcdef" * 2), encoding="utf-8")
    return path


def revoke(config: Path, union_id: str) -> tuple[int, str]:
    code, said = taigan("key", "revoke", union_id, "--config", config)
    return code, "".join(said)


async def test_earlier_keys_are_cut_off_at_once_and_the_present_one_stays(config: Path) -> None:
    (config.parent / "data").mkdir(exist_ok=True)
    url = f"sqlite:///{config.parent / 'data' / 'lot.sqlite3'}"
    now = datetime.now(UTC)
    database = await open_database(url)
    await database.write(lambda conn: registry.add_vendor(conn, "200002", "", "the first key", now))
    await database.write(lambda conn: registry.rotate_key(conn, "200002", "the second key", now))
    await database.close()
    assert revoke(config, "200002") == (0, "1 earlier key is accepted no more")
    assert revoke(config, "200002") == (0, "0 earlier keys are accepted no more")
    code, said = revoke(config, "200003")
    assert (code, "200003" in said) == (1, True)
    database = await open_database(url)
    second, first = await database.read(registry.vendor_keys)
    await database.close()
    usual = timedelta(days=1)
    assert second.accepted(datetime.now(UTC), usual)
    assert not first.accepted(datetime.now(UTC), usual)
