"""The committed OpenAPI schemas are complete and consistent."""

import itertools
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from drf_spectacular.validation import validate_schema
from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from tests.support.waiting import PATIENCE_SECONDS

ROOT = Path(__file__).parents[3]
OPENAPI = ROOT / "docs" / "openapi"
SERVICES = ("event", "booking")
METHODS = ("get", "post", "put", "patch", "delete")
Json = dict[str, Any]


def load(service: str) -> Json:
    schema: Json = yaml.safe_load((OPENAPI / f"{service}-service.yaml").read_text())
    return schema


SCHEMAS = {service: load(service) for service in SERVICES}


def operations(service: str) -> Iterator[Json]:
    for path in SCHEMAS[service]["paths"].values():
        yield from (path[method] for method in METHODS if method in path)


ALL = [
    pytest.param(service, operation, id=f"{service}-{operation['operationId']}")
    for service in SERVICES
    for operation in operations(service)
]
WITH_REFUSALS = [each for each in ALL if "get_health" not in str(each.id)]


def contents(operation: Json) -> Iterator[tuple[str, Json]]:
    """Media types with their schema and examples, of the request and of all responses."""
    bodies = [operation.get("requestBody", {}), *operation["responses"].values()]
    for body in bodies:
        yield from body.get("content", {}).items()


def without_patterns(node: Any) -> Any:
    r"""They are written for JSON Schema, and Python's `re` doesn't know `\p{L}`."""
    if isinstance(node, dict):
        return {key: without_patterns(value) for key, value in node.items() if key != "pattern"}
    return [without_patterns(each) for each in node] if isinstance(node, list) else node


def validator(service: str, schema: Json) -> Draft202012Validator:
    whole = Resource(without_patterns(SCHEMAS[service]), DRAFT202012)
    absolute = yaml.safe_load(yaml.safe_dump(schema).replace("'#/", "'urn:service#/"))
    return Draft202012Validator(
        without_patterns(absolute), registry=Registry().with_resource("urn:service", whole)
    )


@pytest.mark.parametrize("service", SERVICES)
def test_it_is_openapi_3_1(service: str) -> None:
    validate_schema(SCHEMAS[service])

    assert SCHEMAS[service]["openapi"].startswith("3.1")
    assert SCHEMAS[service]["servers"] == [{"url": "/"}]
    assert SCHEMAS[service]["components"]["securitySchemes"]["bearerAuth"]["scheme"] == "bearer"


@pytest.mark.parametrize("service", SERVICES)
def test_each_operation_has_its_own_name_for_client_generators(service: str) -> None:
    names = [operation["operationId"] for operation in operations(service)]

    assert len(names) == len(set(names))
    assert all(name.islower() and name.isidentifier() for name in names)


@pytest.mark.parametrize(("service", "operation"), ALL)
def test_an_operation_says_what_it_does_and_what_it_answers(service: str, operation: Json) -> None:
    assert operation["summary"]
    assert operation["description"]
    assert operation["tags"]
    assert all(response["description"] for response in operation["responses"].values())
    assert all(parameter["description"] for parameter in operation.get("parameters", []))


@pytest.mark.parametrize(("service", "operation"), WITH_REFUSALS)
def test_every_refusal_is_a_problem_with_an_example_for_each_code(
    service: str, operation: Json
) -> None:
    refusals = {
        status: response
        for status, response in operation["responses"].items()
        if int(status) >= 400
    }
    assert refusals
    for status, response in refusals.items():
        (media_type, content), *others = response["content"].items()
        assert (media_type, others) == ("application/problem+json", [])
        assert content["schema"] == {"$ref": "#/components/schemas/Problem"}
        problems = [example["value"] for example in content["examples"].values()]
        assert {problem["status"] for problem in problems} == {int(status)}
        assert all(f"`{problem['code']}`" in response["description"] for problem in problems)


@pytest.mark.parametrize(("service", "operation"), ALL)
def test_every_example_is_what_its_schema_says(service: str, operation: Json) -> None:
    for _, content in contents(operation):
        check = validator(service, content["schema"])
        for example in content.get("examples", {}).values():
            check.validate(example["value"])


@pytest.mark.parametrize("service", SERVICES)
def test_an_example_with_a_member_missing_is_not_what_its_schema_says(service: str) -> None:
    examples = itertools.chain.from_iterable(
        content["examples"].values()
        for operation in operations(service)
        for media_type, content in contents(operation)
        if media_type == "application/problem+json"
    )
    check = validator(service, {"$ref": "#/components/schemas/Problem"})
    broken = {key: value for key, value in next(examples)["value"].items() if key != "code"}

    assert not check.is_valid(broken)


@pytest.mark.parametrize(("service", "operation"), WITH_REFUSALS)
def test_responses_that_ask_to_retry_say_when(service: str, operation: Json) -> None:
    for status in {"429", "503"} & operation["responses"].keys():
        assert operation["responses"][status]["headers"]["Retry-After"]["required"]


@pytest.fixture
def committed(tmp_path: Path) -> Path:
    """A copy of the folder, so that only this test sees a change to it."""
    return Path(shutil.copytree(OPENAPI, tmp_path / "openapi"))


def openapi_check(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["make", "openapi-check", f"OPENAPI={folder}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=2 * PATIENCE_SECONDS,
    )


def test_the_committed_schemas_are_those_of_the_code(committed: Path) -> None:
    answer = openapi_check(committed)

    assert answer.returncode == 0, answer.stdout + answer.stderr


@pytest.mark.parametrize("service", SERVICES)
def test_the_check_fails_where_a_committed_schema_is_not_that_of_the_code(
    committed: Path, service: str
) -> None:
    file = committed / f"{service}-service.yaml"
    file.write_text(file.read_text().replace("operationId: get_health", "operationId: health"))

    answer = openapi_check(committed)

    assert answer.returncode != 0
    assert "make openapi" in answer.stdout
    assert "-      operationId: health" in answer.stdout
