"""The secrets in devices' addresses, and the file that they come from."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from support.clock import ManualClock
from support.stacks.barrier_bench import LANE
from support.stacks.simulated_lanes import Heard
from taigan.barriers.barrier import LaneKey
from taigan.barriers.drivers import BadSettings, Fleet
from taigan.barriers.secrets import DeviceSecrets, SecretsUnusable

CAMERA = "vzenith-http/c1"


def test_each_device_has_a_secret_that_stays_over_a_restart(tmp_path: Path) -> None:
    file = tmp_path / "data" / "devices.json"
    one, other = DeviceSecrets(file).of(CAMERA), DeviceSecrets(file).of("vzenith-http/c2")
    assert len({one, other, DeviceSecrets(tmp_path / "else.json").of(CAMERA)}) == 3
    assert DeviceSecrets(file).of(CAMERA) == one
    assert len(one) == 32
    assert file.stat().st_mode & 0o777 == 0o600


def test_a_secret_renewed_by_another_process_holds_at_once(tmp_path: Path) -> None:
    running = DeviceSecrets(tmp_path / "devices.json")
    before, neighbour = running.of(CAMERA), running.of("vzenith-http/c2")
    renewed = DeviceSecrets(tmp_path / "devices.json").renew(CAMERA)
    assert running.of(CAMERA) == renewed != before
    assert running.of("vzenith-http/c2") == neighbour


def test_a_file_that_is_none_of_ours_is_one_sentence(tmp_path: Path) -> None:
    file = tmp_path / "devices.json"
    file.write_text("[]")
    with pytest.raises(SecretsUnusable, match="cannot be used"):
        DeviceSecrets(file).of(CAMERA)
    file.unlink()
    file.mkdir()
    with pytest.raises(SecretsUnusable, match="cannot be"):
        DeviceSecrets(file).of(CAMERA)


def test_a_secret_that_could_not_be_kept_is_not_renewed(tmp_path: Path) -> None:
    running = DeviceSecrets(tmp_path / "devices.json")
    running.note(CAMERA, str(LANE), chosen=False)
    before = running.of(CAMERA)
    (tmp_path / "devices.new").mkdir()
    with pytest.raises(SecretsUnusable, match="cannot be written"):
        running.renew(CAMERA)
    assert running.of(CAMERA) == before


def fleet(tmp_path: Path) -> Fleet:
    return Fleet(Heard(), ManualClock(), Random(1), secrets=DeviceSecrets(tmp_path / "devices.json"))


async def test_a_camera_is_known_by_the_secret_of_its_own_or_of_its_settings(tmp_path: Path) -> None:
    devices = fleet(tmp_path)
    devices.add(LANE, {"driver": "vzenith-http", "serial": "c1"})
    devices.add(LaneKey(LANE.lot_id, "A2"), {"driver": "hx-http", "serial": "h1", "secret": "chosen-by-the-operator"})
    made = DeviceSecrets(tmp_path / "devices.json")
    for driver, serial, secret in (
        ("vzenith-http", "c1", made.of(CAMERA)),
        ("hx-http", "h1", "chosen-by-the-operator"),
    ):
        mailbox = devices.door.find(driver, serial)
        assert mailbox is not None
        assert devices.door.path(mailbox) == f"/devices/{driver}/{serial}/{secret}"
        assert devices.door.knows(mailbox, secret, "10.0.0.1")
        for wrong in ("", secret[:-1], made.of("vzenith-http/c2"), "é", "\ud800"):
            assert not devices.door.knows(mailbox, wrong, "10.0.0.1")
    assert {device: known.lane for device, known in made.devices.items()} == {
        CAMERA: str(LANE),
        "hx-http/h1": f"{LANE.lot_id}/A2",
    }


async def test_cameras_go_on_while_the_file_is_broken_and_strangers_are_still_refused(tmp_path: Path) -> None:
    devices = fleet(tmp_path)
    devices.add(LANE, {"driver": "vzenith-http", "serial": "c1"})
    mailbox = devices.door.find("vzenith-http", "c1")
    assert mailbox is not None
    secret = DeviceSecrets(tmp_path / "devices.json").of(CAMERA)
    (tmp_path / "devices.json").write_text("{half")
    for _ in range(2):
        assert devices.door.knows(mailbox, secret, "10.0.0.1")
        assert not devices.door.knows(mailbox, "", "10.0.0.1")
    with pytest.raises(SecretsUnusable, match="cannot be used"):
        devices.door.path(mailbox)


async def test_a_serial_that_another_lane_has_changes_nothing(tmp_path: Path) -> None:
    devices = fleet(tmp_path)
    first = devices.add(LANE, {"driver": "vzenith-http", "serial": "c1"})
    second = devices.add(LaneKey(LANE.lot_id, "A2"), {"driver": "vzenith-http", "serial": "c2"})
    with pytest.raises(BadSettings, match="`serial` c1 belongs to another lane"):
        devices.add(LaneKey(LANE.lot_id, "A2"), {"driver": "vzenith-http", "serial": "c1"})
    assert list(devices.barriers.values()) == [first, second]
    kept = devices.door.find("vzenith-http", "c2")
    assert kept is not None
    assert kept.lane.channel_id == "A2"


async def test_a_lane_set_up_anew_with_its_own_serial_keeps_its_door_when_the_old_driver_stops(tmp_path: Path) -> None:
    devices = fleet(tmp_path)
    old = devices.add(LANE, {"driver": "vzenith-http", "serial": "c1"})
    new = devices.add(LANE, {"driver": "vzenith-http", "serial": "c1", "heartbeat_every": 5})
    await old.stop()
    mailbox = devices.door.find("vzenith-http", "c1")
    assert mailbox is not None
    assert mailbox.handle == new.handle  # type: ignore[attr-defined]
