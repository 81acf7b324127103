"""Turns a story into journals: each actor a device with a real key, each act an entry that it seals."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from cast import Cast, enrolment
from story import Step, Story

from backend.domain import types
from backend.domain.custody_state import State
from backend.domain.devices import Witness
from backend.domain.journal import Network, Segment, evidence_digest, first_head, next_head, split_entries
from backend.domain.keccak import keccak256
from backend.domain.layout import Kind
from backend.domain.merkle import lifts_root
from backend.domain.products import Product
from backend.domain.seal import seal_digest
from backend.domain.types import Stream, device_id, lot_id
from backend.domain.writer import JournalWriter

CALIBRATION_SECONDS = 180 * 86_400

Upload = Segment | Witness


@dataclass
class Told:
    """A step as it was told: the entries it became, and what was brought to the ledger then."""

    step: Step
    device: int
    seqs: range
    uploads: list[Upload] = field(default_factory=list)


@dataclass
class Telling:
    """A story's journals: enrolments first, then what each step left behind."""

    story: Story
    network: Network
    cast: Cast
    told: list[Told]
    lots: dict[str, int]
    streams: dict[str, int]
    entries: dict[tuple[int, int], bytes]

    def fresh_state(self) -> State:
        """Return the ledger's state before anything was recorded."""
        roots = self.cast.roots
        return State(self.network, roots=dict(roots), named_roots={root.device: True for root in roots.values()})

    def find(self, step_id: str) -> Told:
        """Return what became of the step of that id."""
        return next(told for told in self.told if told.step.id == step_id)


def tell(story: Story, network: Network, *, first_organisation: int = 2, at_once: bool = False) -> Telling:
    """Return the story's journals for this network.

    `at_once` tells what people did, as if every phone had signal: nothing is kept, and nobody carries up or
    transcribes what another has written.
    """
    teller = _Teller(story, network, first_organisation, at_once)
    told = [teller.tell(step) for step in story.steps]
    return Telling(
        story,
        network,
        teller.cast,
        told,
        teller.lots,
        teller.streams,
        teller.entries,
    )


class _Teller:
    def __init__(self, story: Story, network: Network, first_organisation: int, at_once: bool) -> None:
        self.story, self.network, self.at_once = story, network, at_once
        self.cast = Cast(story, network, first_organisation)
        self.writers, self.organisations = self.cast.writers, self.cast.organisations
        self.lots: dict[str, int] = {}
        self.streams: dict[str, int] = {}
        self.loaded: dict[int, list[bytes]] = {}
        self.serials: dict[int, int] = {}
        self.desk: dict[int, int] = {}
        self.entries: dict[tuple[int, int], bytes] = {}
        self.heads = {(writer.device, 0): first_head(network, writer.device) for writer in self.writers.values()}
        self.steps: dict[str, Told] = {}

    def tell(self, step: Step) -> Told:
        """Have the step's actor write, and bring to the ledger what was written unless it is kept."""
        writer = self.writers[step.by]
        first = writer.next_seq
        uploads = list(getattr(self, f"_{step.does}")(step, writer) or ())
        if not step.kept or self.at_once:
            uploads += writer.cut_all()
        told = Told(step, writer.device, range(first, writer.next_seq), uploads)
        self.steps[step.id] = told
        return told

    def _write(
        self, step: Step, writer: JournalWriter, kind: Kind, items: Iterable[dict[str, int]] = (), **fields: int
    ) -> int:
        seq = writer.write(kind, tuple(items), occurred_at=step.at, **fields)
        self.entries[writer.device, seq], self.heads[writer.device, seq] = writer.uncut[-1], writer.head
        return seq

    # --- what steps name ---

    def _new_lot(self, writer: JournalWriter, name: str, stream: int) -> int:
        if name in self.lots:
            return self.lots[name]
        serial = self.serials[writer.device] = self.serials.get(writer.device, 0) + 1
        self.lots[name], self.streams[name] = lot_id(writer.device, serial), stream
        return self.lots[name]

    def _stream(self, step: Step, lot: str) -> int:
        told = step.says.get("stream")
        return Stream[told.upper()] if told else self.streams[lot]

    def _receiver(self, name: str) -> int:
        """Return a device, an organisation as a whole, or 0 for somebody who is not registered."""
        if name == "unregistered":
            return 0
        if name in self.writers:
            return self.writers[name].device
        return device_id(self.organisations[name], 0)

    def _evidence(self, step: Step) -> int:
        salt = keccak256(f"{self.story.slug} {step.id}".encode())[:16]
        return evidence_digest(salt, step.told.en.encode())

    def _cited(self, give: str) -> dict[str, int]:
        told = self.steps[give]
        seq = told.seqs[-1]
        head = int.from_bytes(self.heads[told.device, seq], "big")
        lot = self.lots[self._lot_given(told.step)]
        return {"lot": lot, "giver": told.device, "give_seq": seq, "give_head": head}

    def _lot_given(self, step: Step) -> str:
        """Return the lot of a give, or of what answers or redirects it."""
        return (
            str(step.says["lot"]) if step.does == "give" else self._lot_given(self.steps[step.says["give"]].step)
        )

    def _last_seq(self, told: Told) -> int:
        return told.seqs[-1]

    # --- one method an act ---

    def _load(self, step: Step, writer: JournalWriter) -> None:
        stream = Stream[step.says["stream"].upper()]
        lot = self._new_lot(writer, step.says["lot"], stream)
        self.desk[writer.device] = lot
        self._write(step, writer, Kind.LOAD, lot=lot, stream=stream, vehicle=device_id(writer.device >> 40, 1))

    def _lift(self, step: Step, writer: JournalWriter) -> None:
        lot = self.desk[writer.device]
        name = next(name for name, number in self.lots.items() if number == lot)
        for _ in range(step.says["bins"]):
            number = int.from_bytes(keccak256(f"{self.story.slug} {writer.next_seq}".encode())[:5], "big")
            seq = self._write(
                step,
                writer,
                Kind.LIFT,
                bin=step.says.get("bin", number),
                stream=self._stream(step, name),
                grade=1,
                basis=2,
                grams=step.says["each"],
            )
            self.loaded.setdefault(lot, []).append(self.entries[writer.device, seq])

    def _give(self, step: Step, writer: JournalWriter) -> None:
        lot = self.lots[step.says["lot"]]
        lifts = self.loaded.get(lot, [])
        self._write(
            step,
            writer,
            Kind.GIVE,
            lot=lot,
            grams=step.says["grams"],
            to=self._receiver(step.says["to"]),
            lifts=len(lifts),
            lifts_root=int.from_bytes(lifts_root(lifts), "big"),
        )

    def _take(self, step: Step, writer: JournalWriter) -> None:
        says = step.says
        stream = Stream[says["stream"].upper()] if "stream" in says else 0
        fields: dict[str, int] = {"grams": says["grams"], "stream": stream}
        if "give" in says:
            fields |= self._cited(says["give"])
            name = self._lot_given(self.steps[says["give"]].step)
        else:
            fields["lot"] = self._new_lot(writer, says["lot"], stream)
            name = says["lot"]
        if "into" in says:
            fields["into"] = self._new_lot(writer, says["into"], stream or self.streams[name])
        elif stream and step.outcome == types.Outcome.APPLIED:
            self.streams[name] = stream
        if "ticket" in says:
            weighed = self.steps[says["ticket"]]
            fields |= {"weigher": weighed.device, "weigh_seq": self._last_seq(weighed)}
        self._write(step, writer, Kind.TAKE, evidence=self._evidence(step), **fields)

    def _withdraw(self, step: Step, writer: JournalWriter) -> None:
        undone = self.steps[step.says["undoes"]]
        lot = self.lots[self._lot_given(undone.step)]
        self._write(step, writer, Kind.WITHDRAW, lot=lot, undone_seq=self._last_seq(undone))

    def _weigh(self, step: Step, writer: JournalWriter) -> None:
        says = step.says
        self._write(
            step,
            writer,
            Kind.WEIGH,
            lot=self.lots[says["lot"]],
            gross=says["gross"],
            tare=says["tare"],
            net=says["gross"] - says["tare"],
            ticket=says["ticket"],
            evidence=self._evidence(step),
            calibration=device_id(writer.device >> 40, 7),
            calibration_until=self.story.steps[0].at + CALIBRATION_SECONDS,
        )

    def _merge(self, step: Step, writer: JournalWriter) -> None:
        says = step.says
        into = self._new_lot(writer, says["into"], self._stream(step, says["lots"][0]))
        for name in says["lots"]:
            stream = self._stream(step, name)
            self._write(step, writer, Kind.MERGE, lot=self.lots[name], into=into, stream=stream)

    def _split(self, step: Step, writer: JournalWriter) -> None:
        says = step.says
        stream = self._stream(step, says["lot"])
        into = self._new_lot(writer, says["into"], stream)
        self._write(
            step, writer, Kind.SPLIT, lot=self.lots[says["lot"]], into=into, stream=stream, grams=says["grams"]
        )

    def _transform(self, step: Step, writer: JournalWriter) -> None:
        says = step.says
        stream = self.streams[says["lot"]]
        items = [
            {
                "lot": self._new_lot(writer, made["lot"], stream),
                "amount": made["grams"],
                "product": Product[made["product"].upper().replace(" ", "_")],
            }
            for made in says["outputs"]
        ]
        items += [
            {"amount": made["amount"], "product": Product[made["product"].upper().replace(" ", "_")]}
            for made in says.get("measures", ())
        ]
        loss, gain = says.get("loss", 0), says.get("gain", 0)
        self._write(
            step,
            writer,
            Kind.TRANSFORM,
            items,
            lot=self.lots[says["lot"]],
            grams=sum(made["grams"] for made in says["outputs"]) + loss - gain,
            outputs=len(says["outputs"]),
            loss=loss or gain,
            is_gain=int(gain > 0),
            site=device_id(writer.device >> 40, 1),
        )

    def _refuse(self, step: Step, writer: JournalWriter) -> None:
        cited = self._cited(step.says["give"])
        self._write(step, writer, Kind.REFUSE, reason=step.says["reason"], evidence=self._evidence(step), **cited)

    def _redirect(self, step: Step, writer: JournalWriter) -> None:
        cited = self._cited(step.says["give"])
        to = self._receiver(step.says["to"])
        lot, seq = cited["lot"], cited["give_seq"]
        self._write(step, writer, Kind.REDIRECT, lot=lot, give_seq=seq, to=to, reason=step.says["reason"])

    def _close(self, step: Step, writer: JournalWriter) -> None:
        says = step.says
        fate = types.Fate[says["fate"].upper()]
        product = Product[says["product"].upper().replace(" ", "_")] if "product" in says else 0
        self._write(step, writer, Kind.CLOSE, lot=self.lots[says["lot"]], fate=fate, product=product)

    def _decline(self, step: Step, writer: JournalWriter) -> None:
        says = step.says
        stream = Stream[says["stream"].upper()]
        evidence = self._evidence(step)
        self._write(
            step, writer, Kind.DECLINE, bin=says["bin"], stream=stream, reason=says["reason"], evidence=evidence
        )

    def _acknowledge(self, step: Step, writer: JournalWriter) -> None:
        of = self.steps[step.says["of"]]
        seq = self._last_seq(of)
        verdict = types.Verdict[step.says["verdict"].upper()]
        head17 = int.from_bytes(self.heads[of.device, seq][:17], "big")
        evidence = self._evidence(step)
        self._write(
            step,
            writer,
            Kind.ACKNOWLEDGE,
            device=of.device,
            seq=seq,
            verdict=verdict,
            head17=head17,
            evidence=evidence,
        )

    def _named(self, step: Step) -> dict[str, int]:
        of = self.steps[step.says["of"]]
        return {"device": of.device, "seq": self._last_seq(of), "value": step.says.get("value", 0)}

    def _amend(self, step: Step, writer: JournalWriter) -> None:
        op = types.AmendOp[step.says["op"].upper()]
        number = types.AmendedField[step.says["field"].upper()] if "field" in step.says else 0
        evidence = self._evidence(step)
        self._write(step, writer, Kind.AMEND, op=op, field=number, evidence=evidence, **self._named(step))

    def _dispute(self, step: Step, writer: JournalWriter) -> None:
        op = types.DisputeOp[step.says["op"].upper()]
        rule = types.Ground[step.says["ground"].upper()] if "ground" in step.says else 0
        evidence = self._evidence(step)
        self._write(step, writer, Kind.DISPUTE, op=op, rule=rule, evidence=evidence, **self._named(step))

    # --- devices ---

    def _enrol(self, step: Step, writer: JournalWriter) -> None:
        device = self.writers[step.says["whose"]]
        self._write(step, writer, Kind.ENROL, **enrolment(device, self.cast.roles[device.device]))

    def _revoke(self, step: Step, writer: JournalWriter) -> None:
        if not self.at_once:
            self._write(step, writer, Kind.REVOKE, device=self.writers[step.says["whose"]].device, reason=1)

    def _witness(self, step: Step, _writer: JournalWriter) -> list[Upload]:
        """Show the ledger the last entry of a step, with the seal that its author made for the receiver."""
        if self.at_once:
            return []
        of = self.steps[step.says["of"]]
        author = self.writers[of.step.by]
        seq = self._last_seq(of)
        head = self.heads[of.device, seq]
        r, s = author.key.sign(seal_digest(self.network, device=of.device, seq=seq, head=head))
        before, words = self.heads[of.device, seq - 1], self.entries[of.device, seq]
        return [Witness(of.device, seq, before, words, *author.public, r, s)]

    def _send(self, step: Step, _writer: JournalWriter) -> list[Upload]:
        return list(self.writers[step.says["whose"]].cut_all())

    def _transcribe(self, step: Step, writer: JournalWriter) -> None:
        """Bring a run of another's journal verbatim, under the seal that its author made over it."""
        if self.at_once:
            return
        first, last = self.steps[step.says["from"]].seqs[0], self._last_seq(self.steps[step.says["through"]])
        author = self.writers[step.says["whose"]]
        before = self.heads[author.device, first - 1]
        words = b"".join(self.entries[author.device, seq] for seq in range(first, last + 1))
        head = before
        for entry in split_entries(words):
            head = next_head(head, entry)
        r, s = author.key.sign(seal_digest(self.network, device=author.device, seq=last, head=head))
        x, y = author.public
        self._write(
            step,
            writer,
            Kind.TRANSCRIBED,
            [{"word": int.from_bytes(words[at : at + 32], "big")} for at in range(0, len(words), 32)],
            device=author.device,
            first_seq=first,
            before=int.from_bytes(before, "big"),
            x=x,
            y=y,
            r=r,
            s=s,
        )
