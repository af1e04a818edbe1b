"""A real Postgres for tests, from Debian's package: each server has its own temporary folder and port.

Its settings are unusual on purpose (zone, date style, intervals): rows that are read must not depend on them.
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
    """A running server. Tests share one database, each with its own schema, because a database is 300 files."""

    port: int
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    def schema(self) -> PostgresDatabase:
        schema = PostgresDatabase(self.port, "postgres", f"test_{next(self._numbers)}")
        schema.do(f"create schema {schema.schema}")
        return schema

    def database(self, options: str = "") -> PostgresDatabase:
        schema = PostgresDatabase(self.port, f"database_{next(self._numbers)}", "public")
        PostgresDatabase(self.port, "postgres", "public").do(f"create database {schema.name} {options}")
        return schema


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
        """The connection string in key=value form, with some parts replaced."""
        parts = {"host": "127.0.0.1", "port": self.port, "user": USER, "password": PASSWORD, "dbname": self.name}
        return " ".join(
            f"{key}='{value}'" for key, value in (parts | {"options": f"-csearch_path={self.schema}"} | other).items()
        )

    def do(self, sql: str) -> None:
        """Execute statements without a result."""
        with dbapi.connect(self.dsn, autocommit=True) as connection, closing(connection.cursor()) as cursor:
            cursor.executescript(sql)

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        with dbapi.connect(self.dsn, autocommit=True) as connection, closing(connection.cursor()) as cursor:
            cursor.execute(sql)
            result: list[tuple[Any, ...]] = cursor.fetchall()
            return result


def binaries() -> Path | None:
    """The folder of initdb and postgres of the newest version on this machine."""
    on_path = shutil.which("initdb")
    if on_path:
        return Path(on_path).resolve().parent
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: float(path.parts[-3]))
    return versions[-1].parent if versions else None


@contextmanager
def running() -> Iterator[Postgres]:
    """A server within the block; skips without the package, except in CI."""
    programs = binaries()
    if programs is None:
        explanation = "Postgres is not installed (apt-get install postgresql)"
        if os.environ.get("CI"):
            pytest.fail(explanation)
        pytest.skip(explanation)
    folder = Path(tempfile.mkdtemp(prefix="funnel-postgres-"))
    # initdb refuses root; the package creates a user for it.
    other_user: dict[str, Any] = {}
    if os.geteuid() == 0:
        other_user = {"user": "postgres", "group": "postgres", "extra_groups": []}
        shutil.chown(folder, "postgres", "postgres")
    try:
        (folder / "password").write_text(PASSWORD)
        (folder / "password").chmod(0o644)
        create_cluster(programs, folder, other_user)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        settings = [f"--{name}={value}" for name, value in (SETTINGS | {"port": str(port)}).items()]
        with (folder / "log").open("wb") as log:
            server = subprocess.Popen(
                [programs / "postgres", "-D", folder / "data", *settings], cwd="/", stderr=log, stdout=log, **other_user
            )
        try:
            _wait(port, folder / "log")
            yield Postgres(port)
        finally:
            server.send_signal(signal.SIGINT)  # closes open connections
            server.wait()
    finally:
        shutil.rmtree(folder)


def create_cluster(programs: Path, folder: Path, other_user: dict[str, Any]) -> None:
    command = [programs / "initdb", "-D", folder / "data", "-U", USER, "-A", "scram-sha-256", "-E", "UTF8", "--no-sync"]
    command += ["--locale=C.UTF-8", f"--pwfile={folder / 'password'}"]
    done = subprocess.run(command, cwd="/", capture_output=True, text=True, check=False, **other_user)
    assert done.returncode == 0, done.stderr


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
