"""Manifests of what the operator makes: pure builders of plain dicts, pinned by golden files in the tests."""
