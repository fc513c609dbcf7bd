"""Releva's events and profiles, each as one canonical entry."""

import re
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

from events import limits
from events.types import Event, Identity, Json, JsonObject, ProfileUpdate, RefusalCode
from events.wires.reading import (
    CUSTOMER_ID,
    EMAIL,
    EVENT_NAME,
    PHONE,
    TextField,
    extra_in,
    identified,
    invalid,
    metadata_of,
    moment_in,
    optional_text,
    placeholders_in,
    refused,
    required_text,
)
from events.wires.releva.custom import custom_in, number_of
from events.wires.releva.dates import rfc_3339

_ACTION = replace(EVENT_NAME, name="action", path="action")
_PROFILE_ID = replace(
    CUSTOMER_ID, name="profileId", path="profileId", takes_integers=True, blank_is_absent=True
)
_ID_OF_PROFILE = replace(_PROFILE_ID, name="id", path="id")
_PHONE = replace(PHONE, name="phoneNumber", path="phoneNumber")
_PHONE_NUMBER = re.compile(r"\+[0-9]+")

_KNOWN = frozenset(
    {
        "action",
        "custom",
        "email",
        "locale",
        "phoneNumber",
        "products",
        "profileId",
        "tags",
        "timestamp",
    }
)
_KNOWN_OF_PRODUCTS = frozenset({"id", "quantity"})
_KNOWN_OF_PROFILES = frozenset({"addTags", "custom", "email", "id", "phoneNumber"})


def event_in(source: JsonObject) -> Event:
    """Return one event. Raises UnreadableError."""
    name = required_text(source, _ACTION)
    values, unknown_groups = custom_in(source, "custom")
    products = _products(source)
    own = {**_own_texts(source), **_arrays_of(products)}
    # A custom field of the same name is what the client meant by it.
    metadata = {**own, **values}
    metadata_of(values, path="custom")
    metadata_of(metadata, path="metadata")
    aside: dict[str, Json] = {
        key: source[key] for key in ("locale", "tags") if key in own and key in values
    }
    if unknown_groups:
        aside["custom"] = unknown_groups
    if _say_more(products) or not values.keys().isdisjoint(_PRODUCT_ARRAYS):
        aside["products"] = products
    return Event(
        name=name,
        customer=_customer(source, _PROFILE_ID),
        metadata=metadata,
        occurred_at=_moment(source),
        source=source,
        extra={**(extra_in(source, _KNOWN - _placeholders(source)) or {}), **aside} or None,
    )


def _customer(source: JsonObject, id_field: TextField) -> Identity:
    phone = optional_text(source, _PHONE)
    if phone and not _PHONE_NUMBER.fullmatch(phone):
        raise invalid("phoneNumber", "The field phoneNumber must be + and digits, as in +359123.")
    identity = identified(
        external_id=optional_text(source, id_field),
        email=optional_text(source, EMAIL),
        phone=phone,
        phone_path=_PHONE.path,
    )
    if identity.external_id or identity.email or identity.phone:
        return identity
    raise refused(
        RefusalCode.MISSING_FIELD, "", f"Set at least one of email, phoneNumber or {id_field.name}."
    )


def _placeholders(source: JsonObject) -> AbstractSet[str]:
    return placeholders_in(source, phone=_PHONE.name)


def _own_texts(source: JsonObject) -> dict[str, Json]:
    """Return the locale and the tags, which count as metadata."""
    found: dict[str, Json] = {}
    locale, tags = source.get("locale"), source.get("tags")
    if locale is not None and not isinstance(locale, str):
        raise invalid("locale", "The field locale must be a string, as in bg.")
    if locale:
        found["locale"] = locale
    if tags is not None and not isinstance(tags, list):
        raise invalid("tags", "The field tags must be an array of strings.")
    if tags:
        if not all(isinstance(tag, str) for tag in tags):
            raise invalid("tags", "The field tags must be an array of strings.")
        found["tags"] = tags
    return found


def _products(source: JsonObject) -> Sequence[JsonObject]:
    products = source.get("products")
    if products is None:
        return []
    if not isinstance(products, list) or not all(isinstance(each, dict) for each in products):
        raise invalid("products", "The field products must be an array of objects.")
    extra_in({"products": products}, frozenset())  # raises where a text of it can't be stored
    return products


def _arrays_of(products: Sequence[JsonObject]) -> dict[str, Json]:
    """Return ids and quantities as arrays that run side by side; one that is empty is left out."""
    columns: dict[str, Json] = {}
    for name, read in _PRODUCT_ARRAYS.items():
        column = [read(product, f"products[{index}]") for index, product in enumerate(products)]
        if any(value is not None for value in column):
            columns[name] = column
    return columns


def _say_more(products: Sequence[JsonObject]) -> bool:
    """Tell whether the products have more than goes into the arrays."""
    return any(not product.keys() <= _KNOWN_OF_PRODUCTS for product in products)


def _product_id(product: JsonObject, path: str) -> Json:
    value = product.get("id")
    if value is None or (isinstance(value, (str, int, Decimal)) and not isinstance(value, bool)):
        return value
    raise invalid(f"{path}.id", "The id of a product must be a string.")


def _quantity(product: JsonObject, path: str) -> Json:
    value = product.get("quantity")
    number = None if value is None else number_of(value)
    if number is None and value is not None:
        raise invalid(f"{path}.quantity", "The quantity of a product must be a number.")
    return number


_PRODUCT_ARRAYS: Mapping[str, Callable[[JsonObject, str], Json]] = {
    "product_ids": _product_id,
    "product_quantities": _quantity,
}


def _moment(source: JsonObject) -> datetime | None:
    written = source.get("timestamp")
    if isinstance(written, str):
        written = rfc_3339(written)
        if not written:
            raise invalid(
                "timestamp",
                "The field timestamp must be a moment in ISO 8601, as in 2026-03-02T09:00:00Z, "
                "or epoch milliseconds.",
            )
    return moment_in({"timestamp": written}, "timestamp", zone=UTC)


def profile_in(source: JsonObject) -> ProfileUpdate:
    """Return what is said of one profile; its fields, custom ones too, become attributes.

    Raises UnreadableError.
    """
    profile = source.get("profile", source)
    if not isinstance(profile, dict):
        raise invalid("profile", "The field profile must be an object.")
    values, unknown_groups = custom_in(profile, "custom")
    known = _KNOWN_OF_PROFILES - _placeholders(profile)
    given = {key: value for key, value in profile.items() if key not in known}
    if profile.get("addTags"):
        given["tags"] = profile["addTags"]
    attributes = {**given, **unknown_groups, **values}
    return ProfileUpdate(
        customer=_customer(profile, _ID_OF_PROFILE),
        attributes=metadata_of(
            attributes, path="profile", most_fields=limits.ATTRIBUTES_PER_CUSTOMER
        ),
        source=source,
    )
