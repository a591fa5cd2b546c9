"""Who may do what: bearer tokens, callers, permissions. See docs/security.md."""
