"""Where the books that somebody serves differ from those that the chain alone gives."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TypeVar

from backend.domain.types import bin_text
from backend.usecases.audit_faults import Fault, FaultKind, Value
from backend.usecases.audit_ledger import DeviceLine, LotLine
from backend.usecases.views import StreamTotals

V = TypeVar("V")


def compare_lots(chain: Mapping[str, LotLine], served: Mapping[str, LotLine]) -> list[Fault]:
    """Return where lots differ: holder, grams, lifts, stream, status."""
    return _compare(FaultKind.SERVED_LOT, chain, served, _lot, lambda lot: {"subject": f"lot {lot}"})


def compare_devices(chain: Mapping[str, DeviceLine], served: Mapping[str, DeviceLine]) -> list[Fault]:
    """Return where the ends of journals differ. A device that has recorded nothing need not be known to both."""
    ours, theirs = ({key: line for key, line in lines.items() if line[0] > 0} for lines in (chain, served))
    return _compare(FaultKind.SERVED_DEVICE, ours, theirs, lambda line: {"seq": line[0], "head": line[1]}, _device)


def compare_journals(chain: Mapping[str, str], served: Mapping[str, str]) -> list[Fault]:
    """Return whose recorded entries and outcomes are served otherwise than they are on the chain, by digest."""
    return _compare(FaultKind.SERVED_JOURNAL, chain, served, lambda digest: {"records": digest}, _device)


def compare_totals(chain: Iterable[StreamTotals], served: Iterable[StreamTotals]) -> list[Fault]:
    """Return the streams whose sums differ."""
    ours, theirs = ({str(int(t.stream)): t for t in totals} for totals in (chain, served))
    return _compare(FaultKind.SERVED_TOTALS, ours, theirs, _sums, lambda stream: {"subject": f"stream {stream}"})


def compare_bins(chain: Iterable[tuple[int, int]], served: Iterable[tuple[int, int]]) -> Iterator[Fault]:
    """Yield the bins of which the books find another number of lifts. Both come in order of the bins' numbers."""
    ours, theirs = iter(chain), iter(served)
    our, their = next(ours, None), next(theirs, None)
    while our is not None or their is not None:
        number = min(line[0] for line in (our, their) if line is not None)
        expected = our[1] if our is not None and our[0] == number else 0
        found = their[1] if their is not None and their[0] == number else 0
        if expected != found:
            subject = f"bin {bin_text(number)}"
            yield Fault(FaultKind.SERVED_BIN, {"lifts": expected}, {"lifts": found}, subject=subject)
        our = next(ours, None) if our is not None and our[0] == number else our
        their = next(theirs, None) if their is not None and their[0] == number else their


def _lot(line: LotLine) -> Value:
    return dict(zip(("holder", "grams", "lifts", "stream", "status"), line, strict=True))


def _sums(t: StreamTotals) -> Value:
    return {name: str(getattr(t, name)) for name in ("lifted", "gained", "held", "out", "lost")}


def _device(device: str) -> dict[str, Any]:
    return {"device": int(device, 16)}


def _compare(
    kind: FaultKind,
    chain: Mapping[str, V],
    served: Mapping[str, V],
    value: Callable[[V], Value],
    about: Callable[[str], dict[str, Any]],
) -> list[Fault]:
    faults = []
    for key in sorted(chain.keys() | served.keys()):
        ours, theirs = chain.get(key), served.get(key)
        if ours != theirs:
            expected, found = (None if line is None else value(line) for line in (ours, theirs))
            faults.append(Fault(kind, expected, found, **about(key)))
    return faults
