"""One typed settings object; what is wrong is named in one sentence."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from taigan.settings.complaints import WrongSettings
from taigan.settings.model import Settings, described, sections
from taigan.settings.reading import load, variables

VENDOR = '[[vendors]]\nunion_id = 200002\nkey = "secret-key"\n'
LOT = VENDOR + '[[lots]]\nunion_id = 200002\npark_id = "21787"\nspaces = 100\n'
LANE = LOT + '[[lots.lanes]]\nchannel_id = "A1"\n'


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return tmp_path / "taigan.toml"


def read(config: Path, text: str, **environment: str) -> Settings:
    config.write_text(text, encoding="utf-8")
    return load(config, environment)


def complaint(config: Path, text: str, **environment: str) -> str:
    with pytest.raises(WrongSettings) as caught:
        read(config, text, **environment)
    sentence = str(caught.value)
    assert "\n" not in sentence
    return sentence.replace(f"{config}: ", "")


def test_an_empty_file_gives_the_defaults(config: Path) -> None:
    settings = read(config, "")
    assert settings.lot.answer_within == 4
    assert settings.hub.push_timeout == 5
    assert settings.data == config.parent / "data"
    assert settings.lot_database_url == f"sqlite:///{config.parent}/data/lot.sqlite3"


def test_vendors_lots_and_lanes_come_from_the_file(config: Path) -> None:
    settings = read(config, LANE + 'hours = "07:00-22:00"\npolicy = "attendant"\n')
    assert settings.lots[0].lot_id == "200002-21787"
    assert settings.lots[0].lanes[0].policy == "attendant"


def test_a_variable_goes_before_the_file(config: Path) -> None:
    assert read(config, "[lot]\nport = 1000\n", TAIGAN_LOT_PORT="2000").lot.port == 2000
    assert read(config, "", TAIGAN_LOT_REFUSE_CLOCK_SKEW="true").lot.refuse_clock_skew is True
    assert read(config, "", TAIGAN_HUB_RESEND_AFTER="[1, 2.5]").hub.resend_after == (1, 2.5)
    assert read(config, "", TAIGAN_DATA_DIR="/somewhere").data == Path("/somewhere")


def test_a_name_that_stands_in_one_section_needs_no_section_in_a_variable(config: Path) -> None:
    assert read(config, "", TAIGAN_ANSWER_WITHIN="1.5").lot.answer_within == 1.5
    assert read(config, "", TAIGAN_PENDING_TIMEOUT="2").hub.pending_timeout == 2
    assert "TAIGAN_PORT" not in variables()


@pytest.mark.parametrize(
    "name",
    [
        "answer_within",
        "presence_grace",
        "lane_hold",
        "loop_stuck_after",
        "release_timeout",
        "barrier_timeout",
        "passage_timeout",
        "reentry",
        "scan_limit",
        "plate_mark",
        "key_overlap",
        "max_clock_skew",
        "pending_timeout",
    ],
)
def test_every_name_of_the_entry_design_is_a_setting(name: str) -> None:
    assert any(name in kind.__struct_fields__ for kind in sections().values())


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[lot]\nanser_within = 3", "lot.anser_within is not a setting; did you mean answer_within?"),
        ("[lott]\nport = 3", "lott is not a setting; did you mean lot?"),
        ("zzz = 3", "zzz is not a setting"),
        ("lot = 1", "lot must be a table, not a whole number (it is 1)"),
        ("[lot]\nanswer_within = 7", "lot.answer_within must be below 5 (it is 7)"),
        ("[lot]\nanswer_within = nan", "lot.answer_within must be above 0 (it is nan)"),
        ("[lot]\nport = 70000", "lot.port must be at most 65535 (it is 70000)"),
        ('[lot]\nport = "80"', "lot.port must be a whole number, not text in quotes (it is '80')"),
        ('[lot]\nhub_url = "hub"', "lot.hub_url must be an address beginning http:// or https:// (it is 'hub')"),
        ('[lot]\napi_tokens = { me = "short" }', "lot.api_tokens.me must have at least 16 characters"),
        ('[hub]\nadmin_token = "fifteen-letters"', "hub.admin_token must have at least 16 characters"),
        ("[[vendors]]\nunion_id = 1", "vendors[0].key is missing"),
        (VENDOR + VENDOR, "vendors[1].union_id 200002 is there twice"),
        (LOT.replace("200002", "1", 1), "lots[0].union_id 200002 belongs to none of the vendors"),
        (LOT + 'time_zone = "Mars"', "lots[0].time_zone is not a time zone (it is 'Mars')"),
        (LANE + '[[lots.lanes]]\nchannel_id = "A1"\n', "lots[0].lanes[1].channel_id A1 is there twice"),
    ],
)
def test_a_wrong_value_is_named_with_its_key(config: Path, text: str, sentence: str) -> None:
    assert complaint(config, text) == sentence


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[lot]\nreentry = "refus"', ["lot.reentry", "`refuse`", "'refus'"]),
        (LANE + 'hours = "7-8"', ["lots[0].lanes[0].hours", "07:00-22:00", "'7-8'"]),
        (LANE + 'direction = "in"', ["lots[0].lanes[0].direction", "`entry` or `exit`", "'in'"]),
        (LANE + 'barrier = { driver = "simulatd" }', ["lots[0].lanes[0].barrier", "simulatd", "simulated"]),
        (LANE + "barrier = { driver = 'simulated', uri = 'x' }", ["lots[0].lanes[0].barrier", "uri"]),
        ("[[", ["not TOML", "end of document"]),
    ],
)
def test_a_value_that_is_none_of_its_choices_is_named_with_what_it_means(
    config: Path, text: str, words: list[str]
) -> None:
    sentence = complaint(config, text)
    assert all(word in sentence for word in words), sentence


@pytest.mark.parametrize(
    ("variable", "value", "sentence"),
    [
        ("TAIGAN_LOT_PORT", "x", "the variable TAIGAN_LOT_PORT must be a whole number"),
        ("TAIGAN_LOT_ANSER_WITHIN", "2", "did you mean TAIGAN_LOT_ANSWER_WITHIN?"),
        ("TAIGAN_DATADIR", "x", "did you mean TAIGAN_DATA_DIR?"),
        ("TAIGAN_HUB_RESEND_AFTER", "[1,", "the variable TAIGAN_HUB_RESEND_AFTER must be written as in the file"),
        ("TAIGAN_LOT_ANSWER_WITHIN", "9", "the variable TAIGAN_LOT_ANSWER_WITHIN must be below 5"),
    ],
)
def test_a_wrong_variable_is_named(config: Path, variable: str, value: str, sentence: str) -> None:
    assert sentence in complaint(config, "", **{variable: value})


def test_a_variable_of_somebody_else_is_left_alone(config: Path) -> None:
    assert read(config, "", TAIGAN_HOME="/opt/taigan", TAIGAN_TEST_DATABASE_URL="x") == read(config, "")


def test_a_secret_can_stand_in_a_file_of_its_own(config: Path) -> None:
    (config.parent / "key").write_text("from-a-file\n")
    settings = read(config, LOT.replace('"secret-key"', '"file:key"'))
    assert settings.vendors[0].key == "from-a-file"
    assert "from-a-file" in settings.secrets
    assert "vendors[0].key names the file" in complaint(config, LOT.replace('"secret-key"', '"file:other"'))


def test_a_token_is_long_enough_wherever_it_stands(config: Path) -> None:
    (config.parent / "t").write_text("0123456789abcdef\n")
    assert read(config, '[lot]\napi_tokens = { me = "file:t" }').lot.api_tokens == {"me": "0123456789abcdef"}
    (config.parent / "t").write_text("short\n")
    assert "lot.api_tokens.me must have at least 16" in complaint(config, '[lot]\napi_tokens = { me = "file:t" }')


def test_a_wrong_secret_is_not_shown(config: Path) -> None:
    assert "hush" not in complaint(config, '[lot]\napi_tokens = { me = "hush" }')
    assert "hush" not in complaint(config, "[hub]\nadmin_token = ['hush']")


def test_a_missing_file_says_how_to_write_one(tmp_path: Path) -> None:
    with pytest.raises(WrongSettings, match="taigan init"):
        load(tmp_path / "none.toml", {})


@pytest.mark.parametrize("kind", [Settings, *sections().values()])
def test_every_setting_is_explained(kind: type[msgspec.Struct]) -> None:
    for field, sentence in described(kind):
        assert sentence or field.name in {"logs", "lot", "hub", "lanes", "vendors", "lots"}, field.name


CHECKED = """
[[vendors]]
union_id = 200002
key = "K"
[[lots]]
union_id = 200002
park_id = "1"
spaces = 1
sms_check = true
"""


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (CHECKED, "lots[0].sms_check needs lot.sms_provider"),
        ('[lot]\nsms_provider = "aliyun"\nsms_key_id = "k"\n', "lot.sms_provider aliyun needs lot.sms_key_secret"),
        ('[lot]\nsms_provider = "http"\n', "lot.sms_provider http needs lot.sms_url"),
        ('[lot]\nsms_url = "http://sms"\n', 'lot.sms_url needs lot.sms_provider = "http"'),
    ],
)
def test_codes_need_somebody_who_carries_them(config: Path, text: str, sentence: str) -> None:
    assert sentence in complaint(config, text)


OIDC = '[lot]\noidc_issuer = "https://login"\noidc_client_id = "taigan"\noidc_client_secret = "s"\n'


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (OIDC, "lot.oidc_issuer needs lot.console_url"),
        (OIDC.replace('oidc_client_secret = "s"', ""), "lot.oidc_issuer needs lot.oidc_client_secret"),
        (OIDC + 'console_url = "https://lot/console"', "lot.console_url is not one of its values"),
        (
            OIDC.replace("https://login", "login") + 'console_url = "https://lot"',
            "lot.oidc_issuer must be an address beginning http:// or https://",
        ),
        ('[lot]\noidc_client_id = "taigan"', "lot.oidc_client_id needs lot.oidc_issuer"),
    ],
)
def test_a_provider_of_sign_ins_needs_all_that_it_is_asked_with(config: Path, text: str, sentence: str) -> None:
    assert sentence in complaint(config, text)


def test_the_secret_for_a_provider_is_read_from_a_file_and_hidden_in_the_logs(config: Path) -> None:
    (config.parent / "oidc").write_text("hush-hush\n")
    text = OIDC.replace('"s"', '"file:oidc"') + 'console_url = "https://lot"\n'
    settings = read(config, text)
    assert settings.lot.oidc_client_secret == "hush-hush"
    assert "hush-hush" in settings.secrets


def test_a_simulated_gateway_is_asked_for_by_name(config: Path) -> None:
    assert read(config, CHECKED, TAIGAN_LOT_SMS_PROVIDER="simulated").lots[0].sms_check
