"""Synthesised templates, to look things up in."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Properties = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Resource:
    stack: str
    logical_id: str
    body: Properties

    @property
    def type(self) -> str:
        return str(self.body["Type"])

    @property
    def properties(self) -> Properties:
        found: Properties = self.body.get("Properties", {})
        return found


class Templates:
    """All templates of one stage."""

    def __init__(self, assembly: Path) -> None:
        self.assembly = assembly
        self._stacks: dict[str, Properties] = {
            file.name.removesuffix(".template.json"): json.loads(file.read_bytes())
            for file in sorted(assembly.glob("*.template.json"))
        }

    @property
    def stacks(self) -> list[str]:
        return list(self._stacks)

    def template(self, stack: str) -> Properties:
        return self._stacks[stack]

    def all(self, *types: str) -> list[Resource]:
        return [
            Resource(stack, logical_id, body)
            for stack, template in self._stacks.items()
            for logical_id, body in template.get("Resources", {}).items()
            if not types or body["Type"] in types
        ]

    def one(self, type_: str, **properties: Any) -> Resource:
        """The only resource of a type with these properties."""
        found = [
            resource
            for resource in self.all(type_)
            if all(resource.properties.get(name) == value for name, value in properties.items())
        ]
        assert len(found) == 1, f"{len(found)} of {type_} with {properties}"
        return found[0]

    def function(self, handler: str) -> Resource:
        return self.one("AWS::Lambda::Function", Handler=f"functions.{handler}.lambda_handler")

    def role_of(self, function: Resource) -> Resource:
        return self.referred(function.stack, function.properties["Role"])

    def referred(self, stack: str, value: Any) -> Resource:
        """The resource that a `Ref` or `Fn::GetAtt` within its own stack means."""
        logical_id = value["Ref"] if "Ref" in value else value["Fn::GetAtt"][0]
        return Resource(stack, logical_id, self._stacks[stack]["Resources"][logical_id])

    def outputs(self) -> dict[str, Any]:
        return {
            name: output["Value"]
            for template in self._stacks.values()
            for name, output in template.get("Outputs", {}).items()
            if not name.startswith("ExportsOutput")
        }


def statements(role: Resource) -> Iterator[Properties]:
    for policy in role.properties.get("Policies", []):
        yield from policy["PolicyDocument"]["Statement"]


def actions(role: Resource) -> set[str]:
    return {action for statement in statements(role) for action in as_list(statement["Action"])}


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
