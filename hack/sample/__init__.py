"""What stands behind manifests/examples/clinic: PostgreSQL, an S3 and an HTTP API, with rows of the heart study."""
