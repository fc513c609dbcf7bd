"""Tests of the consistent view for several reads."""

import pytest

from events.models import Project
from events.snapshot import snapshot
from tests import make


@pytest.mark.usefixtures("transactional_db")
class TestSnapshot:
    def test_may_hold_another(self) -> None:
        make.project("shop")

        with snapshot():
            with snapshot():
                inner = Project.objects.count()
            outer = Project.objects.count()

        assert (inner, outer) == (1, 1)

    def test_leaves_nothing_open(self) -> None:
        with snapshot(), snapshot():
            Project.objects.count()

        make.project("shop")

        assert Project.objects.count() == 1
