from collections.abc import Callable, Iterator, Mapping
from typing import Any

from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps
from django.utils import timezone

from events.identities import normal_email, normal_phone

_NORMAL: Mapping[str, Callable[[str], str]] = {"email": normal_email, "phone": normal_phone}
_ROWS_AT_A_TIME = 10_000


def normalise(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Give each email and phone its normal form; where that is another customer's, claim it."""
    identities: Any = apps.get_model("events", "Identity")
    claims: Any = apps.get_model("events", "IdentityClaim")
    now = timezone.now()
    for row, wanted in _unlike(identities):
        same = identities.objects.filter(project_id=row.project_id, kind=row.kind, value=wanted)
        owner_id = same.values_list("customer_id", flat=True).first()
        if owner_id is None:
            identities.objects.filter(pk=row.pk).update(value=wanted)
        elif owner_id != row.customer_id:
            claims.objects.get_or_create(
                project_id=row.project_id,
                kind=row.kind,
                value=wanted,
                customer_id=row.customer_id,
                defaults={"created_at": now},
            )


def _unlike(identities: Any) -> Iterator[tuple[Any, str]]:
    """Yield each identity that is not in its normal form, with that form."""
    last = 0
    while rows := list(
        identities.objects.filter(pk__gt=last, kind__in=_NORMAL).order_by("pk")[:_ROWS_AT_A_TIME]
    ):
        for row in rows:
            wanted = _NORMAL[row.kind](row.value)
            if wanted and wanted != row.value:
                yield row, wanted
        last = rows[-1].pk


class Migration(migrations.Migration):
    dependencies = [("events", "0012_discarded_events")]

    operations = [
        migrations.AlterModelOptions(
            name="identityclaim", options={"ordering": ["id"], "verbose_name": "duplicate"}
        ),
        migrations.RunPython(normalise, migrations.RunPython.noop),
    ]
