from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("events", "0011_batch_jobs"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="event",
            index=models.Index(
                condition=models.Q(("status", "discarded")),
                fields=["project", "id"],
                name="event_discarded",
            ),
        ),
    ]
