"""What a request may use."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Annotated, Literal

from fastapi import Depends, Request

from backend.api.pressure import Pressure
from backend.chain.deploy import Deployment
from backend.domain.case_rules import CaseRule
from backend.domain.complaint_rules import ComplaintRules
from backend.domain.inspection import BlockHash
from backend.domain.journal import Network
from backend.domain.radar.thresholds import Threshold
from backend.exchange.case_rules_file import load_case_rules
from backend.exchange.complaint_rules_file import load_complaint_rules
from backend.exchange.threshold_file import load_thresholds
from backend.exchange.tolerance_file import Tolerances, load_tolerances
from backend.metrics import Metrics
from backend.store.books import BooksStore
from backend.store.bulk_intake import Intakes
from backend.store.continuity import stale_after
from backend.store.open_data import OpenData
from backend.store.session import Database
from backend.usecases.accept_uploads import FrontDesk
from backend.usecases.prove_entry import ChainProofs

UPLOADS_MAX = 64
"""Uploads kept at a time unless told otherwise: more than its threads and one disk can serve in a second."""


def wall_clock() -> int:
    """Return this machine's time in Unix seconds."""
    return int(time.time())


@dataclass(frozen=True)
class Services:
    """The parts behind the API; `now` is the server's clock in Unix seconds."""

    database: Database
    books: BooksStore
    network: Network
    deployment: Deployment
    finality: Literal["tag"] | int
    public_base_url: str
    phone_nodes: tuple[str, ...] = field(default=(), kw_only=True)
    """RPC endpoints that a phone may ask of a block, besides this server."""
    chain_is_reachable: Callable[[], bool]
    now: Callable[[], int] = field(default=wall_clock)
    tolerances: Tolerances = field(default_factory=load_tolerances)
    thresholds: tuple[Threshold, ...] = field(default_factory=load_thresholds)
    chain_head: Callable[[], int | None] = field(default=lambda: None)
    metrics: Metrics = field(default_factory=Metrics)
    pressure: Pressure = field(default_factory=lambda: Pressure(UPLOADS_MAX))
    proofs: ChainProofs | None = None
    stale_seconds: int = stale_after(5.0)
    """How old a server's last sign of life may be before it counts as down."""
    complaint_rules: tuple[ComplaintRules, ...] = field(default_factory=load_complaint_rules)
    case_rules: tuple[CaseRule, ...] = field(default_factory=load_case_rules)
    hotline_key: str = ""
    """What the 12345 hotline shows when it calls; empty: there is none."""
    block_hash: BlockHash = field(default=lambda _: None)
    """The hash of a block as the node has it; None while it does not answer, or has no such block."""
    desk: FrontDesk = field(init=False)
    open_data: OpenData = field(init=False)

    def __post_init__(self) -> None:
        """One desk for all requests, so that those that wait at the same time share a transaction.

        One reader of open data as well, for the days that it keeps.
        """
        desk = FrontDesk(Intakes(self.database), self.network, self.now)
        object.__setattr__(self, "desk", desk)
        object.__setattr__(self, "open_data", OpenData(self.network))


def services_of(request: Request) -> Services:
    """Return the application's services."""
    services: Services = request.app.state.services
    return services


UseServices = Annotated[Services, Depends(services_of)]
