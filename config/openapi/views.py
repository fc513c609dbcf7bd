"""The OpenAPI document and the page that shows it, open to everybody."""

import hashlib
from functools import cache

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import cache_control
from django.views.decorators.http import condition, require_safe

from config.openapi.document import document_bytes

FRESH_SECONDS = 300  # as long as clients may go without asking after an upgrade


@cache
def _etag() -> str:
    return f'"{hashlib.sha256(document_bytes()).hexdigest()[:32]}"'


@require_safe
@cache_control(public=True, max_age=FRESH_SECONDS)
@condition(etag_func=lambda _: _etag())
def schema(_request: HttpRequest) -> HttpResponse:
    """Return the document as JSON, which YAML's readers read too."""
    return HttpResponse(document_bytes(), content_type="application/json")


@require_safe
@cache_control(public=True, max_age=FRESH_SECONDS)
def page(request: HttpRequest) -> HttpResponse:
    """Return Swagger UI with the document, all from this host."""
    return render(request, "config/api_docs.html")
