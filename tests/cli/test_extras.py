"""What needs an extra says so when it is asked for without it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from taigan.cli.running import Failure
from taigan.cli.serving.lot import provider_of
from taigan.clock import SystemClock
from taigan.network.transport import AiohttpTransport
from taigan.settings.reading import load

NEEDS = {"oidc_client_id": "taigan", "oidc_client_secret": "s", "console_url": "https://lot"}


def test_a_provider_of_sign_ins_without_its_extra_is_a_sentence_with_the_line_that_installs_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in [
        name for name in sys.modules if name.startswith(("joserfc", "taigan.web.console.signing.oidc_client"))
    ]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.delitem(sys.modules, "taigan.web.console.signing.id_token", raising=False)
    monkeypatch.setitem(sys.modules, "joserfc", None)  # as where it is not installed
    given = {f"TAIGAN_LOT_{name}".upper(): value for name, value in NEEDS.items()}
    settings = load(None, {"TAIGAN_LOT_OIDC_ISSUER": "https://login", **given})
    with pytest.raises(Failure, match=r"pip install 'taigan\[oidc\]'"):
        provider_of(settings, AiohttpTransport(), SystemClock())
    assert provider_of(load(None, {}), AiohttpTransport(), SystemClock()) is None


def test_the_lot_platform_does_without_what_only_the_extra_needs(tmp_path: Path) -> None:
    """Nothing that every platform loads imports it."""
    code = "import sys; sys.modules['joserfc'] = None; import taigan.web.app, taigan.cli.serving.lot"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=tmp_path, timeout=120)
