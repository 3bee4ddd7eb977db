import random

import pytest

from functions.videos.adapters.uploads import ReadLimitExceeded, UploadedFile, UploadGone
from tests.support.aws import Aws

MEBIBYTE = 1024 * 1024
KEY = "w/v/source"


def uploaded_file(aws: Aws, body: bytes) -> UploadedFile:
    aws.upload(KEY, body)
    return UploadedFile(aws.client("s3"), aws.settings["UPLOADS_BUCKET"], KEY)


def test_it_reads_like_a_file(aws: Aws) -> None:
    dice = random.Random(7)
    body = dice.randbytes(3 * MEBIBYTE + 12_345)
    file = uploaded_file(aws, body)

    assert file.size == len(body)
    for _ in range(40):
        start, size = dice.randrange(len(body)), dice.choice([1, 100, 70_000, 2 * MEBIBYTE])
        assert file.seek(start) == start
        assert file.read(size) == body[start : start + size]
        assert file.tell() == min(len(body), start + size)
    assert file.seek(-10, 2) == len(body) - 10
    assert file.read() == body[-10:]
    assert file.read(5) == b""


def test_seeking_all_over_ends(aws: Aws) -> None:
    file = uploaded_file(aws, bytes(20 * MEBIBYTE))

    def read_all_over() -> None:
        for number in range(1000):
            file.seek(number * 7 % 20 * MEBIBYTE)
            file.read(1)

    with pytest.raises(ReadLimitExceeded):
        read_all_over()
    assert isinstance(file.failure, ReadLimitExceeded)


def test_another_object_in_its_place_is_noticed(aws: Aws) -> None:
    file = uploaded_file(aws, b"first")
    aws.upload(KEY, b"other")

    with pytest.raises(UploadGone):
        file.read(1)


def test_an_object_that_isnt_there(aws: Aws) -> None:
    with pytest.raises(UploadGone):
        UploadedFile(aws.client("s3"), aws.settings["UPLOADS_BUCKET"], "nothing")
