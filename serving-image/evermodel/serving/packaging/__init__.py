"""Applications: models as a folder that runs with no cluster and no store."""
