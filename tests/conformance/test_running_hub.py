"""A lot is judged while its uploads go to a hub that runs elsewhere."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from conformance.lots.good import KEY, GoodLot
from conformance.lots.uploads import SignsBeforeItSerialisesAgain
from hub.sides import LOT_ID, TOKEN, running_side
from support.servers.ports import free_port
from support.stacks.judged import judged
from taigan.clock import SystemClock
from taigan.conformance.model import BadConfiguration, HubUnreachable, Status
from taigan.conformance.run import Run


@pytest.fixture(scope="module")
async def hub_url(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    """A hub that knows the lot; nobody listens at the lot's callback address, which only the kit uses."""
    clock: Any = SystemClock()
    callback = f"http://127.0.0.1:{free_port()}/bolink"
    async with running_side(tmp_path_factory.mktemp("hub"), clock, callback, key=KEY) as side:
        yield side.url


async def judged_through(url: str, lot: GoodLot, folder: Path, *only: str, token: str = TOKEN, **changed: Any) -> Run:
    (folder / "token").write_text(token)
    return await judged(lot, folder, *only, hub=url, hub_token=f"file:{folder / 'token'}", patience=0.3, **changed)


async def test_uploads_at_a_hub_elsewhere_are_judged_and_its_answers_are_not_meddled_with(
    hub_url: str, tmp_path: Path
) -> None:
    run = await judged_through(hub_url, GoodLot(), tmp_path, "5.7/01", "5.7/05", "3.1/01", "3.1/02", "3.1/03", "X")
    came_out = {result.case.case_id: result.status for result in run.results}
    assert came_out.pop("3.1/03") is Status.NOT_VERIFIED
    # No amount is on its way in these cases.
    assert came_out.pop("X/05") is Status.NOT_VERIFIED
    assert set(came_out.values()) == {Status.PASSED}
    reason = next(result.reason for result in run.results if result.case.case_id == "3.1/03")
    assert reason is not None
    assert "--hub-listen" in reason.en


async def test_a_wrong_signature_at_a_hub_elsewhere_is_explained(hub_url: str, tmp_path: Path) -> None:
    run = await judged_through(hub_url, SignsBeforeItSerialisesAgain(), tmp_path, "3.1/01")
    (result,) = run.results
    assert result.status is Status.FAILED
    assert "signed without its blanks" in " ".join(check.got.en for check in result.failures)


async def test_a_hub_that_cannot_be_used_is_refused_in_a_sentence(hub_url: str, tmp_path: Path) -> None:
    with pytest.raises(BadConfiguration, match=r"hub_token: .* does not take this token; it is the hub's admin_token"):
        await judged_through(hub_url, GoodLot(), tmp_path, "5.7/01", token="another")
    with pytest.raises(BadConfiguration, match=f"does not know the lot 200002-9; it knows {LOT_ID}"):
        await judged_through(hub_url, GoodLot(), tmp_path, "5.7/01", park_id="9")
    with pytest.raises(HubUnreachable, match="cannot be reached: connection refused"):
        await judged_through(f"http://127.0.0.1:{free_port()}", GoodLot(), tmp_path, "5.7/01")
    other = GoodLot()
    async with other.running() as url:
        with pytest.raises(BadConfiguration, match=r"does not answer as this version of taigan hub does \(HTTP 404\)"):
            await judged_through(url, GoodLot(), tmp_path, "5.7/01")
