"""`taigan doctor`: what is well is said to be well, and what is broken is named with what helps."""

from __future__ import annotations

import asyncio
import json
import re
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from email.utils import format_datetime
from pathlib import Path

import asyncpg
import msgspec
import pytest
import sqlalchemy as sa

from support.databases.postgres import NewDatabase
from support.servers.ports import free_port
from support.stacks.stack import Stack, eventually
from taigan.bolink import PRODUCTION, TEST, Addresses, Unreachable, open_envelope, verify
from taigan.clock import SystemClock
from taigan.doctor.examination import examine
from taigan.doctor.findings import CHECKS, Finding
from taigan.doctor.installation import Account, Installation, Peers, Sms
from taigan.lot.gateways.gateway import NoGateway, Registration, SmsFailed
from taigan.lot.messages.router import Answered
from taigan.pictures.store import Files
from taigan.rights import Role
from taigan.storage import tables as t
from taigan.storage.database import open_database
from taigan.storage.rows import Delivery
from taigan.storage.setup import registry
from taigan.web import tokens
from web.house import LOT, TOKEN, House, house_at, served

REFUSED = Answered(401, '{"state":0,"errmsg":"签名错误"}'.encode())
CALLBACK_OF_BOLINK = "/unionapi/neworder/addorder"


NO_CODE = json.dumps({"state": 0, "errmsg": "没有这个码", "type": 3}, ensure_ascii=False).encode()
BAD_SIGN = json.dumps({"state": 0, "errmsg": "签名错误"}, ensure_ascii=False).encode()


class Sides:
    """BoLink's sides as a signed call meets them: by the host, the key that each knows."""

    def __init__(self, **keys: str) -> None:
        self.keys = keys
        self.asked: list[dict[str, object]] = []

    async def post(self, url: str, body: bytes, *, timeout: float) -> tuple[int, bytes]:
        envelope = open_envelope(body)
        self.asked.append(json.loads(envelope.text))
        key = self.keys["production" if "//s.bolink.club" in url else "test" if "beta" in url else "own"]
        return 200, NO_CODE if verify(envelope.text, envelope.sign, key) else BAD_SIGN


@dataclass
class Patient:
    """A platform on a database of its own, BoLink beside it, and what a doctor is told of them."""

    house: House
    installation: Installation
    bolink_is_behind: timedelta = timedelta()

    async def found(self, free: int = 10 * 1024**3) -> dict[tuple[str, str], Finding]:
        findings = await examine(self.installation, self.house.clock, lambda _: free)
        return {(finding.check, finding.subject): finding for finding in findings}

    async def wrong(self, free: int = 10 * 1024**3) -> list[tuple[str, str]]:
        return sorted(key for key, finding in (await self.found(free)).items() if finding.state == "wrong")

    def told(self, **changed: object) -> None:
        self.installation = msgspec.structs.replace(self.installation, **changed)


@asynccontextmanager
async def bolink_of(date: Callable[[], str]) -> AsyncIterator[str]:
    """Something at BoLink's address that answers with the time it has."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(f"HTTP/1.1 405 No\r\nDate: {date()}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}{CALLBACK_OF_BOLINK}"


@pytest.fixture
async def patient(tmp_path: Path) -> AsyncIterator[Patient]:
    """Everything is well with it."""
    url = f"sqlite:///{tmp_path / 'lot.sqlite3'}"
    database = await open_database(url)
    house = await house_at(database, ready_within=60)
    house.callbacks.answered = REFUSED
    await house.write(sa.update(t.lanes).values(entry_url="https://hub/e/1"))
    async with (
        served(house.app, house.events.stop) as port,
        bolink_of(lambda: format_datetime(house.clock.now() - made.bolink_is_behind, usegmt=True)) as bolink_url,
    ):
        platform = f"http://127.0.0.1:{port}"
        made = Patient(
            house,
            Installation(
                data=tmp_path,
                database_url=url,
                platform_url=platform,
                token=TOKEN,
                bolink_url=bolink_url,
                queue_alarm_after=300,
                accounts=[Account(union_id="200002", key="a-key", callback_url=f"{platform}/bolink")],
                peers=Peers(transport=Sides(own="a-key"), own=Addresses.at("http://hub")),
                pictures=("pictures", Files(tmp_path / "pictures")),
                answers_within=60,
            ),
        )
        yield made
    await database.close()


async def test_a_well_installation_is_well_in_every_check(patient: Patient) -> None:
    found = await patient.found()
    assert {finding.state for finding in found.values()} == {"well"}, found
    assert {check for check, _ in found} == set(CHECKS)
    assert {subject for check, subject in found if check == "barrier"} >= {f"{LOT}/A1", f"{LOT}/B1"}


async def test_pictures_that_cannot_be_kept_are_wrong(patient: Patient, tmp_path: Path) -> None:
    (tmp_path / "pictures").write_text("no folder")
    assert await patient.wrong() == [("pictures", "pictures")]
    assert "没有图片" in (await patient.found())[("pictures", "pictures")].do_zh


async def test_a_key_that_bolink_does_not_know_is_wrong_and_nothing_is_changed_by_trying_it(patient: Patient) -> None:
    sides = Sides(own="another key")
    patient.told(peers=Peers(transport=sides, own=Addresses.at("http://hub")))
    assert await patient.wrong() == [("signature", "200002")]
    assert "签名错误" in (await patient.found())[("signature", "200002")].zh
    assert {asked["create"] for asked in sides.asked} == {0}


async def test_the_key_of_bolinks_other_side_is_named(patient: Patient) -> None:
    sides = Sides(production="another key", test="a-key")
    patient.told(peers=Peers(transport=sides, own=PRODUCTION, others=[TEST]))
    found = (await patient.found())[("signature", "200002")]
    assert (found.state, "the key is that of its other side (test)" in found.en) == ("wrong", True)


async def test_a_side_that_does_not_answer_says_nothing_of_a_key(patient: Patient) -> None:
    class Unplugged(Sides):
        async def post(self, url: str, body: bytes, *, timeout: float) -> tuple[int, bytes]:
            if "own" not in self.keys and "beta" not in url:
                return await super().post(url, body, timeout=timeout)
            raise Unreachable("connection refused")

    patient.told(peers=Peers(transport=Unplugged(own="a-key"), own=Addresses.at("http://hub")))
    found = (await patient.found())[("signature", "200002")]
    assert (found.state, "connection refused" in found.en) == ("skipped", True)
    patient.told(peers=Peers(transport=Unplugged(production="another key"), own=PRODUCTION, others=[TEST]))
    found = (await patient.found())[("signature", "200002")]
    assert (found.state, "other side" in found.en) == ("wrong", False)


async def test_where_messages_are_fetched_no_callback_address_is_tried(patient: Patient) -> None:
    patient.house.callbacks.answered = Answered(200, b'{"state":1}')
    patient.told(polls=True)
    assert await patient.wrong() == []
    assert "connection = poll" in (await patient.found())[("callback", "")].en


async def test_uploads_that_bolink_refused_are_counted_with_how_to_send_them_again(patient: Patient) -> None:
    at = patient.house.clock.now()
    refused = Delivery(LOT, "order_1", "3.1", "{}", "refused", 1, at, at)
    await patient.house.keep(lambda changes: changes.deliveries.append(refused))
    found = (await patient.found())[("queue", "")]
    assert (found.state, found.en) == ("wrong", "BoLink refused 1 uploads, which were not sent again")
    assert "deliveries/retry" in found.do_en


async def test_a_device_that_may_post_without_a_secret_is_named_with_what_to_do(patient: Patient) -> None:
    patient.told(open_devices=["vzenith-http/c1"])
    assert await patient.wrong() == [("device", "vzenith-http/c1")]
    assert "taigan device show vzenith-http/c1" in (await patient.found())[("device", "vzenith-http/c1")].do_en


async def test_a_broker_in_the_clear_or_without_a_user_is_named_unless_it_is_on_this_machine(patient: Patient) -> None:
    patient.told(
        brokers=[
            ("lot/A1", "mqtt://10.0.0.2:1883", True),
            ("lot/A2", "mqtts://10.0.0.2:8883", False),
            ("lot/A3", "mqtts://10.0.0.2:8883", True),
            ("lot/A4", "mqtt://127.0.0.1:1883", False),
        ]
    )
    assert await patient.wrong() == [("broker", "lot/A1"), ("broker", "lot/A2")]


class Company(NoGateway):
    """Carries codes, and says of its signature what it was told to."""

    def __init__(self, says: Registration | SmsFailed) -> None:
        self._says = says

    async def registration(self) -> Registration:
        if isinstance(self._says, SmsFailed):
            raise self._says
        return self._says


@pytest.mark.parametrize(
    ("provider", "says", "state", "words"),
    [
        ("aliyun", Registration(True, "approved"), "well", "approved; at most 300 an hour for a lot, 5 for a phone"),
        ("tencent", Registration(False, "under review"), "wrong", "the signature cannot be used: under review"),
        ("aliyun", SmsFailed("GetSmsSign: Forbidden"), "wrong", "not told: GetSmsSign: Forbidden"),
    ],
)
async def test_the_state_of_the_sms_signature_and_the_limits_are_told(
    patient: Patient, provider: str, says: Registration | SmsFailed, state: str, words: str
) -> None:
    patient.told(sms=Sms(provider=provider, gateway=Company(says), per_lot=300, per_phone=5))
    found = (await patient.found())[("sms", provider)]
    assert found.state == state
    assert words in found.en


async def test_a_lot_that_asks_for_codes_that_nobody_gets_is_named(patient: Patient) -> None:
    assert "no lot asks" in (await patient.found())[("sms", "")].en
    await patient.house.write(sa.update(t.lots).where(t.lots.c.lot_id == LOT).values(sms_check=True))
    assert await patient.wrong() == [("sms", LOT)]
    simulated = Sms(provider="simulated", gateway=Company(Registration(True)), per_lot=300, per_phone=5)
    patient.told(sms=simulated)
    assert await patient.wrong() == []  # BoLink is a stand-in on this machine
    patient.told(bolink_url="http://bolink.invalid/")
    assert ("sms", LOT) in await patient.wrong()


async def test_a_barrier_that_is_not_reached_is_named_with_its_lane(patient: Patient) -> None:
    patient.house.barriers["A2"].state.online = False
    assert await patient.wrong() == [("barrier", f"{LOT}/A2")]
    assert f"taigan barrier test {LOT}/A2" in (await patient.found())[("barrier", f"{LOT}/A2")].do_en


async def test_a_loop_that_sees_no_cars_is_named_with_its_lane(patient: Patient) -> None:
    await patient.house.write(sa.update(t.lanes).where(t.lanes.c.channel_id == "A1").values(loop_dead=True))
    assert await patient.wrong() == [("barrier", f"{LOT}/A1")]


async def test_every_lot_and_lane_is_looked_at_however_many_there_are(patient: Patient) -> None:
    lane = {"direction": "exit", "policy": "automatic", "confirm": "accepted", "is_open": True, "hours": ""}
    rest = {"detector": True, "barrier": {"driver": "simulated"}, "entry_url": "", "loop_dead": False}
    rows = [{"lot_id": "200002-8", "channel_id": f"{n:04d}", **lane, **rest} for n in range(1001)]
    await patient.house.write(sa.insert(t.lanes).values(rows))
    assert len([key for key in await patient.found() if key[0] == "barrier"]) == 1001 + len(patient.house.barriers)


async def test_a_lane_without_a_code_is_named(patient: Patient) -> None:
    await patient.house.write(sa.update(t.lanes).where(t.lanes.c.channel_id == "A2").values(entry_url=""))
    assert await patient.wrong() == [("code", f"{LOT}/A2")]


async def test_an_old_queue_is_wrong_and_a_young_one_is_not(patient: Patient) -> None:
    now = patient.house.clock.now()
    owed = {"lot_id": LOT, "order_id": "x", "section": "3.1", "payload": "{}", "state": "pending", "attempts": 0}
    await patient.house.write(sa.insert(t.deliveries).values(**owed, created_at=now, next_at=now))
    patient.house.clock.step(300)
    assert await patient.wrong() == []
    patient.house.clock.step(1)
    assert await patient.wrong() == [("queue", "")]
    assert "301 s" in (await patient.found())[("queue", "")].en


@pytest.mark.parametrize("behind", [3600, -3600])
async def test_a_clock_that_differs_from_bolinks_is_wrong(patient: Patient, behind: int) -> None:
    patient.bolink_is_behind = timedelta(seconds=behind)
    assert await patient.wrong() == [("clock", "")]
    assert f"{'ahead of' if behind > 0 else 'behind'} BoLink" in (await patient.found())[("clock", "")].en


async def test_a_full_disk_is_wrong(patient: Patient) -> None:
    assert [check for check, _ in await patient.wrong(free=1024**3 - 1)] == ["disk"]


async def test_bolink_out_of_reach_is_wrong_and_its_clock_is_then_not_looked_at(patient: Patient) -> None:
    patient.told(bolink_url=f"http://127.0.0.1:{free_port()}/")
    assert [check for check, _ in await patient.wrong()] == ["bolink"]
    assert (await patient.found())[("clock", "")].state == "skipped"


@pytest.mark.parametrize(
    ("answered", "words"),
    [
        (Answered(200, b'{"state":1,"errmsg":"ok"}'), "took an unsigned message"),
        (Answered(502, b"<html>502 Bad Gateway</html>", "text/html"), "HTTP 502"),
        (Answered(200, b"[" * 5000), "not the platform"),
        (Answered(401, b"\xff"), "not the platform"),
    ],
)
async def test_a_callback_address_where_something_else_answers_is_wrong(
    patient: Patient, answered: Answered, words: str
) -> None:
    patient.house.callbacks.answered = answered
    (url,) = [account.callback_url for account in patient.installation.accounts]
    assert await patient.wrong() == [("callback", url)]
    assert words in (await patient.found())[("callback", url)].en


async def test_a_callback_address_nobody_answers_at_is_wrong(patient: Patient) -> None:
    url = f"http://127.0.0.1:{free_port()}/bolink"
    patient.told(accounts=[Account(union_id="200002", key="a-key", callback_url=url)])
    assert await patient.wrong() == [("callback", url)]


async def test_a_key_that_the_platform_has_not_taken_over_is_wrong(patient: Patient) -> None:
    (account,) = patient.installation.accounts
    patient.told(accounts=[msgspec.structs.replace(account, key="another")])
    assert await patient.wrong() == [("key", "200002")]
    patient.told(accounts=[account, msgspec.structs.replace(account, union_id="9")])
    assert await patient.wrong() == [("key", "9")]


async def test_a_key_that_was_changed_while_running_is_well_and_said(patient: Patient) -> None:
    now = patient.house.clock.now()
    await patient.house.database.write(lambda conn: registry.rotate_key(conn, "200002", "another", now))
    patient.told(peers=Peers(transport=Sides(own="another"), own=Addresses.at("http://hub")))
    assert await patient.wrong() == []
    assert "changed while running" in (await patient.found())[("key", "200002")].en


@pytest.mark.parametrize("token", ["", "a token that is not one of ours"])
async def test_without_a_token_that_is_taken_the_barriers_cannot_be_seen(patient: Patient, token: str) -> None:
    patient.told(token=token)
    assert await patient.wrong() == [("barrier", "")]


async def test_a_platform_that_is_not_there_leaves_the_rest_to_be_seen(patient: Patient) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    patient.told(platform_url=url)
    assert await patient.wrong() == [("platform", url)]
    assert (await patient.found())[("barrier", "")].state == "skipped"


async def test_a_database_of_another_revision_is_wrong_and_left_as_it_is(patient: Patient) -> None:
    await patient.house.write(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    found = await patient.found()
    assert "9999" in found[("database", "")].en
    assert {found[(check, "")].state for check in ("key", "queue", "code")} == {"skipped"}


async def test_no_database_and_one_without_tables_are_wrong_and_none_is_made(patient: Patient, tmp_path: Path) -> None:
    missing = tmp_path / "elsewhere.sqlite3"
    patient.told(database_url=f"sqlite:///{missing}")
    assert ("database", "") in await patient.wrong()
    assert not missing.exists()
    missing.touch()
    assert "no tables" in (await patient.found())[("database", "")].en
    missing.write_bytes(b"this is not a database, and was never one" * 100)
    assert "cannot be opened" in (await patient.found())[("database", "")].en


async def test_a_database_server_is_looked_into_with_its_clock(
    patient: Patient, new_postgres_database: Callable[[], Awaitable[str]]
) -> None:
    url = await new_postgres_database()
    patient.told(database_url=url)
    assert "no tables" in (await patient.found())[("database", "")].en
    database = await open_database(url)
    await house_at(database)
    await database.close()
    found = {finding.check: finding for finding in await examine(patient.installation, SystemClock())}
    assert found["database"].state == "well"
    assert re.search(r"\b\d s (ahead of|behind) the database", found["clock"].en)
    patient.told(database_url="postgresql://taigan:hush-hush@127.0.0.1:1/none")
    said = (await patient.found())[("database", "")]
    assert said.state == "wrong"
    assert "hush-hush" not in said.en + said.zh


async def test_every_finding_is_told_in_both_languages(patient: Patient) -> None:
    patient.told(token="", bolink_url="http://127.0.0.1:1/", database_url="sqlite:////nowhere", accounts=[])
    for finding in (await patient.found(free=0)).values():
        assert finding.zh
        assert finding.en
        assert bool(finding.do_zh) == bool(finding.do_en) == (finding.state == "wrong")
        assert CHECKS[finding.check] in finding.in_words()


async def taigan_doctor(stack: Stack, *options: str) -> tuple[int, str]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "taigan", "doctor", "--config", str(stack.data / "taigan.toml"), *options),
        env=stack.environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    return process.returncode or 0, output.decode()


async def test_the_command_says_that_a_running_demo_is_well(stack: Stack) -> None:
    async def well() -> bool:
        code, said = await taigan_doctor(stack, "--json")
        findings = json.loads(said)["findings"]
        assert {finding["check"] for finding in findings} == set(CHECKS)
        assert (code == 0) is json.loads(said)["well"]
        return code == 0

    await eventually(well)


async def test_the_command_says_in_words_what_a_stopped_platform_needs(new_stack: Callable[..., Stack]) -> None:
    stack = new_stack()
    await stack.start()
    await stack.kill_lot()
    code, said = await taigan_doctor(stack)
    assert code == 1
    assert "✗ 平台" in said
    assert "✗ 回调地址" in said
    assert "✓ 数据库" in said
    assert "start taigan lot" in said
    for secret in (stack.ready["lot"]["api_token"], stack.ready["lots"][0]["key"]):
        assert secret not in said


async def test_a_database_that_takes_no_writes_is_wrong(patient: Patient, new_postgres_database: NewDatabase) -> None:
    url = await new_postgres_database()
    await (await open_database(url)).close()
    admin = await asyncpg.connect(url)
    await admin.execute(f'ALTER DATABASE "{sa.make_url(url).database}" SET default_transaction_read_only = on')
    await admin.close()
    patient.told(database_url=url)
    found = (await patient.found())[("database", "")]
    assert (found.state, found.zh) == ("wrong", "数据库只能读，不能写：司机都会被告知系统繁忙")


async def test_a_file_with_keys_that_everybody_may_read_is_named(patient: Patient, tmp_path: Path) -> None:
    closed, opened = tmp_path / "taigan.toml", tmp_path / "key"
    for path, mode in ((closed, 0o640), (opened, 0o644)):
        path.write_text("x")
        path.chmod(mode)
    patient.told(files=[closed, opened, tmp_path / "gone"])
    assert await patient.wrong() == [("secret", str(opened))]


async def test_a_token_out_of_the_documentation_is_wrong(patient: Patient) -> None:
    patient.told(secrets=["0123456789abcdef"])
    assert await patient.wrong() == [("secret", "")]


async def test_tokens_that_may_do_everything_are_named_and_others_are_not(patient: Patient) -> None:
    await tokens.create(patient.house.database, "camera-1", patient.house.clock, roles=[Role.CAMERA])
    found = (await patient.found())[("token", "")]
    assert (found.state, "console" in found.en, "camera-1" in found.en) == ("well", True, False)
