"""What a request may use."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Annotated

from fastapi import Depends, Request

from backend.chain.deploy import Deployment
from backend.domain.journal import Network
from backend.store.books import BooksStore
from backend.store.session import Database


def _wall_clock() -> int:
    return int(time.time())


@dataclass(frozen=True)
class Services:
    """The parts behind the API; `now` is the server's clock in Unix seconds."""

    database: Database
    books: BooksStore
    network: Network
    deployment: Deployment
    finality_depth: int
    public_base_url: str
    chain_is_reachable: Callable[[], bool]
    now: Callable[[], int] = field(default=_wall_clock)


def services_of(request: Request) -> Services:
    """Return the application's services."""
    services: Services = request.app.state.services
    return services


UseServices = Annotated[Services, Depends(services_of)]
