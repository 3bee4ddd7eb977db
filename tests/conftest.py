import os

# botocore must never look for credentials or a region outside of a test's own.
os.environ.setdefault("AWS_EC2_METADATA_DISABLED", "true")

from tests.support.aws import aws

__all__ = ["aws"]
