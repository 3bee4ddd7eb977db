"""What a process is told of its stage, read from its environment when first needed."""

import os
from collections.abc import Mapping


class MissingSetting(LookupError):
    """The environment lacks a variable: the resource wasn't granted in the declaration of this function."""


class Settings:
    def __init__(self, environment: Mapping[str, str] | None = None) -> None:
        self._environment = os.environ if environment is None else environment

    def __getitem__(self, name: str) -> str:
        try:
            return self._environment[name]
        except KeyError:
            raise MissingSetting(f"{name} isn't set: declare a grant for what it names") from None

    def get(self, name: str, default: str) -> str:
        return self._environment.get(name, default)

    @property
    def stage(self) -> str:
        return self["STAGE"]

    def table(self, logical_name: str) -> str:
        """The deployed name of a table: `data` is `DATA_TABLE`, `read-models` is `READ_MODELS_TABLE`."""
        return self[f"{logical_name.upper().replace('-', '_')}_TABLE"]
