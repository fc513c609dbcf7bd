"""Credentials judged: which project a request may touch, and how."""

import time
from collections.abc import Sequence
from typing import Any

import jwt

from events.keys import decrypted, is_key, prefix_of
from events.models import ApiKey, Project
from events.types import Access, Credential, Refusal, RefusalCode, Scope

# A revoked key is refused everywhere within this time.
ACCESS_SECONDS = 2.0
# A key made a moment ago must not be refused because it was tried too early.
REFUSED_SECONDS = 0.5
_MOST_REMEMBERED = 10_000
_MOST_AUDIENCES = 20  # each that is a project of ours costs a verification

_remembered: dict[Credential, tuple[float, Access | Refusal]] = {}

_TOKEN_SCOPES = frozenset({Scope.INGEST})
_CLAIMS = ["exp", "aud", "sub", "iss"]


def authenticate(credentials: Sequence[Credential]) -> Access | Refusal:
    """Return what the credentials allow together, or why they are refused.

    All must hold and belong to one project; the scopes add up.
    """
    judged = [_judged(credential) for credential in credentials]
    accesses: list[Access] = []
    for access in judged:
        if isinstance(access, Refusal):
            return access
        accesses.append(access)
    if len({access.project_id for access in accesses}) != 1:
        return _refused("The credentials belong to different projects.")
    if len(accesses) == 1:
        return accesses[0]
    return Access(
        project_id=accesses[0].project_id,
        scopes=frozenset().union(*(access.scopes for access in accesses)),
        key_id=accesses[0].key_id,
        is_token=all(access.is_token for access in accesses),
    )


def forget() -> None:
    """Forget every judgement, as after a restart."""
    _remembered.clear()


def _judged(credential: Credential) -> Access | Refusal:
    now = time.monotonic()
    known = _remembered.get(credential)
    if known and known[0] > now:
        return known[1]
    access = (
        _token_access(credential.value) if credential.kind == "jwt" else _key_access(credential)
    )
    if len(_remembered) >= _MOST_REMEMBERED:
        _remembered.clear()
    lasts = REFUSED_SECONDS if isinstance(access, Refusal) else ACCESS_SECONDS
    _remembered[credential] = now + lasts, access
    return access


def _key_access(credential: Credential) -> Access | Refusal:
    api_key = ApiKey.objects.filter(prefix=_storable(prefix_of(credential.value))).first()
    if api_key is None or api_key.kind != credential.kind or not is_key(api_key, credential.value):
        return _refused("The key is not known.")
    if api_key.revoked_at is not None:
        return _refused("The key was revoked.")
    return Access(
        project_id=api_key.project_id,
        scopes=frozenset(map(Scope, api_key.scopes)),
        key_id=api_key.pk,
    )


def _token_access(token: str) -> Access | Refusal:
    judged = [_access_to(project, token) for project in _projects_of(token)]
    if not judged:
        return _refused("The token names no project of ours in `aud`.")
    # One that names several projects is of the one whose secret has signed it.
    return next((access for access in judged if isinstance(access, Access)), judged[0])


def _access_to(project: Project, token: str) -> Access | Refusal:
    try:
        claims = jwt.decode(
            token,
            decrypted(project.jwt_secret),
            algorithms=["HS256"],
            audience=project.slug,
            options={"require": _CLAIMS},
        )
    except jwt.ExpiredSignatureError:
        return _refused("The token has expired.")
    except jwt.InvalidTokenError:
        return _refused("The token is not valid.")
    if not claims["sub"] or not claims["iss"]:
        return _refused("The token's `sub` or `iss` is empty.")
    return Access(project_id=project.pk, scopes=_TOKEN_SCOPES, is_token=True)


def _projects_of(token: str) -> list[Project]:
    """Return the projects that a token claims to be for; its signature is not checked yet."""
    try:
        claims: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    except jwt.InvalidTokenError:
        return []
    audience = claims.get("aud")
    slugs = audience if isinstance(audience, list) else [audience]
    named = [_storable(slug) for slug in slugs[:_MOST_AUDIENCES] if isinstance(slug, str)]
    return list(Project.objects.filter(slug__in=named).order_by("id"))


def _storable(text: str) -> str:
    # PostgreSQL can't even be asked for a text with U+0000 or half a surrogate pair.
    return text.replace("\x00", "").encode("utf-8", "ignore").decode()


def _refused(message: str) -> Refusal:
    return Refusal(code=RefusalCode.INVALID_CREDENTIALS, message=message)


def access_of(project: Project) -> Access:
    """Return what a command of the operator may do in a project."""
    return Access(project_id=project.pk, scopes=frozenset(Scope))
