"""A real Postgres for tests, from Debian's package: a server of its own in a temporary folder, on a port of its own.

Its settings are odd on purpose (zone, date style, intervals): nothing that is read may follow from them.
"""

from __future__ import annotations

import itertools
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from adbc_driver_postgresql import dbapi

USER, PASSWORD = "funnel", "s3cret-w0rd"
VARIABLE = "FUNNEL_PG_DSN"
SETTINGS = {
    "fsync": "off",
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "shared_buffers": "16MB",
    "timezone": "Asia/Tokyo",
    "datestyle": "SQL, DMY",
    "intervalstyle": "iso_8601",
    "bytea_output": "escape",
    "extra_float_digits": "-10",
}


@dataclass
class Postgres:
    """A running server. Tests share one database and have a schema each, since a database is 300 files."""

    port: int
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    def schema(self) -> PostgresDatabase:
        found = PostgresDatabase(self.port, "postgres", f"test_{next(self._numbers)}")
        found.do(f"create schema {found.schema}")
        return found

    def database(self, options: str = "") -> PostgresDatabase:
        found = PostgresDatabase(self.port, f"database_{next(self._numbers)}", "public")
        PostgresDatabase(self.port, "postgres", "public").do(f"create database {found.name} {options}")
        return found


@dataclass(frozen=True)
class PostgresDatabase:
    """One schema of a database of the server."""

    port: int
    name: str
    schema: str

    @property
    def dsn(self) -> str:
        options = f"options=-csearch_path%3D{self.schema}"
        return f"postgresql://{USER}:{PASSWORD}@127.0.0.1:{self.port}/{self.name}?{options}"

    def address(self, **other: Any) -> str:
        """The connection string in its other form, with parts of it replaced."""
        parts = {"host": "127.0.0.1", "port": self.port, "user": USER, "password": PASSWORD, "dbname": self.name}
        return " ".join(
            f"{key}='{value}'" for key, value in (parts | {"options": f"-csearch_path={self.schema}"} | other).items()
        )

    def do(self, sql: str) -> None:
        """Statements, without a result."""
        with dbapi.connect(self.dsn, autocommit=True) as connection, closing(connection.cursor()) as cursor:
            cursor.executescript(sql)

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        with dbapi.connect(self.dsn, autocommit=True) as connection, closing(connection.cursor()) as cursor:
            cursor.execute(sql)
            found: list[tuple[Any, ...]] = cursor.fetchall()
            return found


def binaries() -> Path | None:
    """The folder of initdb and postgres, of the newest version on this machine."""
    on_path = shutil.which("initdb")
    if on_path:
        return Path(on_path).resolve().parent
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: float(path.parts[-3]))
    return versions[-1].parent if versions else None


@contextmanager
def running() -> Iterator[Postgres]:
    """A server for the length of the block; skips without the package, except in CI."""
    programs = binaries()
    if programs is None:
        explanation = "Postgres is not installed (apt-get install postgresql)"
        if os.environ.get("CI"):
            pytest.fail(explanation)
        pytest.skip(explanation)
    folder = Path(tempfile.mkdtemp(prefix="funnel-postgres-"))
    # initdb refuses root, and the package brings a user for it.
    another: dict[str, Any] = {}
    if os.geteuid() == 0:
        another = {"user": "postgres", "group": "postgres", "extra_groups": []}
        shutil.chown(folder, "postgres", "postgres")
    try:
        (folder / "password").write_text(PASSWORD)
        (folder / "password").chmod(0o644)
        _made(programs, folder, another)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        settings = [f"--{name}={value}" for name, value in (SETTINGS | {"port": str(port)}).items()]
        with (folder / "log").open("wb") as log:
            server = subprocess.Popen(
                [programs / "postgres", "-D", folder / "data", *settings], cwd="/", stderr=log, stdout=log, **another
            )
        try:
            _wait(port, folder / "log")
            yield Postgres(port)
        finally:
            server.send_signal(signal.SIGINT)  # closes the connections that are left
            server.wait()
    finally:
        shutil.rmtree(folder)


def _made(programs: Path, folder: Path, another: dict[str, Any]) -> None:
    command = [programs / "initdb", "-D", folder / "data", "-U", USER, "-A", "scram-sha-256", "-E", "UTF8", "--no-sync"]
    command += ["--locale=C.UTF-8", f"--pwfile={folder / 'password'}"]
    made = subprocess.run(command, cwd="/", capture_output=True, text=True, check=False, **another)
    assert made.returncode == 0, made.stderr


def _wait(port: int, log: Path) -> None:
    until = time.monotonic() + 30
    while time.monotonic() < until:
        try:
            PostgresDatabase(port, "postgres", "public").do("select 1")
        except dbapi.Error:
            time.sleep(0.02)
        else:
            return
    pytest.fail(f"Postgres did not start: {log.read_text()}")
