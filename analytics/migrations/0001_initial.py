import django.db.models.deletion
from django.db import migrations, models


def leave_room(apps, schema_editor):
    """Let PostgreSQL update a row within its page: a row of today changes with every fold."""
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("ALTER TABLE analytics_rollup SET (fillfactor = 60)")


class Migration(migrations.Migration):
    initial = True

    dependencies = [("events", "0001_initial")]

    operations = [
        migrations.CreateModel(
            name="Rollup",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "event_type_id",
                        "field_id",
                        "grain",
                        "starts_at",
                        "kind",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("field_id", models.BigIntegerField()),
                (
                    "grain",
                    models.CharField(choices=[("hour", "Hour"), ("day", "Day")], max_length=4),
                ),
                ("starts_at", models.DateTimeField()),
                ("kind", models.CharField(max_length=12)),
                ("local_date", models.DateField()),
                ("count", models.BigIntegerField()),
                ("summary", models.BinaryField()),
                (
                    "event_type",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="rollups",
                        to="events.eventtype",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="ShardState",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "project_id",
                        "shard",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("shard", models.PositiveSmallIntegerField()),
                ("changes", models.BigIntegerField(default=0)),
                (
                    "project",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="events.project",
                    ),
                ),
            ],
        ),
        migrations.RunPython(leave_room, migrations.RunPython.noop),
    ]
