"""The Open Inference Protocol v2 over gRPC, on a port of its own. Imported only where a port is asked for."""

import os

# The library would tell of sockets that we close, and of every client that speaks no TLS; what matters is raised.
os.environ.setdefault("GRPC_VERBOSITY", "NONE")
