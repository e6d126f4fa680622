"""The application: `python -m api`."""
