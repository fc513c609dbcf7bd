from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("rewards", "0001_initial")]

    operations = [
        migrations.AlterField(
            model_name="transfer",
            name="kind",
            field=models.CharField(
                choices=[("award", "Award"), ("streak", "Streak"), ("merge", "Merge")],
                max_length=12,
            ),
        ),
    ]
