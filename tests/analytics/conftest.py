"""What the tests of analytics share."""

import pytest
from django.contrib.auth.models import User
from django.test import Client
from time_machine import Traveller


@pytest.fixture
def reader(alice: User, clock: Traveller) -> Client:
    """Alice's browser, on the day the events come."""
    client = Client()
    client.force_login(alice)
    return client
