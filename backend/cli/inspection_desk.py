"""One party's side of an inspection: its secret, what it says, and its device that seals it."""

from __future__ import annotations

import json
import os
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from backend.cli.places import NotSetUp
from backend.domain.inspection_statements import (
    ANCHOR_SCHEMA,
    SECRET_BYTES,
    Opening,
    Statement,
    UnreadableInspection,
    digest_of,
    inspection_id,
    inspection_text,
    read_statement,
    statement_document,
    statement_subject,
)
from backend.domain.journal import Network
from backend.domain.layout import Kind
from backend.domain.types import device_text, organisation_of, organisation_text
from backend.domain.writer import JournalWriter, SigningKey
from backend.simulate.courier import Courier


@dataclass(frozen=True)
class Desk:
    """A device of a party, and the folder that keeps what it said until it is published, and its secret."""

    folder: Path
    device: int
    key: SigningKey
    courier: Courier

    @property
    def organisation(self) -> str:
        """Whose device it is."""
        return organisation_text(organisation_of(self.device))

    def say(self, network: Network, statement: Statement, items: Sequence[str] | None = None) -> str:
        """Seal a statement's digest, hand it in, publish the statement; return the inspection's code.

        What is published stays in the folder, so it can be published again when this ends half way.
        """
        document = statement_document(statement)
        digest = digest_of(document)
        subject = statement_subject(statement, digest)
        writer = self._writer(network)
        seq = writer.write(
            Kind.ANCHOR,
            schema=ANCHOR_SCHEMA,
            subject=subject,
            digest=int.from_bytes(digest, "big"),
            occurred_at=int(time.time()),
        )
        body = {"device": device_text(self.device), "seq": seq, "document": document.decode()}
        if items is not None:
            body["list"] = list(items)
        kept = self.folder / f"{digest.hex()}.json"
        _write(kept, json.dumps(body))
        self.courier.hand_in(writer.cut())
        publish_file(kept, self.courier)
        return inspection_text(subject)

    def secret(self, code: str, *, is_new: bool) -> bytes:
        """Return this party's secret of an inspection; make it, or require that it is there."""
        path = self.folder / f"{code}-{self.organisation}.secret"
        if is_new:
            if path.exists():
                raise NotSetUp(f"{path} is there already: this party has committed itself.")
            _write(path, secrets.token_hex(SECRET_BYTES))
        elif not path.exists():
            raise NotSetUp(f"{path} is not there: it was written when this party committed itself.")
        return bytes.fromhex(path.read_text(encoding="utf-8"))

    def _writer(self, network: Network) -> JournalWriter:
        return self.courier.continued(JournalWriter(network, self.device, self.key))


def publish_file(path: Path, courier: Courier) -> None:
    """Publish a statement that a desk kept."""
    courier.post("/api/v1/inspections", json.loads(path.read_text(encoding="utf-8")))


def read_record(courier: Courier, code: str) -> dict[str, Any]:
    """Return what a server publishes of an inspection."""
    record: dict[str, Any] = courier.get(f"/api/v1/inspections/{code}/record.json")
    return record


def opening_of(record: dict[str, Any], code: str) -> tuple[Opening, bytes]:
    """Return the opening that a code stands for, and its digest; the code binds it, whoever serves it.

    Raises:
        UnreadableInspection: the record has no such opening.
    """
    for document in record["documents"]:
        digest = digest_of(document.encode())
        if inspection_text(inspection_id(digest)) == code:
            said = read_statement(document.encode())
            if isinstance(said, Opening):
                return said, digest
    raise UnreadableInspection(f"the record holds no opening of {code}")


def _write(path: Path, text: str) -> None:
    """Write a file that only its owner reads, whole or not at all, and on disk before anything is said of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f"{path.name}.new")
    opened = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(opened, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    fresh.rename(path)
