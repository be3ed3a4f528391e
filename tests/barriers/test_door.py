"""Who may speak for a device that posts, and for how long a signed report is known again."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest
from structlog.testing import capture_logs

from support.clock import ManualClock
from support.stacks.barrier_bench import LANE
from support.stacks.simulated_lanes import Heard
from taigan.barriers.barrier import LaneKey
from taigan.barriers.door import SIGNATURES_KEPT, Answer, Door, Mailbox, Post
from taigan.barriers.drivers import Fleet
from taigan.barriers.secrets import DeviceSecrets


async def nothing(post: Post) -> Answer:
    return Answer(b"")


class Camera:
    """A door with one device behind it, and what its lane's person was told."""

    def __init__(self, *, secret: str = "chosen-by-somebody", sender: str = "", door: Door | None = None) -> None:
        self.clock = ManualClock()
        self.warned: list[str] = []
        self.door = door or Door(self.clock)
        self.mailbox = Mailbox(LANE, "hx-http", "h1", nothing, self.warned.append, secret=secret, sender=sender)
        self.door.put(self.mailbox)


@pytest.mark.parametrize(("later", "alarms"), [(599.9, 1), (600.0, 0), (601.0, 0)])
def test_two_addresses_speak_for_one_device_if_the_first_was_heard_within_ten_minutes(
    later: float, alarms: int
) -> None:
    camera = Camera()
    assert camera.door.is_from(camera.mailbox, "10.0.0.1")
    camera.clock.advance(later)
    assert camera.door.is_from(camera.mailbox, "10.0.0.2")
    assert len(camera.warned) == alarms


@pytest.mark.parametrize(("later", "alarms"), [(3599.0, 1), (3600.0, 1), (3600.1, 2)])
def test_an_alarm_of_a_device_comes_once_an_hour(later: float, alarms: int) -> None:
    camera = Camera(sender="10.0.0.1")
    camera.clock.advance(7)
    assert not camera.door.is_from(camera.mailbox, "10.0.0.2")
    camera.clock.advance(later)
    assert not camera.door.is_from(camera.mailbox, "10.0.0.2")
    assert len(camera.warned) == alarms
    assert camera.door.is_from(camera.mailbox, "10.0.0.1")


def test_an_address_that_was_told_of_is_forgotten_and_the_one_that_speaks_now_is_not() -> None:
    camera = Camera()
    for sender in ("10.0.0.1", "10.0.0.2"):
        camera.door.is_from(camera.mailbox, sender)
    assert list(camera.mailbox.heard_from) == ["10.0.0.2"]


@pytest.mark.parametrize(("later", "first"), [(599.9, False), (600.0, False), (600.1, True)])
def test_signed_bytes_count_once_within_their_time(later: float, first: bool) -> None:
    camera = Camera()
    assert camera.door.is_first("a", 600)
    camera.clock.advance(later)
    assert camera.door.is_first("a", 600) is first
    assert camera.door.is_first("b", 600)


def test_the_oldest_signed_bytes_are_forgotten_where_there_are_too_many() -> None:
    camera = Camera()
    for number in range(SIGNATURES_KEPT):
        assert camera.door.is_first(str(number), 600)
    assert not camera.door.is_first(str(SIGNATURES_KEPT - 1), 600)
    assert camera.door.is_first("one more", 600)
    assert len(camera.door._used) <= SIGNATURES_KEPT == 100_000
    assert not camera.door.is_first("one more", 600)


def test_a_stranger_without_the_secret_is_told_of_once_in_ten_minutes() -> None:
    camera = Camera()

    def refused(after: float) -> int:
        camera.clock.advance(after)
        with capture_logs() as logs:
            assert not camera.door.knows(camera.mailbox, "wrong", "10.0.0.9")
        return len(logs)

    assert [refused(after) for after in (0, 599.9, 0.1, 1, 600)] == [1, 0, 1, 0, 1]


def test_a_device_that_is_named_is_let_in_without_a_secret_but_not_with_a_wrong_one() -> None:
    for open_to in ({"hx-http/h1"}, {"hx-http/h2"}):
        door = Door(ManualClock(), open_to=frozenset(open_to))
        camera = Camera(door=door)
        assert door.knows(camera.mailbox, "", "10.0.0.1") is (open_to == {"hx-http/h1"})
        assert not door.knows(camera.mailbox, "wrong", "10.0.0.1")
        assert door.knows(camera.mailbox, "chosen-by-somebody", "10.0.0.1")


@pytest.mark.parametrize(("signs", "open_to", "said"), [(False, "h1", 1), (True, "h1", 0), (False, "h2", 0)])
def test_a_device_that_may_post_without_a_secret_is_said_aloud(signs: bool, open_to: str, said: int) -> None:
    door = Door(ManualClock(), open_to=frozenset({f"hx-http/{open_to}"}))
    with capture_logs() as logs:
        door.put(Mailbox(LANE, "hx-http", "h1", nothing, print, signs=signs))
    assert len(logs) == said


def test_on_a_bench_a_device_without_a_secret_needs_none() -> None:
    camera = Camera(secret="")
    assert camera.door.path(camera.mailbox) == "/devices/hx-http/h1"
    assert camera.door.knows(camera.mailbox, "", "10.0.0.1")
    camera.door.renew(camera.mailbox)
    assert camera.door.secret(camera.mailbox) == ""


def test_a_serial_is_quoted_whole_in_its_address() -> None:
    door = Door(ManualClock())
    mailbox = Mailbox(LANE, "hx-http", "a/b 摄", nothing, print, secret="chosen-by-somebody")
    assert door.path(mailbox) == "/devices/hx-http/a%2Fb%20%E6%91%84/chosen-by-somebody"


def test_a_secret_is_made_only_for_who_neither_chose_one_nor_signs(tmp_path: Path) -> None:
    secrets = DeviceSecrets(tmp_path / "devices.json")
    door = Door(ManualClock(), secrets)
    made = Mailbox(LANE, "hx-http", "made", nothing, print)
    chosen = Mailbox(LANE, "hx-http", "chosen", nothing, print, secret="chosen-by-somebody")
    signs = Mailbox(LANE, "http", "signs", nothing, print, signs=True)
    for mailbox in (made, chosen, signs):
        door.put(mailbox)
    assert {name: known.chosen for name, known in secrets.devices.items()} == {
        "hx-http/made": False,
        "hx-http/chosen": True,
        "http/signs": True,
    }
    assert (len(door.secret(made)), door.secret(chosen), door.secret(signs)) == (32, "chosen-by-somebody", "")
    before = door.secret(made)
    door.renew(made)
    assert door.secret(made) != before
    assert not door.knows(made, before, "10.0.0.1")


def test_a_mailbox_is_found_by_its_lane_and_taken_away_only_by_its_own_driver() -> None:
    camera = Camera()
    other = LaneKey(LANE.lot_id, "A2")
    assert camera.door.of_lane(LANE) is camera.mailbox
    assert camera.door.of_lane(other) is None

    async def somebody_else(post: Post) -> Answer:
        return Answer(b"")

    camera.door.take_away("hx-http", "h1", somebody_else)
    assert camera.door.find("hx-http", "h1") is camera.mailbox
    camera.door.take_away("hx-http", "nobody", nothing)
    camera.door.take_away("hx-http", "h1", nothing)
    assert camera.door.find("hx-http", "h1") is None
    assert camera.mailbox.name == "hx-http/h1"
    assert (Answer(b"").status, Answer(b"").content_type) == (200, "application/json")


def test_what_a_device_may_bring_is_sixty_four_kilobytes_where_it_brings_no_picture() -> None:
    assert Camera().mailbox.limit == 65_536


@pytest.mark.parametrize(
    ("barrier", "limit"),
    [
        ({"driver": "vzenith-http", "serial": "c1"}, 4_194_304),
        ({"driver": "hx-http", "serial": "c1"}, 4_194_304),
        ({"driver": "http", "serial": "c1", "url": "http://127.0.0.1", "secret": "s" * 16}, 1_048_576),
        ({"driver": "instant"}, 65_536),
    ],
)
def test_a_device_that_brings_pictures_may_bring_as_much_as_they_need(barrier: dict[str, str], limit: int) -> None:
    fleet = Fleet(Heard(), ManualClock(), Random(1))
    fleet.add(LANE, barrier)
    [mailbox] = fleet.door._mailboxes.values()
    assert mailbox.limit == limit
    assert mailbox.forms is (limit == 4_194_304)


def test_a_device_that_was_renewed_keeps_its_lane_and_whether_its_secret_was_chosen(tmp_path: Path) -> None:
    secrets = DeviceSecrets(tmp_path / "devices.json")
    secrets.note("hx-http/h1", "lot/A1", chosen=True)
    secrets.renew("hx-http/h1")
    salt = secrets.devices["hx-http/h1"].salt
    assert (secrets.devices["hx-http/h1"].lane, secrets.devices["hx-http/h1"].chosen, len(salt)) == ("lot/A1", True, 16)
    secrets.note("hx-http/h1", "lot/A2", chosen=True)
    secrets.note("hx-http/h1", "lot/A2", chosen=False)
    known = secrets.devices["hx-http/h1"]
    assert (known.lane, known.chosen, known.salt) == ("lot/A2", False, salt)
    assert DeviceSecrets(tmp_path / "devices.json").devices == secrets.devices
    assert len(secrets._read().key) == 43
