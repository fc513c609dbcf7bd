"""Credentials as clients send them, and what becomes of them."""

import base64
import json
from datetime import timedelta
from typing import Any

import jwt
from django.utils import timezone

from events import auth
from events.projects import NewProject
from events.types import Access, Credential, Refusal, RefusalCode


def access_of(*credentials: Credential) -> Access:
    access = auth.authenticate(credentials)
    assert isinstance(access, Access), access
    return access


def refusal_of(
    *credentials: Credential, code: RefusalCode = RefusalCode.INVALID_CREDENTIALS
) -> str:
    """Return why the credentials are refused, in words."""
    refusal = auth.authenticate(credentials)
    assert isinstance(refusal, Refusal), refusal
    assert refusal.code == code
    return refusal.message


def api_key(text: str) -> Credential:
    return Credential(kind="api_key", value=text)


def secret_key(text: str) -> Credential:
    return Credential(kind="secret_key", value=text)


def token(text: str) -> Credential:
    return Credential(kind="jwt", value=text)


def signed(made: NewProject, **changes: Any) -> Credential:
    """Return a token of the project with claims changed; None takes one away."""
    claims = {
        "sub": "u-1",
        "iss": "tenant",
        "aud": made.project.slug,
        "exp": timezone.now() + timedelta(hours=1),
    } | changes
    kept = {name: value for name, value in claims.items() if value is not None}
    return token(jwt.encode(kept, made.jwt_secret, algorithm="HS256"))


def unsigned(header: Any, payload: Any) -> str:
    """Return a token with these parts and a signature that is none."""
    parts = (
        json.dumps(part).encode() if not isinstance(part, bytes) else part
        for part in (header, payload, b"no signature")
    )
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)
