"""The published schema of results, which other programs are written against."""

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator, ValidationError

from functions.videos.domain.results import results_schema

PUBLISHED: dict[str, Any] = json.loads(
    (Path(__file__).parents[3] / "functions" / "videos" / "analysis.schema.json").read_text()
)


def test_the_published_schema_is_that_of_the_results() -> None:
    assert results_schema() == PUBLISHED, "run `make schema`, and see that fields were only added"


def test_it_is_a_schema_that_says_what_is_required() -> None:
    Draft202012Validator.check_schema(PUBLISHED)
    with pytest.raises(ValidationError, match="required"):
        Draft202012Validator(PUBLISHED).validate({"schema_version": 1})
