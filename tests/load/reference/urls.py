"""The paths of the reference app."""

from rest_framework.routers import SimpleRouter

from tests.load.reference.views import LoggedEventViewSet

_router = SimpleRouter()
_router.register("events", LoggedEventViewSet)

urlpatterns = _router.urls
