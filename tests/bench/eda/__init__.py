"""How long the data report takes, and how much memory."""
