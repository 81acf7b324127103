"""A private PostgreSQL cluster in a folder of its own, gone when the tests are."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
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


def _run(*command: str, log: Path | None = None) -> None:
    done = subprocess.run(_as_postgres(*command), capture_output=True, text=True, check=False)
    said = log.read_text() if log is not None and log.exists() else ""
    assert done.returncode == 0, f"{command[0]}: {done.stderr or done.stdout} {said}"


@contextmanager
def postgres_cluster(*, keeps: bool = False) -> Iterator[Callable[[str], str]]:
    """Yield what turns a database's name into its URL, while the cluster runs.

    Unless it `keeps` what it commits through a power cut, it does not wait for the disk: tests need not.

    It listens on a socket in its own folder only: a port could be taken between choosing and using it.
    """
    binaries = find_binaries()
    folder = Path(tempfile.mkdtemp(prefix="huanlian-pg-", dir="/tmp"))  # sockets have short names
    try:
        if os.geteuid() == 0:
            shutil.chown(folder, "postgres", "postgres")
            folder.chmod(0o755)
        data, log = folder / "data", folder / "log"
        _run(str(binaries / "initdb"), "-D", str(data), "-U", "huanlian", "-A", "trust", "-E", "UTF8", "--no-sync")
        options = f"{'' if keeps else '-F'} -c listen_addresses='' -c unix_socket_directories={folder}"
        control = str(binaries / "pg_ctl")
        _run(control, "-D", str(data), "-l", str(log), "-w", "-t", "120", "-o", options, "start", log=log)
        try:
            yield lambda name: f"postgresql+psycopg://huanlian@/{name}?host={folder}"
        finally:
            stop = _as_postgres(control, "-D", str(data), "-m", "immediate", "-w", "stop")
            subprocess.run(stop, capture_output=True, check=False)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
