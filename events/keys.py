"""Keys and tokens: made, rotated, kept as hashes or encrypted, found by their prefix."""

import hashlib
import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import jwt
from cryptography.fernet import Fernet
from django.conf import settings
from django.db import transaction

from events.models import ApiKey, Project
from events.types import Scope

TOKEN_DAYS = 3653  # a ready token holds for ten years
READY_TOKEN = ("trackward", "backend")  # `iss` and `sub` of a token that we sign ourselves
OVERLAP_HOURS = 24  # after a rotation the former key holds for a day: time to put the new one in
LONGEST_OVERLAP_HOURS = 24 * 90

_MARKS = {ApiKey.Kind.API: "twa", ApiKey.Kind.SECRET: "tws"}
SCOPES = {
    ApiKey.Kind.API: (Scope.INGEST, Scope.READ, Scope.CONFIGURE),
    ApiKey.Kind.SECRET: (Scope.INGEST, Scope.READ, Scope.CONFIGURE, Scope.POINTS),
}


class RotationError(Exception):
    """The key or secret can't be rotated; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuedKey:
    """A key just made; `text` is shown once and kept nowhere."""

    api_key: ApiKey
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuedSecret:
    """A JWT secret just made, with a token that it signed; both are shown once."""

    jwt_secret: str
    jwt: str


def issue(
    project: Project,
    kind: ApiKey.Kind,
    name: str = "",
    *,
    scopes: Sequence[str] | None = None,
    rate_limit: str = "",
) -> IssuedKey:
    """Make a key of a project: `twa_<prefix>_<secret>`, 192 random bits.

    Without `scopes` it may do what its kind does. Raises ValidationError for a text that is no
    rate limit.
    """
    prefix = f"{_MARKS[kind]}_{secrets.token_hex(4)}"
    text = f"{prefix}_{secrets.token_urlsafe(24)}"
    api_key = ApiKey(
        project=project,
        kind=kind,
        name=name,
        prefix=prefix,
        key_hash=key_hash(text),
        scopes=[str(scope) for scope in (SCOPES[kind] if scopes is None else scopes)],
        rate_limit=rate_limit,
    )
    api_key.clean_fields()
    api_key.save(force_insert=True)
    return IssuedKey(api_key=api_key, text=text)


def revoke(api_key: ApiKey, now: datetime) -> bool:
    """Revoke a key for good; return False where it was revoked before.

    Every process refuses it as soon as it has forgotten its last judgement of it.
    """
    valid = ApiKey.objects.filter(pk=api_key.pk, revoked_at=None)
    return valid.update(revoked_at=now) == 1


@transaction.atomic
def rotate(api_key: ApiKey, *, overlap: timedelta, now: datetime) -> IssuedKey:
    """Make a key that may do the same, and let the former one expire after the overlap.

    Raises RotationError where the key was revoked, has expired or was rotated before.
    """
    issued = issue(
        api_key.project,
        ApiKey.Kind(api_key.kind),
        api_key.name,
        scopes=api_key.scopes,
        rate_limit=api_key.rate_limit,
    )
    # Of two who rotate at once one finds no row, and its new key is rolled back.
    unchanged = ApiKey.objects.filter(
        pk=api_key.pk, revoked_at=None, replaced_by=None, expires_at=None
    )
    if not unchanged.update(expires_at=now + overlap, replaced_by=issued.api_key):
        raise RotationError(f"The key {api_key} was rotated before, or no longer holds.")
    return issued


def rotate_jwt_secret(project: Project, *, overlap: timedelta, now: datetime) -> IssuedSecret:
    """Make a secret for tokens; those signed with the former one hold until the overlap is over.

    A secret that was itself on its way out is out at once: two are in force at most. Raises
    RotationError where the secret was rotated by somebody else meanwhile.
    """
    jwt_secret = new_jwt_secret()
    unchanged = Project.objects.filter(pk=project.pk, jwt_secret=project.jwt_secret)
    if not unchanged.update(
        jwt_secret=encrypted(jwt_secret),
        former_jwt_secret=project.jwt_secret,
        former_jwt_secret_until=now + overlap,
    ):
        raise RotationError("The secret was rotated by somebody else just now.")
    return IssuedSecret(
        jwt_secret=jwt_secret, jwt=signed_token(slug=project.slug, secret=jwt_secret, now=now)
    )


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
        "iss": READY_TOKEN[0],
        "sub": READY_TOKEN[1],
        "aud": slug,
        "iat": now,
        "exp": now + timedelta(days=TOKEN_DAYS),
    }
    return jwt.encode(claims, secret, algorithm="HS256")
