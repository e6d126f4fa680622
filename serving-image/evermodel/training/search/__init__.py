"""The search over algorithms and their parameters. Its result does not depend on who computes it, or in which order."""
