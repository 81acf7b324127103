"""What is ready to be settled is asked for until a call has run, and not twice at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, cast

import pytest

from backend.chain.client import RpcUnavailable
from backend.chain.relayer import Failed, Included, Report, Room, Sender
from backend.domain.custody_state import QueueKey
from backend.jobs.relay import Relay
from backend.metrics import Metrics
from backend.usecases.outgoing import StoredTx

KEY: QueueKey = (1, 2)
SENT = StoredTx(7, b"", bytes(32), settles=KEY)


@dataclass
class Node:
    """A sender whose node can be away, and which is told what became of its calls."""

    is_away: bool = False
    breaks_off: bool = False
    became: list[Report] = field(default_factory=list)
    settled: list[QueueKey] = field(default_factory=list)
    problems: tuple[str, ...] = ()

    def reports(self) -> Iterator[list[Report]]:
        became, self.became = self.became, []
        yield became
        if self.breaks_off:
            raise RpcUnavailable("away since")

    def room(self) -> Room:
        return Room(0, frozenset())

    def settle(self, *key: int) -> None:
        if self.is_away:
            raise RpcUnavailable("away")
        self.settled.append(cast(QueueKey, key))


def nothing(*_: object) -> list[Any]:
    return []


def relay_to(node: Node) -> Relay:
    outbox = SimpleNamespace(
        queued=nothing, mark_recorded=nothing, mark_queued=nothing, mark_refused=nothing, mark_sent=nothing
    )
    books = SimpleNamespace(ready_queues=lambda: [KEY])
    lease: Any = SimpleNamespace(term=1)
    return Relay(cast(Sender, node), cast(Any, outbox), cast(Any, books), lease, Metrics())


class TestSettling:
    def test_is_asked_for_once_while_a_call_is_under_way(self) -> None:
        node = Node()
        relay = relay_to(node)
        relay.run_once()
        relay.run_once()
        assert node.settled == [KEY]

    def test_is_asked_for_again_when_the_node_was_away(self) -> None:
        node = Node(is_away=True)
        relay = relay_to(node)
        relay.run_once()
        node.is_away = False
        relay.run_once()
        assert node.settled == [KEY]

    @pytest.mark.parametrize("became", [Included(SENT, 1, bytes(32), (), ()), Failed(SENT, "its nonce was used")])
    def test_is_asked_for_again_when_a_call_has_run_or_never_will(self, became: Report) -> None:
        node = Node()
        relay = relay_to(node)
        relay.run_once()
        node.became = [became]
        relay.run_once()
        assert node.settled == [KEY, KEY]

    def test_is_asked_for_again_though_the_node_went_away_after_the_call_had_run(self) -> None:
        node = Node()
        relay = relay_to(node)
        relay.run_once()
        node.became, node.breaks_off = [Included(SENT, 1, bytes(32), (), ())], True
        relay.run_once()
        node.breaks_off = False
        relay.run_once()
        assert node.settled == [KEY, KEY]
