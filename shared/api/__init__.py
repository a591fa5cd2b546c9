"""The contract's HTTP conventions: ids, problem+json, paging, strict input."""
