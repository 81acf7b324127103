"""The chain edge's events → the use cases' values."""

from __future__ import annotations

from collections.abc import Iterable

from backend.chain import ledger_events as chain
from backend.chain import watcher
from backend.usecases import ledger_events as known


def known_events(events: Iterable[chain.LedgerEvent]) -> list[known.LedgerEvent]:
    """Return the events that the books fold, and those by which an auditor checks its own fold."""
    translated = (known_event(event) for event in events)
    return [event for event in translated if event is not None]


def known_event(event: chain.LedgerEvent) -> known.LedgerEvent | None:
    """Return the event as the use cases know it."""
    place = known.LogPlace(event.block_number, event.block_hash, event.tx_hash, event.log_index)
    match event:
        case chain.SegmentRecorded():
            s = event.segment
            return known.SegmentRecorded(
                place, s.device, s.first_seq, event.head, s.x, s.y, s.r, s.s, s.words, event.outcomes, s.assertion
            )
        case chain.SegmentRefused():
            return known.SegmentRefused(place, event.device, event.first_seq, int(event.reason))
        case chain.Settled():
            return known.StepSettled(place, event.device, event.seq, event.lot, event.outcome)
        case chain.Witnessed():
            return known.WitnessShown(place, event.witness)
        case chain.Forked():
            return known.ForkShown(place, event.device, event.seq, event.head)
        case chain.GapClosed():
            return known.GapClosed(place, event.device, event.from_seq, event.to_seq)
        case chain.Transcribed():
            return known.EntriesTranscribed(place, event.device, event.first_seq, event.outcomes)
        case chain.OrganisationCreated():
            return known.OrganisationCreated(place, event.organisation, event.registrar, event.key_hash)
        case chain.RegistrarProposed():
            return known.RegistrarProposed(place, event.organisation, event.registrar, event.key_hash)
        case chain.RegistrarReplaced():
            return known.RegistrarReplaced(place, event.organisation, event.registrar, event.key_hash, event.epoch)
        case chain.RegistrarProposalCancelled():
            return known.RegistrarProposalCancelled(place, event.organisation, event.registrar)
        case chain.OrganisationSuspended():
            return known.OrganisationSuspended(place, event.organisation)
        case chain.OrganisationResumed():
            return known.OrganisationResumed(place, event.organisation)
        case chain.RegulatorSet():
            return known.RegulatorSet(place, event.organisation, event.is_regulator)
        case chain.SiteOpened():
            return known.SiteOpened(place, event.site, event.site_kind, event.digest)
        case chain.BinsPlaced():
            bins = tuple(known.PlacedBinEvent(b.number, b.serial_digest, b.stream, b.from_at) for b in event.bins)
            return known.BinsPlaced(place, event.site, bins, event.head)
        case _:
            return None


def known_batch(batch: watcher.Extend) -> known.Extend:
    """Return new blocks as the use cases know them."""
    headers = tuple(known.Header(h.number, h.block_hash, h.parent_hash, h.timestamp) for h in batch.headers)
    return known.Extend(headers, tuple(known_events(batch.events)), batch.finalized_number)
