"""A private PostgreSQL on a free loopback port, for as long as the tests run."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

PASSWORD = "open-sesame-17"
USER = "clinic"
UNPRIVILEGED = ("postgres", "nobody")
"""PostgreSQL refuses to run as root: then it runs as the first of these users that there is."""


def programs() -> Path | None:
    """Directory of the newest PostgreSQL's programs, which Debian does not put on the PATH; None when there is none."""
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: float(path.parts[-3]))
    on_path = shutil.which("initdb")
    found = [*([Path(on_path)] if on_path else []), *installed]
    return found[-1].parent if found else None


@dataclass(frozen=True)
class Postgres:
    """A running server."""

    directory: Path
    port: int

    @property
    def url(self) -> str:
        """The SQLAlchemy URL that a Secret would hold."""
        return f"postgresql+psycopg://{USER}:{PASSWORD}@127.0.0.1:{self.port}/postgres"

    @property
    def dsn(self) -> str:
        """The same for psycopg itself."""
        return self.url.replace("+psycopg", "")

    def stop(self) -> None:
        """End it at once; its data are of no further use."""
        _as_server(self.directory, "pg_ctl", "-D", "data", "-m", "immediate", "-w", "stop")
        shutil.rmtree(self.directory)


def start_postgres() -> Postgres:
    """Make a database cluster in a directory of its own and serve it.

    Not below pytest's directory: only the user who runs the tests may enter that.

    Raises:
        RuntimeError: with what the program said when it fails.
    """
    directory = Path(tempfile.mkdtemp(prefix="evermodel-postgres-"))
    user = _server_user()
    if user is not None:
        os.chown(directory, user.pw_uid, user.pw_gid)
    (directory / "password").write_text(PASSWORD)
    (directory / "password").chmod(0o644)
    login = ("-U", USER, "--auth=scram-sha-256", "--pwfile=password")
    _as_server(directory, "initdb", "-D", "data", *login, "--no-sync", "-E", "UTF8", "--locale=C")
    port = _free_port()
    options = f"-c port={port} -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c fsync=off"
    _as_server(directory, "pg_ctl", "-D", "data", "-l", "server.log", "-o", options, "-w", "-t", "30", "start")
    return Postgres(directory, port)


def _as_server(directory: Path, program: str, *arguments: str) -> None:
    found = programs()
    assert found is not None
    user = _server_user()
    ids = {} if user is None else {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
    with (directory / f"{program}.log").open("w+") as log:  # a pipe would be kept open by the server itself
        ran = subprocess.run(
            [found / program, *arguments], cwd=directory, stdout=log, stderr=log, timeout=60, check=False, **ids
        )
        log.seek(0)
        if ran.returncode:
            raise RuntimeError(f"{program} failed: {log.read()}")


def _server_user() -> pwd.struct_passwd | None:
    if os.getuid() != 0:
        return None
    known = {entry.pw_name: entry for entry in pwd.getpwall()}
    return next(known[name] for name in UNPRIVILEGED if name in known)


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port
