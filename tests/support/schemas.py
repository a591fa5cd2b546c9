"""What the committed OpenAPI schemas document."""

from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]


def documented_refusals(service: str) -> set[tuple[int, str]]:
    """Status and code of every refusal that some operation has an example of."""
    schema = yaml.safe_load((ROOT / "docs" / "openapi" / f"{service}-service.yaml").read_text())
    return {
        (int(status), example["value"]["code"])
        for path in schema["paths"].values()
        for operation in path.values()
        for status, response in operation["responses"].items()
        for content in response.get("content", {}).values()
        for example in content.get("examples", {}).values()
        if "code" in example["value"]
    }
