"""Keys and tokens: made, kept as hashes or encrypted, found by their prefix."""

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

import jwt
from cryptography.fernet import Fernet
from django.conf import settings

from events.models import ApiKey, Project
from events.types import Scope

TOKEN_DAYS = 3653  # a ready token holds for ten years
TOKEN_ISSUER = "trackward"  # noqa: S105 (the name of who issues, no secret)

_MARKS = {ApiKey.Kind.API: "twa", ApiKey.Kind.SECRET: "tws"}
SCOPES = {
    ApiKey.Kind.API: (Scope.INGEST, Scope.READ, Scope.CONFIGURE),
    ApiKey.Kind.SECRET: (Scope.INGEST, Scope.READ, Scope.CONFIGURE, Scope.POINTS),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuedKey:
    """A key just made; `text` is shown once and kept nowhere."""

    api_key: ApiKey
    text: str


def issue(project: Project, kind: ApiKey.Kind, name: str = "") -> IssuedKey:
    """Make a key of a project: `twa_<prefix>_<secret>`, 192 random bits."""
    prefix = f"{_MARKS[kind]}_{secrets.token_hex(4)}"
    text = f"{prefix}_{secrets.token_urlsafe(24)}"
    api_key = ApiKey.objects.create(
        project=project,
        kind=kind,
        name=name,
        prefix=prefix,
        key_hash=key_hash(text),
        scopes=[str(scope) for scope in SCOPES[kind]],
    )
    return IssuedKey(api_key=api_key, text=text)


def revoke(api_key: ApiKey, now: datetime) -> bool:
    """Revoke a key for good; return False where it was revoked before.

    Every process refuses it as soon as it has forgotten its last judgement of it.
    """
    valid = ApiKey.objects.filter(pk=api_key.pk, revoked_at=None)
    return valid.update(revoked_at=now) == 1


def key_hash(text: str) -> str:
    # A plain hash suffices: 192 random bits can't be guessed, and it is asked for each request.
    return hashlib.sha256(text.encode()).hexdigest()


def is_key(api_key: ApiKey, text: str) -> bool:
    """Tell whether the text is this key, in constant time."""
    return hmac.compare_digest(api_key.key_hash, key_hash(text))


def prefix_of(text: str) -> str:
    """Return what finds the key in the table; nonsense gives a prefix that finds nothing."""
    return "_".join(text.split("_", 2)[:2])[:16]


def new_jwt_secret() -> str:
    return secrets.token_urlsafe(48)


def encrypted(text: str) -> str:
    return Fernet(settings.ENCRYPTION_KEY).encrypt(text.encode()).decode()


def decrypted(text: str) -> str:
    """Return what `encrypted` hid. Raises InvalidToken under another installation's key."""
    return Fernet(settings.ENCRYPTION_KEY).decrypt(text.encode()).decode()


def signed_token(*, slug: str, secret: str, now: datetime) -> str:
    """Return a Lynes token of the project, for a backend that sends for all its users."""
    claims = {
        "sub": "backend",
        "iss": TOKEN_ISSUER,
        "aud": slug,
        "iat": now,
        "exp": now + timedelta(days=TOKEN_DAYS),
    }
    return jwt.encode(claims, secret, algorithm="HS256")
