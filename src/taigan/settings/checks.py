"""What no single setting can show: two that are the same, one that needs another, a barrier's own."""

from __future__ import annotations

import re
from collections.abc import Iterator
from zoneinfo import ZoneInfo

from taigan.settings.complaints import WrongSettings
from taigan.settings.model import Settings


def check(settings: Settings, origin: str) -> None:
    """Raises `WrongSettings` for the first that is wrong."""
    from taigan.barriers.drivers import BadSettings, read_settings  # late: it loads what devices need

    vendors = [str(vendor.union_id) for vendor in settings.vendors]
    lots = [lot.lot_id for lot in settings.lots]
    for n, union_id in enumerate(vendors):
        if union_id in vendors[:n]:
            raise WrongSettings(f"{origin}: vendors[{n}].union_id {union_id} is there twice")
    for n, lot in enumerate(settings.lots):
        where = f"{origin}: lots[{n}]"
        if str(lot.union_id) not in vendors:
            raise WrongSettings(f"{where}.union_id {lot.union_id} belongs to none of the vendors")
        if lot.lot_id in lots[:n]:
            raise WrongSettings(f"{where} is there twice: union_id {lot.union_id}, park_id {lot.park_id}")
        try:
            ZoneInfo(lot.time_zone)
        except (KeyError, ValueError, OSError):
            raise WrongSettings(f"{where}.time_zone is not a time zone (it is {lot.time_zone!r})") from None
        channels = [lane.channel_id for lane in lot.lanes]
        for m, channel_id in enumerate(channels):
            if channel_id in channels[:m]:
                raise WrongSettings(f"{where}.lanes[{m}].channel_id {channel_id} is there twice")
            try:
                read_settings(settings.barrier_of(lot.lanes[m].barrier))
            except BadSettings as error:
                raise WrongSettings(f"{where}.lanes[{m}].barrier: {error}") from None
    _check_sms(settings, origin)
    _check_oidc(settings, origin)
    for key, url in _addresses(settings):
        if not re.match(r"https?://[^/\s]+", url):
            raise WrongSettings(f"{origin}: {key} must be an address beginning http:// or https:// (it is {url!r})")


_NEEDED_FOR_SMS = {
    "aliyun": ("sms_key_id", "sms_key_secret", "sms_signature", "sms_template"),
    "tencent": ("sms_key_id", "sms_key_secret", "sms_signature", "sms_template", "sms_app_id", "sms_sign_id"),
    "http": ("sms_url",),
}


def _check_sms(settings: Settings, origin: str) -> None:
    provider = settings.lot.sms_provider
    for key in _NEEDED_FOR_SMS.get(provider, ()):
        if not getattr(settings.lot, key):
            raise WrongSettings(f"{origin}: lot.sms_provider {provider} needs lot.{key}")
    if provider == "" and settings.lot.sms_url:
        raise WrongSettings(f'{origin}: lot.sms_url needs lot.sms_provider = "http"')
    for n, lot in enumerate(settings.lots):
        if lot.sms_check and provider == "":
            raise WrongSettings(
                f"{origin}: lots[{n}].sms_check needs lot.sms_provider: aliyun, tencent or http; simulated only for "
                "trying out"
            )


def _check_oidc(settings: Settings, origin: str) -> None:
    needed = ("oidc_client_id", "oidc_client_secret", "console_url")
    for key in needed if settings.lot.oidc_issuer else ():
        if not getattr(settings.lot, key):
            raise WrongSettings(f"{origin}: lot.oidc_issuer needs lot.{key}")
    if not settings.lot.oidc_issuer and (settings.lot.oidc_client_id or settings.lot.oidc_client_secret):
        raise WrongSettings(f"{origin}: lot.oidc_client_id needs lot.oidc_issuer")


def _addresses(settings: Settings) -> Iterator[tuple[str, str]]:
    if settings.lot.hub_url not in ("production", "test"):
        yield "lot.hub_url", settings.lot.hub_url
    lot = settings.lot
    optional = {f"lot.{key}": getattr(lot, key) for key in ("sms_url", "alarm_url", "oidc_issuer")}
    optional["hub.public_url"] = settings.hub.public_url
    optional |= {f"vendors[{n}].callback_url": vendor.callback_url for n, vendor in enumerate(settings.vendors)}
    yield from ((key, url) for key, url in optional.items() if url)
