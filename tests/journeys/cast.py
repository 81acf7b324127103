"""The cast of a story: organisations with their root registrars, and a device with a real key for each actor."""

from __future__ import annotations

from story import Story

from backend.domain.custody_state import Root
from backend.domain.journal import Network, Segment
from backend.domain.keccak import keccak256
from backend.domain.layout import Kind
from backend.domain.seal import CURVE_ORDER, key_hash
from backend.domain.types import Role, Scheme, device_id
from backend.domain.writer import JournalWriter, SigningKey

FIRST_SERIAL = 2
"""Serial 1 of an organisation is its root registrar."""


class Cast:
    """Journals by actor, root registrars by organisation, and the enrolments that come before the story."""

    def __init__(self, story: Story, network: Network, first_organisation: int) -> None:
        self.story, self.network = story, network
        self.organisations = {name: first_organisation + n for n, name in enumerate(story.organisations)}
        self.roots: dict[int, Root] = {}
        self.writers: dict[str, JournalWriter] = {}
        self.roles: dict[int, int] = {}
        self.enrolments: list[Segment] = []
        for name, number in self.organisations.items():
            self._found(name, number)

    @property
    def devices(self) -> dict[str, int]:
        """Each actor's device."""
        return {name: writer.device for name, writer in self.writers.items()}

    def _found(self, name: str, number: int) -> None:
        """Name the root registrar, and have it enrol the devices that no step of the story enrols."""
        later = {step.says["whose"] for step in self.story.steps if step.does == "enrol"}
        root = JournalWriter(self.network, device_id(number, 1), self._key(name))
        self.roots[number] = Root(root.device, key_hash(*root.public), 1, False, name in self.story.regulators)
        self.roles[root.device] = Role.REGISTRAR
        serial = FIRST_SERIAL
        for actor in self.story.actors.values():
            if actor.organisation != name:
                continue
            role = Role[actor.role.upper()]
            if role == Role.REGISTRAR:
                self.writers[actor.name] = root
                continue
            writer = JournalWriter(self.network, device_id(number, serial), self._key(actor.name))
            if actor.name not in later:
                root.write(Kind.ENROL, **enrolment(writer, role))
            self.writers[actor.name], self.roles[writer.device] = writer, role
            serial += 1
        self.enrolments += root.cut_all()

    def _key(self, name: str) -> SigningKey:
        secret = int.from_bytes(keccak256(f"{self.story.slug} {name}".encode()), "big")
        return SigningKey.from_secret(secret % (CURVE_ORDER - 1) + 1)


def enrolment(writer: JournalWriter, role: int) -> dict[str, int]:
    """Return the fields of the entry that enrols a device."""
    x, y = writer.public
    return {"device": writer.device, "role": role, "scheme": Scheme.RAW, "x": x, "y": y}
