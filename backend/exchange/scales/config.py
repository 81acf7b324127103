"""A scale's configuration file: which indicator, which journal, which calibration."""

from __future__ import annotations

import json
import os
import tomllib
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from backend.domain.errors import DomainError
from backend.domain.journal import Network
from backend.domain.types import device_text
from backend.domain.writer import SigningKey
from backend.exchange.scales.gateway import ScaleIdentity


class BadScaleConfig(DomainError):
    """The configuration lacks something, or says what cannot be."""

    slug = "bad-scale-config"
    title = "The scale's configuration cannot be used"


@dataclass(frozen=True)
class ScaleConfig:
    """Everything a gateway needs to know; the files are beside the configuration unless they say otherwise."""

    identity: ScaleIdentity
    host: str
    port: int
    log_file: Path
    key_file: Path


def load_scale_config(path: Path) -> ScaleConfig:
    """Return the configuration of a TOML file.

    Raises:
        BadScaleConfig: not TOML, a value missing or of the wrong kind.
    """
    try:
        told = tomllib.loads(path.read_text(encoding="utf-8"))
        return _config(told, path.parent)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, KeyError, TypeError, ValueError) as error:
        raise BadScaleConfig(f"{path.name}: {type(error).__name__} {error}") from error


def _config(told: dict[str, Any], folder: Path) -> ScaleConfig:
    indicator, journal, calibration = told["indicator"], told["journal"], told["calibration"]
    until = calibration["until"]
    if not isinstance(until, datetime) or until.tzinfo is None:
        raise ValueError("calibration.until must be a date and time with its offset")
    ledger = bytes.fromhex(journal["ledger"].removeprefix("0x"))
    if len(ledger) != 20:
        raise ValueError("journal.ledger must be an address of 20 bytes")
    return ScaleConfig(
        identity=ScaleIdentity(
            network=Network(int(journal["chain_id"]), ledger),
            device=_device(journal["device"]),
            serial=str(indicator["serial"]),
            calibration=int(calibration["id"]),
            calibration_until=int(until.timestamp()),
        ),
        host=str(indicator["host"]),
        port=int(indicator["port"]),
        log_file=folder / journal["log_file"],
        key_file=folder / journal["key_file"],
    )


def _device(text: str) -> int:
    device = int(text, 16)
    if text != device_text(device):
        raise ValueError("journal.device must be 16 hex digits")
    return device


def open_key(path: Path) -> SigningKey:
    """Return the scale's key; make it first where it is not there, readable to its owner only.

    Raises:
        BadScaleConfig: the file holds no key.
    """
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        # Under another name until it is whole: half a key would keep the scale from ever starting.
        fresh = path.with_suffix(".new")
        opened = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(opened, "w", encoding="utf-8") as file:
            file.write(json.dumps({"secret": f"{SigningKey.fresh().secret:064x}"}))
            file.flush()
            os.fsync(file.fileno())
        fresh.rename(path)
    try:
        return SigningKey.from_secret(int(json.loads(path.read_text(encoding="utf-8"))["secret"], 16))
    except (KeyError, TypeError, ValueError) as error:
        # Without the error's own words: they could hold part of the secret.
        raise BadScaleConfig(f"{path.name} holds no key ({type(error).__name__})") from None
