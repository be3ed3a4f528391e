"""Reads the settings from `taigan.toml` and `TAIGAN_*` variables.

A variable goes before the file: `TAIGAN_DATA_DIR`, `TAIGAN_LOT_PORT`, `TAIGAN_LOT_ANSWER_WITHIN`. A setting whose name
stands in one section only may be named without it: `TAIGAN_ANSWER_WITHIN`. Vendors and lots come from the file.
"""

from __future__ import annotations

import difflib
import tomllib
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from taigan.settings.checks import check
from taigan.settings.complaints import WrongSettings, complaint_about, did_you_mean, given, sentence_of
from taigan.settings.model import Settings, sections

SHORTEST_TOKEN = 16
IGNORED_VARIABLES = ("TAIGAN_CONFIG", "TAIGAN_TEST_")


def load(path: Path | None, environment: Mapping[str, str]) -> Settings:
    """Read the settings from the file at `path` (none: defaults) and the variables of `environment`.

    Raises:
        WrongSettings: the file cannot be read, or a key or value in it, or a variable, is wrong.
    """
    raw: dict[str, Any] = {}
    if path is not None:
        try:
            raw = tomllib.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise WrongSettings(f"{path} does not exist; `taigan init {path}` writes one") from None
        except OSError as error:
            raise WrongSettings(f"{path} cannot be read: {error.strerror}") from None
        except UnicodeDecodeError:
            raise WrongSettings(f"{path} is not UTF-8 text") from None
        except tomllib.TOMLDecodeError as error:
            raise WrongSettings(f"{path} is not TOML: {error}") from None
    origin = str(path) if path is not None else "the settings"
    _overlay(raw, environment)
    folder = path.resolve().parent if path is not None else Path.cwd()
    try:
        settings = msgspec.convert(raw, Settings)
    except msgspec.ValidationError as error:
        raise WrongSettings(sentence_of(error, raw, origin)) from None
    settings = _with_secrets_read(settings, folder, origin)
    if not Path(settings.data_dir).is_absolute():
        settings = msgspec.structs.replace(settings, data_dir=str(folder / settings.data_dir))
    check(settings, origin)
    return settings


def variables() -> dict[str, tuple[str, str]]:
    """Every `TAIGAN_*` variable and the section (empty at the top) and key that it sets."""
    known = {"TAIGAN_DATA_DIR": ("", "data_dir")}
    counted: dict[str, list[str]] = {}
    for section, kind in sections().items():
        for key in kind.__struct_fields__:
            known[f"TAIGAN_{section}_{key}".upper()] = (section, key)
            counted.setdefault(key, []).append(section)
    for key, where in counted.items():
        short = f"TAIGAN_{key}".upper()
        if len(where) == 1 and short not in known:
            known[short] = (where[0], key)
    return known


def _overlay(raw: dict[str, Any], environment: Mapping[str, str]) -> None:
    known = variables()
    full_names_last = sorted(environment.items(), key=lambda item: len(item[0]))
    for variable, text in full_names_last:
        if not variable.startswith("TAIGAN_") or variable.startswith(IGNORED_VARIABLES):
            continue
        if variable not in known:
            near = difflib.get_close_matches(variable, known, n=1, cutoff=0.85)
            if near or variable.split("_")[1].lower() in sections():
                raise WrongSettings(f"the variable {variable} sets nothing that exists{did_you_mean(near)}")
            continue
        section, key = known[variable]
        target = raw.setdefault(section, {}) if section else raw
        if not isinstance(target, dict):
            raise WrongSettings(f"{section} must be a table ([{section}])")
        kind = sections()[section] if section else Settings
        field = next(field for field in msgspec.structs.fields(kind) if field.name == key)
        try:
            target[key] = _from_text(text, field.type)
        except tomllib.TOMLDecodeError:
            raise WrongSettings(f"the variable {variable} must be written as in the file{given(key, text)}") from None
        except msgspec.ValidationError as error:
            what = complaint_about(str(error), kind, key)
            raise WrongSettings(f"the variable {variable} {what}{given(key, text)}") from None


def _from_text(text: str, kind: Any) -> Any:
    """The value a variable's text stands for: as it is where text is wanted, else as TOML writes it."""
    if typing.get_origin(kind) in (tuple, list, dict):
        value = tomllib.loads(f"value = {text}")["value"]
        msgspec.convert(value, kind)
        return value
    value = msgspec.convert(text, kind, strict=False)
    return msgspec.to_builtins(value)


def _with_secrets_read(settings: Settings, folder: Path, origin: str) -> Settings:
    def read(value: str, key: str) -> str:
        if not value.startswith("file:"):
            return value
        path = folder / value.removeprefix("file:")
        try:
            text = path.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not text"
            raise WrongSettings(f"{origin}: {key} names the file {path}, which cannot be read: {reason}") from None
        if not text:
            raise WrongSettings(f"{origin}: {key} names the file {path}, which is empty")
        return text

    replace = msgspec.structs.replace
    tokens = {name: read(token, f"lot.api_tokens.{name}") for name, token in settings.lot.api_tokens.items()}
    for name, token in tokens.items():
        if len(token) < SHORTEST_TOKEN:
            raise WrongSettings(f"{origin}: lot.api_tokens.{name} must have at least {SHORTEST_TOKEN} characters")
    admin_token = read(settings.hub.admin_token, "hub.admin_token")
    if admin_token and len(admin_token) < SHORTEST_TOKEN:
        raise WrongSettings(f"{origin}: hub.admin_token must have at least {SHORTEST_TOKEN} characters")
    vendors = (replace(v, key=read(v.key, f"vendors[{n}].key")) for n, v in enumerate(settings.vendors))
    return replace(
        settings,
        lot=replace(
            settings.lot,
            api_tokens=tokens,
            sms_key_secret=read(settings.lot.sms_key_secret, "lot.sms_key_secret"),
            s3_key_secret=read(settings.lot.s3_key_secret, "lot.s3_key_secret"),
            oidc_client_secret=read(settings.lot.oidc_client_secret, "lot.oidc_client_secret"),
        ),
        hub=replace(settings.hub, admin_token=admin_token),
        vendors=tuple(vendors),
    )
