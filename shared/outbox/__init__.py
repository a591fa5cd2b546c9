"""Messages that are stored in the transaction they report, and published after its commit."""
