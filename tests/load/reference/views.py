"""The one endpoint of the reference app."""

from rest_framework.serializers import ModelSerializer
from rest_framework.viewsets import ModelViewSet

from tests.load.reference.models import LoggedEvent


class LoggedEventSerializer(ModelSerializer[LoggedEvent]):
    class Meta:
        model = LoggedEvent
        fields = ["id", "event", "customer", "metadata", "created_at"]


class LoggedEventViewSet(ModelViewSet[LoggedEvent]):
    queryset = LoggedEvent._default_manager.order_by("id")
    serializer_class = LoggedEventSerializer
