"""Credentials judged: which project a request may touch, and how."""

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import jwt
from django.utils import timezone

from events import key_activity
from events.keys import READY_TOKEN, decrypted, is_key, prefix_of
from events.models import ApiKey, Project
from events.rate_limits import read_rate_limits
from events.types import Access, Credential, Refusal, RefusalCode, Scope

# A revoked key is refused everywhere within this time.
ACCESS_SECONDS = 2.0
# A key made a moment ago must not be refused because it was tried too early.
REFUSED_SECONDS = 0.5
# The clock of who signs tokens may be ahead of ours, or behind.
LEEWAY_SECONDS = 30
_MOST_REMEMBERED = 10_000
_MOST_AUDIENCES = 20  # each that is a project of ours costs a verification
_KEY_CHARACTERS = 100  # ours have 45
TOKEN_CHARACTERS = 8_192  # a ready one has 200; who signs may add claims

# Apart, so that a flood of nonsense can't push out the keys that are in use.
_accepted: dict[Credential, tuple[float, Access]] = {}
_refused_lately: dict[Credential, tuple[float, Refusal]] = {}

_TOKEN_SCOPES = frozenset({Scope.INGEST})
_CLAIMS = ["exp", "aud", "sub", "iss"]
_ALGORITHMS = ["HS256"]


def authenticate(credentials: Sequence[Credential]) -> Access | Refusal:
    """Return what the credentials allow together, or why they are refused.

    All must hold, but those that may fail, and belong to one project; the scopes add up. The rate
    limits are those of the first that has any.
    """
    if len(credentials) == 1:
        return _judged(credentials[0])
    judged = [(credential, _judged(credential)) for credential in credentials]
    refusals = [
        (credential, refusal)
        for credential, refusal in judged
        if isinstance(refusal, Refusal) and not credential.may_fail
    ]
    if refusals:
        return _first_refusal(refusals)
    accesses = [access for _, access in judged if isinstance(access, Access)]
    if len({access.project_id for access in accesses}) != 1:
        return _refused("The credentials belong to different projects.")
    leading = next((access for access in accesses if access.rate_limits), accesses[0])
    return replace(
        leading,
        scopes=frozenset().union(*(access.scopes for access in accesses)),
        is_token=all(access.is_token for access in accesses),
        has_secret=any(access.has_secret for access in accesses),
        subject=next((access.subject for access in accesses if access.subject), ""),
    )


def _first_refusal(refusals: Sequence[tuple[Credential, Refusal]]) -> Refusal:
    """Return the refusal of the first wrong one; of a secret key beside a good one, as such."""
    for credential, refusal in refusals:
        if credential.kind != "secret_key":
            return refusal
    [(_, wrong), *_] = refusals
    return replace(
        wrong,
        code=RefusalCode.INVALID_SECRET_KEY,
        message=wrong.message.replace("The key", "The secret key"),
    )


def forget() -> None:
    """Forget every judgement, as after a restart."""
    _accepted.clear()
    _refused_lately.clear()


def _judged(credential: Credential) -> Access | Refusal:
    now = time.monotonic()
    accepted = _accepted.get(credential)
    if accepted and accepted[0] > now:
        return accepted[1]
    refused = _refused_lately.get(credential)
    if refused and refused[0] > now:
        return refused[1]
    is_token = credential.kind == "jwt"
    if len(credential.value) > (TOKEN_CHARACTERS if is_token else _KEY_CHARACTERS):
        return _refused("The token is too long." if is_token else "The key is not known.")
    access = _token_access(credential.value) if is_token else _key_access(credential)
    if isinstance(access, Refusal):
        _remember(_refused_lately, credential, (now + REFUSED_SECONDS, access))
        _accepted.pop(credential, None)
    else:
        _remember(_accepted, credential, (now + ACCESS_SECONDS, access))
    return access


def _remember(known: dict[Credential, Any], credential: Credential, judgement: Any) -> None:
    if len(known) >= _MOST_REMEMBERED:
        known.clear()
    known[credential] = judgement


def _key_access(credential: Credential) -> Access | Refusal:
    found = ApiKey.objects.select_related("project").filter(
        prefix=_storable(prefix_of(credential.value))
    )
    api_key = found.first()
    if api_key is None or api_key.kind != credential.kind or not is_key(api_key, credential.value):
        return _refused("The key is not known.")
    now = timezone.now()
    if api_key.revoked_at is not None:
        return _refused("The key was revoked.")
    if api_key.expires_at is not None and api_key.expires_at <= now:
        return _refused("The key has expired.")
    key_activity.note_used(api_key, now)
    return Access(
        project_id=api_key.project_id,
        scopes=frozenset(map(Scope, api_key.scopes)),
        key_id=api_key.pk,
        has_secret=credential.kind == "secret_key",
        demands_secret=api_key.project.demands_secret_key,
        rate_limits=read_rate_limits(api_key.rate_limit),
    )


def _token_access(token: str) -> Access | Refusal:
    judged = [_access_to(project, token) for project in _projects_of(token)]
    if not judged:
        return _refused("The token names no project of ours in `aud`.")
    # One that names several projects is of the one whose secret has signed it.
    return next((access for access in judged if isinstance(access, Access)), judged[0])


def _access_to(project: Project, token: str) -> Access | Refusal:
    try:
        claims = _claims(project, token)
    except jwt.ExpiredSignatureError:
        return _refused("The token has expired.")
    except jwt.InvalidTokenError:
        return _refused("The token is not valid.")
    if not claims["sub"] or not claims["iss"]:
        return _refused("The token's `sub` or `iss` is empty.")
    return Access(
        project_id=project.pk,
        scopes=_TOKEN_SCOPES,
        is_token=True,
        demands_secret=project.demands_secret_key,
        # The ready token is of a backend, which sends for all its users.
        subject="" if (claims["iss"], claims["sub"]) == READY_TOKEN else claims["sub"],
        rate_limits=read_rate_limits(project.token_rate_limit),
    )


def _claims(project: Project, token: str) -> dict[str, Any]:
    """Return the claims of a token that the project's secret signed, or the one before it while
    that still holds. Raises jwt.InvalidTokenError."""
    try:
        return _decoded(token, secret=project.jwt_secret, audience=project.slug)
    except jwt.InvalidSignatureError:
        until = project.former_jwt_secret_until
        if until is None or until <= timezone.now():
            raise
    return _decoded(token, secret=project.former_jwt_secret, audience=project.slug)


def _decoded(token: str, *, secret: str, audience: str) -> dict[str, Any]:
    # The algorithm is ours to say: a header's `alg`, `kid` or `jku` chooses neither it nor a key.
    claims: dict[str, Any] = jwt.decode(
        token,
        decrypted(secret),
        algorithms=_ALGORITHMS,
        audience=audience,
        leeway=LEEWAY_SECONDS,
        options={"require": _CLAIMS},
    )
    return claims


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
