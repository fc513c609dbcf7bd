from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("events", "0009_limited_days"),
    ]

    operations = [
        migrations.AddField(
            model_name="quarantine",
            name="is_token",
            field=models.BooleanField(db_default=False, default=False),
        ),
        migrations.AddField(
            model_name="quarantine",
            name="has_secret",
            field=models.BooleanField(db_default=False, default=False),
        ),
        migrations.AddField(
            model_name="quarantine",
            name="subject",
            field=models.CharField(blank=True, db_default="", default="", max_length=300),
        ),
        migrations.AddIndex(
            model_name="quarantine",
            index=models.Index(
                condition=models.Q(("replay", "taken")),
                fields=["project", "payload_hash"],
                name="quarantine_taken",
            ),
        ),
    ]
