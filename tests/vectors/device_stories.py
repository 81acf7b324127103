"""Stories of devices: witnesses, forks, lost phones, gaps, passkeys, and journals that move away."""

from __future__ import annotations

from dataclasses import replace

from custody_story import HOUR, NETWORK, NOON, Story, changed

from backend.domain.devices import Witness
from backend.domain.journal import Segment, next_head
from backend.domain.layout import Kind
from backend.domain.passkey import SoftwarePasskey
from backend.domain.seal import SealProof, seal_digest
from backend.domain.types import (
    MandateOp,
    Role,
    Scheme,
    Verdict,
    device_id,
    lot_id,
)
from backend.domain.writer import JournalWriter


def _witness_of(writer: JournalWriter, before: bytes, words: bytes, seq: int) -> Witness:
    digest = seal_digest(NETWORK, device=writer.device, seq=seq, head=next_head(before, words))
    return Witness(writer.device, seq, before, words, *writer.public, *writer.key.sign(digest))


def _sealed_head(writer: JournalWriter, seq: int, head: bytes) -> SealProof:
    digest = seal_digest(NETWORK, device=writer.device, seq=seq, head=head)
    return SealProof(seq, head, *writer.public, *writer.key.sign(digest))


def witnesses_and_forks() -> Story:
    """What others show of journals, and journals that have two ends."""
    story = Story("witnesses and forks", "witnesses")
    org = story.organisation(2)
    honest, sly, double, late = (story.enrol(org, n, Role.CREW) for n in (7, 8, 9, 10))
    story.record_all(org)
    shown = []
    for writer in (honest, sly, late):
        for n in range(4):
            before = writer.head
            writer.write(Kind.SHIFT_END, lifts=n)
            shown.append(_witness_of(writer, before, writer.uncut[-1], n + 1))
    story.witness(replace(shown[1], r=shown[1].r ^ 1))
    story.witness(replace(shown[1], x=5))
    story.witness(replace(shown[1], device=device_id(2, 77)))
    story.witness(replace(shown[1], words=shown[1].words * 2))
    story.witness(replace(shown[1], words=b""))
    story.witness(shown[1])
    story.witness(shown[1])
    story.witness(shown[0])
    story.witness(shown[2])
    story.record(honest.cut(2))
    story.record(honest.cut(2))
    story.witness(shown[2])
    story.witness(shown[5])
    other = JournalWriter(NETWORK, sly.device, sly.key)
    for n in range(3):
        other.write(Kind.SHIFT_END, lifts=n + 100)
    story.record(other.cut(1))
    story.record(other.cut(2))  # passes seq 2 with another head
    again = JournalWriter(NETWORK, sly.device, sly.key)
    for n in (100, 7):
        again.write(Kind.SHIFT_END, lifts=n)
    again.cut(1)
    story.record(again.cut())  # recorded, but it does not count any more
    story.witness(shown[9])
    story.witness(_witness_of(late, shown[9].before, shown[0].words, 2))  # the same seq, another head
    story.record_all(late)
    heads = [next_head(double.head, words) for words in (shown[0].words, shown[1].words)]
    one, two = (_sealed_head(double, 1, head) for head in heads)
    story.prove_fork(double.device, one, one)
    story.prove_fork(double.device, one, replace(two, r=two.r ^ 1))
    story.prove_fork(device_id(2, 77), one, two)
    story.prove_fork(double.device, one, two)
    double.write(Kind.SHIFT_END)
    story.record_all(double)
    return story


def _bring(who: JournalWriter, segment: Segment, before: bytes) -> None:
    """Have a registrar transcribe a sealed run."""
    words = segment.words
    items = tuple({"word": int.from_bytes(words[i : i + 32], "big")} for i in range(0, len(words), 32))
    seal = {"x": segment.x, "y": segment.y, "r": segment.r, "s": segment.s}
    run = {"device": segment.device, "first_seq": segment.first_seq, "before": int.from_bytes(before, "big")}
    who.write(Kind.TRANSCRIBED, items, **run, **seal)


def _release(who: JournalWriter, writer: JournalWriter) -> None:
    """Have somebody release all that a journal holds so far."""
    head17 = int.from_bytes(writer.head[:17], "big")
    who.write(
        Kind.ACKNOWLEDGE, device=writer.device, seq=writer.next_seq - 1, verdict=Verdict.RELEASED, head17=head17
    )


def brought_and_handed_in() -> Story:
    """What a registrar has brought counts once, also when the journal itself comes after all."""
    story = Story("brought and handed in", "brought")
    org, city = story.organisation(2), story.organisation(9, is_regulator=True)
    phone = story.enrol(org, 7, Role.CREW)
    story.record_all(org, city)
    org.write(Kind.REVOKE, device=phone.device)
    story.record_all(org)
    before = phone.head
    phone.write(Kind.LOAD, lot=lot_id(phone.device, 1), stream=4)
    phone.write(Kind.LIFT, bin=1, stream=4, grams=1_000)
    _release(city, phone)
    lost = phone.cut()
    story.record_all(city)
    _bring(org, lost, before)
    story.record_all(org)
    story.record(lost)
    between = phone.head
    phone.write(Kind.LIFT, bin=2, stream=4, grams=500)
    _release(city, phone)
    late = phone.cut()
    story.record_all(city)
    story.record(late)
    _bring(org, late, between)
    _bring(org, late, between)
    story.record_all(org)
    return story


def lost_phones() -> Story:
    """Revoked with entries still to come: what a witness had seen counts, the rest needs leave to come back."""
    story = Story("lost phones", "lost")
    haul, station_org = story.organisation(2), story.organisation(3)
    city = story.organisation(9, is_regulator=True)
    phone, other, expired = (story.enrol(haul, n, Role.CREW) for n in (7, 8, 9))
    station = story.enrol(station_org, 7, Role.GATE)
    inspector = story.enrol(city, 7, Role.OFFICE)
    haul.write(Kind.ROTATE, device=device_id(2, 10), role=1, scheme=1, x=1, y=2, replaced=expired.device)
    haul.write(Kind.ROTATE, device=device_id(2, 10), role=1, scheme=1, replaced=expired.device)
    haul.write(Kind.ROTATE, device=device_id(2, 11), role=1, scheme=1, replaced=haul.device)
    haul.write(Kind.ROTATE, device=device_id(2, 11), role=1, scheme=1, replaced=station.device)
    story.record_all(haul, station_org, city)
    runs = []
    for writer in (phone, other):
        for n in (1, 2):
            lot = lot_id(writer.device, n)
            start, first_seq = writer.head, writer.next_seq
            writer.write(Kind.LOAD, lot=lot, stream=4)
            writer.write(Kind.LIFT, bin=n, stream=4, grams=1_000 * n)
            before = writer.head
            seq = writer.write(Kind.GIVE, lot=lot, to=device_id(3, 0))
            runs.append((writer, first_seq, start, before, seq, writer.head, b"".join(writer.uncut[-3:])))
    writer, _, _, before, seq, head, words = runs[0]
    story.witness(_witness_of(writer, before, words[-128:], seq))
    for _, _, _, _, seq, head, _ in runs[:2]:
        lot = lot_id(phone.device, 1 if seq == 3 else 2)
        cited = {"lot": lot, "giver": phone.device, "give_seq": seq, "give_head": int.from_bytes(head, "big")}
        station.write(Kind.TAKE, grams=900, **cited)
    story.record_all(station)
    haul.write(Kind.REVOKE, device=phone.device)
    haul.write(Kind.REVOKE, device=other.device)
    story.record_all(haul)
    story.record_all(phone, other)

    def transcribe(who: JournalWriter, n: int, **change: int) -> None:
        writer, first_seq, start, _, seq, head, words = runs[n]
        proof = _sealed_head(writer, seq, head)
        items = tuple({"word": int.from_bytes(words[i : i + 32], "big")} for i in range(0, len(words), 32))
        fields = {
            "device": writer.device, "first_seq": first_seq, "before": int.from_bytes(start, "big"),
            "x": proof.x, "y": proof.y, "r": proof.r, "s": proof.s,
        }  # fmt: skip
        who.write(Kind.TRANSCRIBED, items, **{**fields, **change})

    def release(who: JournalWriter, n: int) -> None:
        writer, _, _, _, seq, head, _ = runs[n]
        head17 = int.from_bytes(head[:17], "big")
        who.write(Kind.ACKNOWLEDGE, device=writer.device, seq=seq, verdict=Verdict.RELEASED, head17=head17)

    transcribe(haul, 1)  # nobody has released it
    transcribe(station_org, 1)
    transcribe(haul, 1, r=5)
    transcribe(haul, 1, first_seq=9)
    transcribe(haul, 0)  # counts already
    story.record_all(haul, station_org)
    release(haul, 1)
    release(station, 1)  # the counterparty
    release(inspector, 2)  # a regulator
    release(inspector, 3)
    story.record_all(station, inspector, haul)
    transcribe(haul, 1)
    transcribe(haul, 1)
    transcribe(haul, 3)
    transcribe(haul, 2)  # its seq is behind what counts now
    story.record_all(haul)
    expired.write(Kind.SHIFT_END)
    story.record_all(expired)
    story.now += 73 * HOUR
    expired.write(Kind.SHIFT_END)
    story.record_all(expired)
    story.settle_all()
    return story


def gaps() -> Story:
    """Entries lost with a phone's storage: announced, waited for 72 hours, and passed over."""
    story = Story("gaps", "gaps")
    org, other = story.organisation(2), story.organisation(3)
    phone = story.enrol(org, 7, Role.CREW)
    story.record_all(org, other)
    for n in range(9):
        phone.write(Kind.SHIFT_END, lifts=n)
    segments = [phone.cut(3) for _ in range(3)]
    heads = [_head_after(phone, segments, n) for n in range(4)]

    def announce(who: JournalWriter, from_seq: int, to_seq: int, head: bytes) -> None:
        numbers = {"device": phone.device, "from_seq": from_seq, "to_seq": to_seq}
        who.write(Kind.CLOSE_GAP, head=int.from_bytes(head, "big"), **numbers)
        story.record_all(who)

    announce(org, 1, 3, heads[1])
    story.record(segments[1])  # too early
    story.record(segments[0])  # found after all
    announce(org, 1, 6, heads[2])  # not its next seq
    announce(other, 4, 6, heads[2])
    announce(org, 4, 3, heads[2])
    before = heads[1]
    for seq, words in enumerate(segments[1].words[i : i + 32] for i in (0, 32)):
        witness = _witness_of(phone, before, words, seq + 4)
        before = next_head(before, words)
    story.witness(witness)
    announce(org, 4, 6, heads[2])  # a witness has shown an entry in between
    announce(org, 4, 4, next_head(heads[1], segments[1].words[:32]))
    story.now += 72 * HOUR
    story.record(segments[2])  # goes on behind another gap than the one announced
    rest = JournalWriter(
        NETWORK, phone.device, phone.key, next_seq=5, head=next_head(heads[1], segments[1].words[:32])
    )
    rest.write_words(segments[1].words[32:64])
    rest.write_words(segments[1].words[64:])
    behind = rest.cut()
    story.record(changed(behind, s=7))
    story.record(behind)
    announce(org, 7, 7, bytes(32))
    story.now += 72 * HOUR
    story.record(changed(segments[2], first_seq=8, words=segments[2].words[32:]))  # the head was made up
    story.record(segments[2])
    return story


def _head_after(writer: JournalWriter, segments: list[Segment], count: int) -> bytes:
    head = JournalWriter(NETWORK, writer.device, writer.key).head
    for segment in segments[:count]:
        for at in range(0, len(segment.words), 32):
            head = next_head(head, segment.words[at : at + 32])
    return head


def moved_away() -> Story:
    """A journal that is closed for another ledger."""
    story = Story("moved", "moved")
    org, city = story.organisation(2), story.organisation(9, is_regulator=True)
    phone = story.enrol(org, 7, Role.CREW)
    story.record_all(org, city)
    phone.write(Kind.MOVED, ledger=int.from_bytes(NETWORK.ledger, "big"))
    phone.write(Kind.LOAD, lot=lot_id(phone.device, 1), stream=4)
    phone.write(Kind.MOVED, ledger=0xABCD)
    phone.write(Kind.LOAD, lot=lot_id(phone.device, 2), stream=4)
    story.record_all(phone)
    phone.write(Kind.SHIFT_END)
    story.record_all(phone)
    # What the journal writes from here on belongs to the other ledger.
    before = phone.head
    phone.write(Kind.LOAD, lot=lot_id(phone.device, 3), stream=4)
    _release(city, phone)
    story.record_all(city)
    _bring(org, phone.cut(), before)
    story.record_all(org)
    return story


def passkeys() -> Story:
    """An office worker seals with a passkey; the same key without one seals nothing."""
    story = Story("passkeys", "passkeys")
    org = story.organisation(2)
    passkey = SoftwarePasskey(story.key(), "https://huanlian.example")
    elsewhere = SoftwarePasskey(passkey.key, "https://else.example")
    x, y = passkey.key.public
    device = device_id(2, 7)
    fields = {"device": device, "role": Role.OFFICE, "scheme": Scheme.WEBAUTHN, "x": x, "y": y}
    org.write(Kind.ENROL, origin=passkey.origin_digest, **fields)
    story.record_all(org)
    writer = JournalWriter(NETWORK, device, passkey.key)
    writer.write(Kind.MANDATE, op=MandateOp.GRANT, to=device_id(3, 0), grams=5, until=NOON, streams=16)
    raw = writer.cut()
    digest = seal_digest(NETWORK, device=device, seq=1, head=writer.head)
    story.record(raw)  # without a passkey's assertion
    for answered in (elsewhere.assertion_over(digest), passkey.assertion_over(digest)):
        story.record(changed(raw, r=answered.r, s=answered.s, assertion=answered.assertion))
    plain = story.enrol(org, 8, Role.CREW)
    story.record_all(org)
    plain.write(Kind.SHIFT_END)
    story.record(changed(plain.cut(), assertion=b"more"))  # a raw seal has none
    return story
