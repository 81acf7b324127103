"""An audit's report as lines for a terminal or a text file."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from backend.cli.audit_words import Words
from backend.console.formats import instant

_FAULTS_SHOWN = 100


def summary_lines(report: Mapping[str, Any], words: Words) -> Iterator[str]:
    """Yield what was checked and what it comes to, without the faults."""
    chain, compared, outcomes = report["chain"], report["compared"], report["outcomes"]
    first, last = chain["first_block"], chain["last_block"]
    yield words("counted", **report["counted"])
    yield words(
        "range",
        ledger=chain["ledger"],
        chain_id=chain["chain_id"],
        first=first["number"],
        last=last["number"],
        time=instant(last["time"]),
    )
    yield words("seals_checked", **{"raw": 0, "webauthn": 0, **report["seals"]})
    yield words("outcomes", list=words.counts("outcome", outcomes["recorded"]))
    for name in ("settled", "transcribed"):
        if outcomes[name]:
            yield words(name, list=words.counts("outcome", outcomes[name]))
    if report["refused"]:
        yield words("refused", list=words.counts("refusal", report["refused"]))
    for line in report["totals"]:
        sign = "=" if line["is_conserved"] else "!="
        yield words("balance", **{**line, "sign": sign, "stream": words(f"stream.{line['stream']}")})
    yield from compared_lines(compared, words)
    yield words("digest", digest=report["custody_digest"])


def compared_lines(compared: Mapping[str, Any], words: Words, number: Callable[[int], str] = str) -> Iterator[str]:
    """Yield what was held against the chain beside itself, and what was not."""
    for name, key in (("ledger_state", "compared.state"), ("books", "compared.books")):
        counts = compared[name]
        if counts is None:
            yield words(f"{key}.no")
        else:
            yield words(key, **{of: number(count) for of, count in counts.items()})
    yield from (words("compared.source", line=line) for line in compared["source"] or ())


def fault_lines(report: Mapping[str, Any], words: Words, *, most: int = _FAULTS_SHOWN) -> Iterator[str]:
    """Yield a line a fault, and how many more there are."""
    for fault in report["faults"][:most]:
        yield words("fault", line=words.fault(fault))
    more = report["faults_found"] - min(most, len(report["faults"]))
    if more > 0:
        yield words("more_faults", count=more)


def text_report(report: Mapping[str, Any], words: Words) -> str:
    """Return the whole report as text."""
    lines = [words("title"), "", *summary_lines(report, words), words("software", **report["software"]), ""]
    lines += [*fault_lines(report, words, most=len(report["faults"])), words.count(report["faults_found"])]
    return "\n".join(lines) + "\n"
