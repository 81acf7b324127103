"""What a person sees when a command cannot do its work."""

from __future__ import annotations

import os
import sys
import traceback

from sqlalchemy.exc import SQLAlchemyError

from backend.chain.build import CompilerFailed
from backend.chain.client import RpcError, RpcUnavailable, WrongChain
from backend.chain.contract_errors import ContractError
from backend.chain.deploy import DeploymentMismatch
from backend.domain.errors import DomainError

_EXPECTED = (
    DomainError,
    RpcUnavailable,
    RpcError,
    WrongChain,
    ContractError,
    DeploymentMismatch,
    CompilerFailed,
    OSError,
    TimeoutError,
    SQLAlchemyError,
    ValueError,
)


def one_line_and_exit(error: BaseException) -> int:
    """Say on one line what went wrong; return the exit status. A bug also shows where it is."""
    first = str(error).strip().splitlines()
    print(f"huanlian: {type(error).__name__}: {first[0] if first else ''}", file=sys.stderr)
    if not isinstance(error, _EXPECTED) or os.environ.get("HUANLIAN_TRACEBACK"):
        traceback.print_exception(error)
        return 70
    return 1
