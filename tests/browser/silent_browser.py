"""A Chromium that talks to nobody but this machine, and whose only camera is a file."""

from __future__ import annotations

import json
from pathlib import Path

SILENT = [
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-domain-reliability",
    "--disable-sync",
    "--disable-quic",
    "--no-first-run",
    "--no-pings",
    # Whatever the browser itself would still like to ask finds nobody.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1",
]


def with_camera(file: Path) -> list[str]:
    """What makes a file the browser's camera, and lets every page use it."""
    return [
        "--use-fake-device-for-media-stream",
        "--use-fake-ui-for-media-stream",
        f"--use-file-for-fake-video-capture={file}",
    ]


def connected(log: Path) -> set[str]:
    """The addresses that any part of the browser tried to connect to, from its own network log."""
    lines = log.read_text(encoding="utf-8").splitlines()
    constants = json.loads(lines[0].removesuffix(",") + "}")["constants"]
    attempt = constants["logEventTypes"]["TCP_CONNECT_ATTEMPT"]
    hosts = set()
    for line in lines[2:]:
        if f'"type":{attempt}' not in line:
            continue
        address = json.loads(line.removesuffix(",").removesuffix("]}")).get("params", {}).get("address")
        if address:
            hosts.add(address.rpartition(":")[0].strip("[]"))
    return hosts
