"""What the pages need of the rest of the system."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from backend.demo.parks import ParkRecord, load_parks
from backend.domain.case_rules import CaseRule
from backend.domain.complaint_rules import ComplaintRules
from backend.domain.inspection import BlockHash
from backend.domain.radar.thresholds import Threshold
from backend.exchange.case_rules_file import load_case_rules
from backend.exchange.complaint_rules_file import load_complaint_rules
from backend.exchange.map_layers_file import MapLayer
from backend.exchange.oidc import OidcProvider
from backend.exchange.threshold_file import load_thresholds
from backend.exchange.tolerance_file import Tolerances, load_tolerances
from backend.store.reading import Reader
from backend.store.slots import BookState
from backend.usecases.continuity import Continuity, Period
from backend.usecases.open_data import DayLine, OpenDataDay
from backend.usecases.views import VerificationReport


def _wall_clock() -> int:
    return int(time.time())


@dataclass(frozen=True)
class ConsoleDeps:
    """The parts behind the pages.

    `read()` opens one reading transaction. `state()` returns a state of this caller's own: totals attach it
    to their transaction, so it must never be the one that the books fold with. `verify_entry` runs the
    verifier; None means that the entry is not on the ledger yet. `continuity` reads the record of outages,
    `open_days` and `open_day` the open data (ValueError for what is no date).
    `app_dist` is the folder with the built phone application. `trust` is this deployment's trust file. `now` is
    the server's clock in Unix seconds: deadlines are judged by it. `write()` opens one writing transaction;
    without it complaints cannot be made and nobody can sign in. `identity_provider` signs people in beside their
    passkeys. `tells_hotline` says whether complaints are passed on to 12345.
    `block_hash` is the node's, None while it does not answer. `parks` are
    those that public sources tell of. `map_layers` are other services' layers for the city's map.
    """

    read: Callable[[], AbstractContextManager[Reader]]
    state: Callable[[], BookState]
    base_url: str
    is_demo: bool
    verify_entry: Callable[[str, int], VerificationReport | None]
    continuity: Callable[[Period], Continuity]
    open_days: Callable[[], Sequence[DayLine]]
    open_day: Callable[[str], OpenDataDay]
    app_dist: Path
    now: Callable[[], int] = field(default=_wall_clock)
    tolerances: Tolerances = field(default_factory=load_tolerances)
    thresholds: tuple[Threshold, ...] = field(default_factory=load_thresholds)
    trust: Callable[[], Mapping[str, Any]] = field(default=dict)
    write: Callable[[], AbstractContextManager[Connection]] | None = None
    complaint_rules: tuple[ComplaintRules, ...] = field(default_factory=load_complaint_rules)
    tells_hotline: bool = False
    identity_provider: OidcProvider | None = None
    case_rules: tuple[CaseRule, ...] = field(default_factory=load_case_rules)
    block_hash: BlockHash = field(default=lambda _: None)
    parks: tuple[ParkRecord, ...] = field(default_factory=load_parks)
    map_layers: tuple[MapLayer, ...] = ()
