"""Stays whose fees were published, tested by other people, or worked out by hand from the stated rule."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from support.lot.tariffs import DOCUMENTS, RULES, rule
from taigan.lot.tariff.errors import BadPriceList
from taigan.lot.tariff.evaluation import price
from taigan.lot.tariff.reading import price_lists

EXAMPLES = [json.loads(line) for line in (Path(__file__).parent / "examples.jsonl").read_text("utf-8").splitlines()]
# What a price list cannot say, and how its data would have to look: refused, never priced.
CANNOT_SAY = {
    "aps-night-pool-01": {  # one cap shared by two night pieces of a calendar day
        "valid_from": "2011-01-01",
        "rates": [
            {
                "period": "stay",
                "sections": [
                    {"from": "08:00", "until": "20:00", "cap": "20", "steps": [{"per": 30, "price": "2"}]},
                    {"from": "20:00", "until": "08:00", "cap_per_day": "10", "steps": [{"per": 60, "price": "2"}]},
                ],
            }
        ],
    },
    "hongqiao-a-02": {  # a cap that depends on the length of the whole stay
        "valid_from": "2011-01-01",
        "rates": [
            {
                "free": 20,
                "period_caps": [
                    {"stay_up_to": 1440, "cap": "60"},
                    {"stay_up_to": 2880, "cap": "80"},
                    {"cap": "110"},
                ],
                "sections": [{"steps": [{"up_to": 120, "per": 60, "price": "10"}, {"per": 60, "price": "5"}]}],
            }
        ],
    },
}


def paid_before(example: dict[str, Any]) -> dict[str, Any]:
    """What the caller knows from earlier visits: the 24 h from the first are paid, or the free minutes are used up."""
    earlier = example.get("before", [])
    if example["rule"] == "baiyun":
        return {"free_used": len(earlier) >= 2}
    paid = [datetime.fromisoformat(visit["entry"]) for visit in earlier]
    return {"covered": [(begin, begin + timedelta(hours=24)) for begin in paid]}


@pytest.mark.parametrize(
    "example", [e for e in EXAMPLES if e["id"] not in CANNOT_SAY], ids=lambda example: example["id"]
)
def test_the_stay_costs_what_its_rule_says(example: dict[str, Any]) -> None:
    entry, exit = datetime.fromisoformat(example["entry"]), datetime.fromisoformat(example["exit"])
    assert price(rule(example["rule"]), entry, exit, **paid_before(example)).fen == example["fee_fen"]


@pytest.mark.parametrize("name", CANNOT_SAY)
def test_what_a_price_list_cannot_say_is_refused(name: str) -> None:
    assert name in {example["id"] for example in EXAMPLES}
    with pytest.raises(BadPriceList) as refused:
        price_lists.from_data(CANNOT_SAY[name])
    assert {problem.field for problem in refused.value.problems} == {
        "aps-night-pool-01": {"rates[0].sections[1].cap_per_day"},
        "hongqiao-a-02": {"rates[0].period_caps"},
    }[name]


def test_every_rule_is_a_file_and_every_file_is_used_or_documented() -> None:
    assert {file.stem for file in RULES.glob("*.toml")} <= {example["rule"] for example in EXAMPLES}
    assert len(EXAMPLES) == 134


@pytest.mark.parametrize("file", [*RULES.glob("*.toml"), *DOCUMENTS.glob("*.toml")], ids=lambda file: file.stem)
def test_a_price_list_becomes_data_and_the_same_list_again(file: Path) -> None:
    price_list = price_lists.read(file.read_bytes())
    data = price_lists.to_data(price_list)
    assert price_lists.from_data(json.loads(json.dumps(data))) == price_list
