"""Whether the server of this container is ready: `python -m api.healthy` ends with 0 or 1."""

import ssl
import sys
import tomllib
from pathlib import Path
from urllib.request import urlopen

SECONDS = 3


def is_ready() -> bool:
    """Ask the server at the port that the setting names."""
    setting = tomllib.loads((Path(__file__).resolve().parents[1] / "conf" / "setting.toml").read_text("utf-8"))
    scheme = "https" if setting.get("tls", {}).get("folder") else "http"
    context = ssl._create_unverified_context() if scheme == "https" else None  # noqa: S323, SLF001  itself, on loopback
    address = f"{scheme}://127.0.0.1:{setting.get('server', {}).get('port', 5050)}/v2/health/ready"
    try:
        with urlopen(address, timeout=SECONDS, context=context) as answer:  # noqa: S310  the scheme is one of two
            return bool(answer.status == 200)
    except OSError:
        return False


if __name__ == "__main__":
    sys.exit(0 if is_ready() else 1)
