"""`taigan tariff`: a price list is checked, stays are priced, the curve is drawn and the board is made."""

from __future__ import annotations

import json
from pathlib import Path

from cli.test_interface_commands import taigan

MALL = str(Path(__file__).parents[2] / "docs/tariffs/guangzhou-mall.toml")
DAYS = str(Path(__file__).parents[2] / "docs/tariffs/workdays-and-holidays.toml")


async def test_check_says_in_words_what_a_price_list_says(tmp_path: Path) -> None:
    code, said = await taigan("tariff", "check", MALL, cwd=tmp_path)
    assert code == 0
    assert "3小时以内：2.5元/30分钟  first 3 h: ¥2.5 per 30 min" in said
    assert "可用，自 2011-01-01 起  usable, from 2011-01-01" in said


async def test_check_names_the_file_the_place_and_what_would_be_right_in_both_languages(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.toml"
    wrong.write_text(
        'valid_from = 2026-01-01\n[[rates]]\n[[rates.sections]]\nsteps = [{ per = 30, price = "2.505" }]\n'
    )
    code, said = await taigan("tariff", "check", str(wrong), cwd=tmp_path)
    assert code == 2
    assert f"{wrong}: 第 1 个费率 › 第 1 个时段 › 第 1 个阶梯 › 价格（price）：金额应为" in said
    assert f"{wrong}: rate 1 › section 1 › step 1 › price: must be yuan" in said
    assert "Traceback" not in said
    code, said = await taigan("tariff", "check", "nowhere.toml", cwd=tmp_path)
    assert (code, "nowhere.toml: 没有这个文件" in said, "there is no such file" in said) == (2, True, True)


async def test_price_shows_the_slices_as_a_table_or_as_json(tmp_path: Path) -> None:
    stay = ("2026-03-02T18:30", "2026-03-03T10:00")
    code, said = await taigan("tariff", "price", MALL, *stay, cwd=tmp_path)
    assert code == 0
    lines = said.splitlines()
    assert " ".join(lines[1].split()) == "2026-03-02 18:30:00 2026-03-02 22:00:00 08:00–22:00 6×2.5 + 1×5 20.00"
    assert lines[-1] == "应付 40.00 元"
    code, said = await taigan("tariff", "price", MALL, *stay, "--json", cwd=tmp_path)
    found = json.loads(said)
    assert (found["fen"], [piece["fen"] for piece in found["slices"]]) == (4000, [2000, 1000, 1000])
    assert found["slices"][0]["start"] == "2026-03-02T18:30:00+08:00"


async def test_price_takes_the_vehicle_and_the_lots_days_and_says_what_it_cannot_price(tmp_path: Path) -> None:
    stay = ("2126-03-04T10:00", "2126-03-04T11:00")
    code, said = await taigan("tariff", "price", DAYS, *stay, "--vehicle", "large", "--json", cwd=tmp_path)
    assert (code, json.loads(said)["fen"]) == (0, 700)
    code, said = await taigan("tariff", "price", DAYS, *stay, "--vehicle", "small", cwd=tmp_path)
    assert (code, "2126 年的节假日" in said, "years = [2126]" in said) == (2, True, True)
    days = tmp_path / "days.toml"
    days.write_text("holidays = [2126-03-04]\nyears = [2126]\n")
    arguments = (*stay, "--vehicle", "small", "--days", str(days), "--json")
    code, said = await taigan("tariff", "price", DAYS, *arguments, cwd=tmp_path)
    assert (code, json.loads(said)["fen"]) == (0, 300)
    code, said = await taigan("tariff", "price", DAYS, *stay, "--vehicle", "tank", cwd=tmp_path)
    assert (code, "tank" in said) == (2, True)
    code, said = await taigan("tariff", "price", MALL, "yesterday", "today", cwd=tmp_path)
    assert (code, "'yesterday'" in said, "Traceback" in said) == (2, True, False)
    code, said = await taigan("tariff", "price", MALL, *stay, "--zone", "Mars/Base", cwd=tmp_path)
    assert (code, "Mars/Base" in said, "Traceback" in said) == (2, True, False)


async def test_a_stay_that_ends_before_it_begins_is_refused_with_both_moments(tmp_path: Path) -> None:
    code, said = await taigan("tariff", "price", MALL, "2026-03-02T10:00", "2026-03-02T09:00:30", cwd=tmp_path)
    assert (code, "应付" in said) == (2, False)
    assert "离场时间 2026-03-02 09:00:30 早于入场时间 2026-03-02 10:00" in said
    assert "the exit, 2026-03-02 09:00:30, is before the entry, 2026-03-02 10:00" in said


async def test_curve_and_board_are_printed_or_written(tmp_path: Path) -> None:
    # the list begins on a Saturday, and the Monday after it was a holiday
    code, said = await taigan("tariff", "curve", MALL, "--entry", "21:00", "--hours", "12", cwd=tmp_path)
    assert (code, said.startswith("<svg "), "2011-01-10入场" in said) == (0, True, True)
    code, said = await taigan("tariff", "curve", MALL, "--entry", "9:00", "--hours", "1", cwd=tmp_path)
    assert (code, "09:00" in said) == (0, True)
    code, said = await taigan("tariff", "board", MALL, "--lot", "东门", "--output", "board.html", cwd=tmp_path)
    assert (code, said) == (0, "")
    assert "东门" in (tmp_path / "board.html").read_text("utf-8")
    code, said = await taigan("tariff", "board", MALL, "--output", "nowhere/board.html", cwd=tmp_path)
    assert (code, "Traceback" in said) == (3, False)
