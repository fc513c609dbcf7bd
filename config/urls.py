"""The composition root: which path is served by which view with which collaborators."""

urlpatterns: list[object] = []
