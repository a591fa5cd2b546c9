"""HTTP conventions of the contract: ids, problem+json, paging, strict input."""
