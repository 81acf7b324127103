"""Walks a chain from its first block and checks all that the ledger told; what is checked is written down.

The next range is fetched while one is folded, and seals are checked meanwhile by other processes.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from backend.chain import ledger as ledger_edge
from backend.chain.client import Rpc, RpcError, RpcUnavailable
from backend.chain.deploy import Deployment
from backend.chain.ledger_state import LedgerState
from backend.chain.watcher import KnownBlock, Reorg, Watcher
from backend.domain.custody_state import Device, Totals
from backend.domain.types import Stream, device_text, lot_text, organisation_text
from backend.jobs.chain_events import known_batch
from backend.jobs.seal_pool import SealPool
from backend.store.audit_state import AuditState, Checkpoint
from backend.usecases import ledger_events as known
from backend.usecases.audit_faults import Fault, FaultKind, Value
from backend.usecases.audit_ledger import Audit, Auditor
from backend.usecases.audit_tally import Tally

CHECKPOINT_SECONDS = 10.0
_TRIES, _PAUSE_SECONDS = 5, 0.5
_PAUSE_OVER_SAVING = 20
"""Writing down takes no more than a twentieth of the time, however large the books and slow the disk."""
_FOLDERS_OF_RULES = ("domain", "usecases", "chain", "store")


class ChainAway(Exception):
    """The node did not answer, or not consistently; what was checked before is kept."""


class OtherChain(Exception):
    """What the file of an earlier audit is about is not what this one is about."""


@dataclass(frozen=True)
class Block:
    """A block, as reports name it."""

    number: int
    hash: str
    time: int


@dataclass(frozen=True)
class StateCompared:
    """How many slots of the ledger's own state were held against the fold."""

    devices: int
    lots: int
    streams: int
    days: int


@dataclass(frozen=True)
class _Batch:
    blocks: known.Extend
    head_number: int


class ChainAudit:
    """One audit of one ledger. `catch_up` may be called again and again; `finish` once, at the end.

    `on_note` is told, as a key and values, when an earlier audit is gone on with or thrown away.
    """

    def __init__(
        self,
        node: Rpc,
        deployment: Deployment,
        state: AuditState,
        pool: SealPool,
        *,
        on_progress: Callable[[int, int], None] = lambda _block, _head: None,
        on_note: Callable[..., None] = lambda _key, **_values: None,
        checkpoint_seconds: float = CHECKPOINT_SECONDS,
    ) -> None:
        self._node, self._deployment, self._file, self._pool = node, deployment, state, pool
        self._watcher = Watcher(node, deployment)
        self._on_progress, self._on_note = on_progress, on_note
        self._checkpoint_seconds = checkpoint_seconds
        self.block: Block | None = None
        """The newest block that was checked, and every one before it."""
        self._is_final = True
        self._basis = {
            "chain_id": deployment.chain_id,
            "genesis_hash": deployment.genesis_hash,
            "ledger": deployment.custody_ledger,
            "rules": rules_digest(),
        }
        self._require_basis()
        self.goes_on_from = None if state.checkpoint is None else state.checkpoint.block_number
        if self.goes_on_from is not None:
            on_note("goes_on", block=self.goes_on_from)
        self._take_up()

    # --- the walk ----------------------------------------------------------------------------------------

    def catch_up(self) -> None:
        """Check everything up to the chain's newest block.

        Raises:
            ChainAway: the node does not answer, contradicts itself, or does not reach as far as was checked.
        """
        with ThreadPoolExecutor(1, thread_name_prefix="fetch") as fetching:
            self._catch_up(fetching)

    def _catch_up(self, fetching: Executor) -> None:
        ahead: Future[_Batch | Reorg] | None = None
        while True:
            batch = self._patiently(self._next if ahead is None else ahead.result)
            ahead = None
            if isinstance(batch, Reorg):
                self._go_back(batch)
                continue
            if not batch.blocks.headers:
                if self.block is not None and batch.head_number < self.block.number:
                    raise ChainAway(f"the node's chain ends at block {batch.head_number}")
                return
            newest = batch.blocks.headers[-1]
            is_final = newest.number <= batch.blocks.finalized_number
            if is_final and newest.number < batch.blocks.finalized_number:
                ahead = fetching.submit(self._next, [KnownBlock(newest.number, newest.hash)])
            if not is_final and self._is_final:
                self._save()
            self._check(batch.blocks)
            self._is_final = is_final
            if is_final and time.monotonic() >= self._save_from:
                self._save()
            self._on_progress(newest.number, batch.head_number)

    def _patiently(self, ask: Callable[[], _Batch | Reorg]) -> _Batch | Reorg:
        for attempt in range(_TRIES):
            try:
                return ask()
            except (RpcUnavailable, RpcError) as error:
                if attempt == _TRIES - 1:
                    raise ChainAway(str(error)) from error
                time.sleep(_PAUSE_SECONDS)
                ask = self._next
        raise AssertionError("the last try answers or raises")

    def _next(self, blocks: list[KnownBlock] | None = None) -> _Batch | Reorg:
        if blocks is None:
            checkpoint = self._file.checkpoint
            blocks = [] if checkpoint is None else [_known(checkpoint.block_number, checkpoint.block_hash)]
            if self.block is not None and (checkpoint is None or self.block.number > checkpoint.block_number):
                blocks.append(_known(self.block.number, self.block.hash))
        found = self._watcher.next_batch(blocks)
        return found if isinstance(found, Reorg) else _Batch(known_batch(found), found.head_number)

    def _check(self, blocks: known.Extend) -> None:
        self._file.state.prepare({e.device for e in blocks.events if isinstance(e, known.SegmentRecorded)})
        self._auditor.take(blocks.events, {h.number: h.timestamp for h in blocks.headers})
        self._pool.submit(self._auditor.take_checks())
        newest = blocks.headers[-1]
        self.block = Block(newest.number, newest.hash.hex(), newest.timestamp)

    def _go_back(self, reorg: Reorg) -> None:
        """The chain replaced blocks: check again from the last checkpoint, or from the first block."""
        self._pool.drain()
        if reorg.common_ancestor is None:
            replaced = 0 if self._file.checkpoint is None else self._file.checkpoint.block_number
            self._on_note("replaced", block=replaced)
            self._file.clear()
        else:
            self._file.roll_back()
        self._take_up()

    # --- what is written down ----------------------------------------------------------------------------

    def _require_basis(self) -> None:
        checkpoint = self._file.checkpoint
        if checkpoint is None or checkpoint.basis == self._basis:
            return
        changed = {name for name, value in self._basis.items() if checkpoint.basis.get(name) != value}
        if changed - {"rules"}:
            raise OtherChain(f"{self._file.path} is of another {', '.join(sorted(changed - {'rules'}))}")
        self._on_note("other_rules")
        self._file.clear()

    def _take_up(self) -> None:
        checkpoint = self._file.checkpoint
        tally = Tally() if checkpoint is None else Tally.from_json(checkpoint.tally)
        self._auditor = Auditor(self._file.state, tally, self._file.records)
        self._auditor.faults = [Fault.from_json(fault) for fault in self._file.faults]
        self.block = None
        if checkpoint is not None:
            self.block = Block(checkpoint.block_number, checkpoint.block_hash, checkpoint.block_time)
        self._faults_saved, self._is_final = len(self._auditor.faults), True
        self._save_from = time.monotonic() + self._checkpoint_seconds

    def _save(self) -> None:
        if self.block is None or self.block == self._saved_block:
            return
        auditor, block, began = self._auditor, self.block, time.monotonic()
        auditor.blame(self._pool.drain())
        checkpoint = Checkpoint(self._basis, block.number, block.hash, block.time, auditor.tally.to_json())
        faults = [fault.to_json() for fault in auditor.faults[self._faults_saved :]]
        self._file.save(checkpoint, faults=faults, bins=auditor.bins)
        auditor.bins.clear()
        self._faults_saved = len(auditor.faults)
        now = time.monotonic()
        pause = (
            max(self._checkpoint_seconds, _PAUSE_OVER_SAVING * (now - began)) if self._checkpoint_seconds else 0
        )
        self._save_from = now + pause

    @property
    def _saved_block(self) -> Block | None:
        checkpoint = self._file.checkpoint
        if checkpoint is None:
            return None
        return Block(checkpoint.block_number, checkpoint.block_hash, checkpoint.block_time)

    # --- what it comes to --------------------------------------------------------------------------------

    def compare_state(self) -> tuple[list[Fault], StateCompared | None]:
        """Hold the ledger's own state at the last block against the fold; None: the node does not keep it."""
        assert self.block is not None, "no block was checked yet"
        self._file.state.read_all()
        ledger = LedgerState(self._node, self._deployment.custody_ledger, self.block.number)
        try:
            return state_faults(self._auditor, ledger)
        except RpcError:
            return [], None
        except RpcUnavailable as error:
            raise ChainAway(str(error)) from error

    def finish(self) -> Audit:
        """Return what was found."""
        self._file.state.read_all()
        self._auditor.blame(self._pool.drain())
        return self._auditor.finish()

    @property
    def records(self) -> Mapping[str, str]:
        """The digest of each device's recorded entries and outcomes."""
        return {device_text(device): digest.hex() for device, digest in self._auditor.records.items()}

    def bins(self) -> Iterator[tuple[int, int]]:
        """Yield each bin with its lifts, in order."""
        return self._file.bins(self._auditor.bins)


def state_faults(auditor: Auditor, ledger: LedgerState) -> tuple[list[Fault], StateCompared]:
    """Return where the ledger's slots differ from the fold's: journals' ends, lots, sums of streams and days."""
    state = auditor.state
    faults = []

    def hold(expected: Value, found: Value, **about: Any) -> None:
        if expected != found:
            faults.append(Fault(FaultKind.STATE, expected, found, **about))

    devices, lots, days = list(state.devices), list(state.lots), list(state.day_totals)
    for device, (slot_of, head) in zip(devices, ledger.devices(devices), strict=True):
        ours = state.devices[device]
        hold(_device(ours, ours.head), _device(slot_of, head), device=device)
    for lot, slot in zip(lots, ledger.lots(lots), strict=True):
        theirs = [getattr(slot, name) for name in slot.__dataclass_fields__]
        hold(_lot(state.lots[lot]), _lot(theirs), subject=f"lot {lot_text(lot)}")
    for stream, sums in zip(Stream, ledger.totals(list(Stream)), strict=True):
        hold(_sums(state.totals.get(stream) or Totals()), _sums(sums), subject=f"stream {int(stream)}")
    for key, sums in zip(days, ledger.day_totals(days), strict=True):
        organisation, day, of_stream = key
        subject = f"organisation {organisation_text(organisation)}, day {day}, stream {int(of_stream)}"
        hold(_sums(state.day_totals[key]), _sums(sums), subject=subject)
    return faults, StateCompared(len(devices), len(lots), len(Stream), len(days))


def _device(slot: Device | ledger_edge.DeviceState, head: bytes) -> Value:
    more = {name: int(getattr(slot, name)) for name in ("not_after", "role", "flags", "epoch")}
    return {"seq": slot.next_seq - 1, "head": head.hex(), "key": f"{slot.key_hash:040x}", **more}


def _lot(slot: Iterable[Any]) -> Value:
    holder, *rest = (int(part) for part in slot)
    names = ("grams", "lifts", "stream", "status", "pendings", "last_seq", "is_shut", "mixture")
    return {"holder": device_text(holder), **dict(zip(names, rest, strict=True))}


def _sums(t: Totals | ledger_edge.Totals) -> Value:
    return {name: str(getattr(t, name)) for name in ("lifted", "gained", "out", "lost")}


def rules_digest() -> str:
    """Return the SHA-256 of the code that decides what an audit finds: other code begins again."""
    root = Path(__file__).parent.parent
    digest = hashlib.sha256()
    for folder in _FOLDERS_OF_RULES:
        for file in sorted((root / folder).rglob("*.py")):
            digest.update(file.relative_to(root).as_posix().encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.hexdigest()


def _known(number: int, block_hash: str) -> KnownBlock:
    return KnownBlock(number, bytes.fromhex(block_hash))
