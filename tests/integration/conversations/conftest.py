from collections.abc import Iterator

import pytest

from tests.support.aws import aws
from tests.support.bedrock import Bedrock, bedrock_on_a_port

__all__ = ["aws"]


@pytest.fixture
def bedrock() -> Iterator[Bedrock]:
    with bedrock_on_a_port() as running:
        yield running
