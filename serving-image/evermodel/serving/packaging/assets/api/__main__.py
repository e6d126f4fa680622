"""Evermodel's server with `conf/setting.toml`; `python -m api --help` lists what may be said otherwise."""

import os
import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[1]
LIBRARY = str(FOLDER / "lib")
sys.path.insert(0, LIBRARY)
os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, (LIBRARY, os.environ.get("PYTHONPATH"))))  # for more processes

from evermodel.cli import main  # noqa: E402  what lies in lib/, and not what may be installed

if __name__ == "__main__":
    sys.exit(main(["serve", "--config", str(FOLDER / "conf" / "setting.toml"), *sys.argv[1:]]))
