"""Clients and credentials for the emulator; none of them can reach a real account."""

import os
from collections.abc import Mapping
from typing import Any

import botocore.session
from botocore.config import Config

REGION = "us-east-1"
ACCOUNT_ID = "000000000000"
# The emulator's root user, one word for both; every other principal is held to its policies.
ROOT_ACCESS_KEY = "test"
ROOT_SECRET_KEY = ROOT_ACCESS_KEY


def client(service: str, endpoint_url: str, credentials: Mapping[str, str] | None = None) -> Any:
    """Acts as the root user, or with the `Credentials` that STS has given."""
    own = credentials or {"AccessKeyId": ROOT_ACCESS_KEY, "SecretAccessKey": ROOT_SECRET_KEY}
    session: Any = botocore.session.Session(
        {"config_file": (None, None, None, None), "profile": (None, None, None, None)}
    )
    return session.create_client(
        service,
        region_name=REGION,
        endpoint_url=endpoint_url,
        aws_access_key_id=own["AccessKeyId"],
        aws_secret_access_key=own["SecretAccessKey"],
        aws_session_token=own.get("SessionToken"),
        config=Config(
            connect_timeout=2,
            read_timeout=30,
            retries={"mode": "standard", "total_max_attempts": 3},
            proxies={},
            s3={"addressing_style": "path"},
        ),
    )


def environment(endpoint_url: str) -> dict[str, str]:
    """For a child that talks to the emulator and can't find anybody's credentials or settings."""
    return {
        "AWS_ENDPOINT_URL": endpoint_url,
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def root_environment(endpoint_url: str) -> dict[str, str]:
    return {
        **environment(endpoint_url),
        "AWS_ACCESS_KEY_ID": ROOT_ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": ROOT_SECRET_KEY,
    }
