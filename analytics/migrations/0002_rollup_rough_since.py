from django.db import migrations, models


class Migration(migrations.Migration):
    """Mark the days whose most frequent texts are to be counted afresh once they are over."""

    dependencies = [("analytics", "0001_initial")]

    operations = [
        migrations.AddField(
            model_name="rollup",
            name="rough_since",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddIndex(
            model_name="rollup",
            index=models.Index(
                fields=["starts_at"],
                name="rollup_rough",
                condition=models.Q(("rough_since__isnull", False)),
            ),
        ),
    ]
