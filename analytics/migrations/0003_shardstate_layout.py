from django.db import migrations, models


class Migration(migrations.Migration):
    """Tell which layout the rollups of a shard have: the first one, for all that is there."""

    dependencies = [("analytics", "0002_rollup_rough_since")]

    operations = [
        migrations.AddField(
            model_name="shardstate",
            name="layout",
            field=models.PositiveSmallIntegerField(db_default=1),
        ),
    ]
