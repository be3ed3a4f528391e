"""The ID token of an OpenID Connect provider, read with its keys: the extra `taigan[oidc]`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from joserfc import jwt
from joserfc.errors import BadSignatureError, InvalidKeyIdError, JoseError
from joserfc.jwk import JWKRegistry, Key, KeySet, OctKey, RSAKey
from joserfc.jws import JWSRegistry

from taigan.web.console.signing.elsewhere import NotVouched

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "Ed25519")
"""Signatures by a key that the provider alone has: nothing that needs a shared secret, and never none."""
SKEW = 60
"""Seconds by which the provider's clock may be off."""
MOST_KEYS = 50
SHORTEST_RSA = 2048


class OtherKey(NotVouched):
    """None of these keys made the signature."""


class Keys:
    """The provider's public keys. Those that are not for signatures, or that we cannot read, are left out."""

    def __init__(self, listed: list[Any]) -> None:
        self._set = KeySet([key for data in listed[:MOST_KEYS] if (key := _key(data)) is not None])

    def claims(self, token: str) -> dict[str, Any]:
        """What the token says, its signature checked. Raises OtherKey, NotVouched."""
        try:
            registry = JWSRegistry(algorithms=ALGORITHMS, strict_check_header=False)
            return jwt.decode(token, self._set, algorithms=ALGORITHMS, registry=registry).claims
        except (InvalidKeyIdError, BadSignatureError) as error:
            raise OtherKey(str(error)) from None
        except (JoseError, ValueError, TypeError, KeyError, RecursionError) as error:
            raise NotVouched(f"the ID token cannot be read: {error}") from None


def check_claims(claims: Mapping[str, Any], *, issuer: str, client_id: str, nonce: str, now: datetime) -> None:
    """Raise NotVouched unless the token is from that issuer for us, in time, and for this very sign-in (OpenID Connect
    Core 3.1.3.7)."""
    said = {name: {"essential": True, "value": value} for name, value in (("iss", issuer), ("aud", client_id))}
    registry = jwt.JWTClaimsRegistry(
        now=int(now.timestamp()),
        leeway=SKEW,
        sub={"essential": True},
        exp={"essential": True},
        iat={"essential": True},
        **said,  # type: ignore[arg-type]
    )
    try:
        registry.validate(dict(claims))
    except JoseError as error:
        raise NotVouched(f"the ID token is not for this sign-in: {error}") from None
    if claims.get("nonce") != nonce:
        raise NotVouched("the ID token is of another sign-in: nonce")
    audience, party = claims["aud"], claims.get("azp")
    if (party is None and isinstance(audience, list) and len(audience) > 1) or party not in (None, client_id):
        raise NotVouched("the ID token was made for another application: azp")


def check_asked_again(claims: Mapping[str, Any], since: datetime) -> None:
    """Raise NotVouched unless the provider has asked the person who they are since then."""
    at = claims.get("auth_time")
    if isinstance(at, bool) or not isinstance(at, int) or at < since.timestamp() - SKEW:
        raise NotVouched("the provider did not ask again who the person is: auth_time")


def _key(data: object) -> Key | None:
    if not isinstance(data, dict) or data.get("use", "sig") != "sig":
        return None
    try:
        key = JWKRegistry.import_key(data)
        if isinstance(key, OctKey) or (isinstance(key, RSAKey) and key.public_key.key_size < SHORTEST_RSA):
            return None
        return key
    except (JoseError, ValueError, TypeError, KeyError, AttributeError):
        return None
