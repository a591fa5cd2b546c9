"""Messages that are stored in the transaction they tell of, and published after its commit."""
