"""A private PostgreSQL cluster in a folder of its own, gone when the tests are."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

MISSING = "PostgreSQL is not installed: the store's tests need initdb and pg_ctl (Debian: apt install postgresql)"


def find_binaries() -> Path:
    """Return the folder of initdb and pg_ctl; PostgreSQL keeps them off the path on Debian."""
    on_path = shutil.which("initdb")
    if on_path:
        return Path(on_path).resolve().parent
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda p: int(p.parts[-3]))
    if not versions:
        pytest.fail(MISSING)
    return versions[-1].parent


def _as_postgres(*command: str) -> list[str]:
    """PostgreSQL refuses to run as root."""
    return [*(("runuser", "-u", "postgres", "--") if os.geteuid() == 0 else ()), *command]


def _run(*command: str) -> None:
    done = subprocess.run(_as_postgres(*command), capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command[0]}: {done.stderr or done.stdout}"


@contextmanager
def postgres_cluster(folder: Path) -> Iterator[str]:
    """Yield the URL of a running cluster, without a database's name at its end."""
    binaries = find_binaries()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    if os.geteuid() == 0:
        shutil.chown(folder, "postgres", "postgres")
        for parent in (folder, *folder.parents):
            if parent == Path("/tmp") or parent == Path("/"):
                break
            parent.chmod(parent.stat().st_mode | 0o011)
    data, log = folder / "data", folder / "log"
    _run(str(binaries / "initdb"), "-D", str(data), "-U", "huanlian", "-A", "trust", "-E", "UTF8", "--no-sync")
    options = f"-F -c listen_addresses=127.0.0.1 -c port={port} -c unix_socket_directories={folder}"
    control = str(binaries / "pg_ctl")
    _run(control, "-D", str(data), "-l", str(log), "-w", "-o", options, "start")
    try:
        yield f"postgresql+psycopg://huanlian@127.0.0.1:{port}/"
    finally:
        subprocess.run(
            _as_postgres(control, "-D", str(data), "-m", "immediate", "stop"), capture_output=True, check=False
        )
