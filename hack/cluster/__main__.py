"""`python3 -m hack.cluster COMMAND`: see `--help`."""

from __future__ import annotations

import argparse
import os
import sys
from typing import TYPE_CHECKING

from hack.cluster import packages
from hack.cluster.console import Console
from hack.cluster.errors import ClusterError
from hack.cluster.provider_source import SourceProvider
from hack.cluster.settings import Settings

if TYPE_CHECKING:
    from hack.cluster.provider import Provider


def main() -> int:
    p: Provider = SourceProvider(Settings.from_environment(os.environ), Console())
    packages.system_path()
    try:
        if sys.argv[1] == "up": p.up()
        if sys.argv[1] == "down": p.down()
        if sys.argv[1] == "status": print("\n".join(p.status()))
        if sys.argv[1] == "kubectl": os.execvp(p.kubectl()[0], [*p.kubectl(), *sys.argv[2:]])
    except ClusterError as e:
        print(e, file=sys.stderr); return 1
    return 0

sys.exit(main())
