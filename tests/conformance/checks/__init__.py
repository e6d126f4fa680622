"""All checks: importing this registers them, in the order of the table."""

# ruff: noqa: I001  the order is that of the table
from tests.conformance.checks import (  # noqa: F401
    health,
    metadata,
    infer,
    data,
    outputs,
    versions,
    columns,
    binary,
    errors,
    connection,
    grpc_metadata,
    grpc_infer,
)
