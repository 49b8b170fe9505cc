from __future__ import annotations

import pytest

from .house import House


@pytest.fixture
def empty_house() -> House:
    return House()


@pytest.fixture
async def house() -> House:
    """A server with one private bucket, "photos"."""
    return await House().with_bucket()
