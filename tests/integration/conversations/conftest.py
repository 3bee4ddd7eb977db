from tests.support.aws import aws

__all__ = ["aws"]
