"""`scripts/bench [--report] [FIGURE ...]`: one JSON line a figure.

With `--report` they are written down, too, in docs/reports, beside what they are to come to.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

from bench.bench_report import write_report
from bench.figure import Figure
from bench.figures import accept, audit, gas, index, pages, pipeline, proofs, trace
from bench.figures.lifts import mine_lifts_per_s, seal_lifts_per_s
from bench.goals import Measured

FIGURES: dict[str, Callable[[], Figure]] = {
    **{f"gas_per_lift_{count}": gas.gas_per_lift(count) for count in (1, 10, 100, 250, 500)},
    "gas_per_lift_80": gas.gas_per_lift_80,
    "gas_per_handoff_alone": gas.gas_per_handoff_alone,
    "gas_per_handoff_batch50": gas.gas_per_handoff_batch50,
    "gas_per_handoff_pair50": gas.gas_per_handoff_pair50,
    "gas_per_handoff_naive": gas.gas_per_handoff_naive,
    "gas_per_weigh_ticket": gas.gas_per_weigh_ticket,
    "lifts_per_block_30m": gas.lifts_per_block_30m,
    "seal_lifts_per_s": seal_lifts_per_s,
    "mine_lifts_per_s": mine_lifts_per_s,
    "accept_lifts_per_s": accept.accept_lifts_per_s("accept_lifts_per_s"),
    "accept_json_lifts_per_s": accept.accept_lifts_per_s("accept_json_lifts_per_s", as_json=True),
    "accept_50_lifts_per_s": accept.accept_lifts_per_s("accept_50_lifts_per_s", lifts_a_segment=50),
    "accept_one_lifts_per_s": accept.accept_lifts_per_s("accept_one_lifts_per_s", is_many=False),
    "accept_one_json_lifts_per_s": accept.accept_lifts_per_s(
        "accept_one_json_lifts_per_s", is_many=False, as_json=True
    ),
    "peak_accept_p95_ms": accept.peak_accept_p95_ms("peak_accept_p95_ms", minutes=1),
    "storm_p95_s": accept.storm_p95_s("storm_p95_s", 10.0),
    "storm_at_once_p95_s": accept.storm_p95_s("storm_at_once_p95_s", 0.0),
    "pipeline_lifts_per_s": pipeline.pipeline_lifts_per_s("pipeline_lifts_per_s", lifts=200_000, runs=3),
    "city_day_seconds": pipeline.city_day_seconds,
    "scan_to_books_p95_s": pipeline.scan_to_books_p95_s("scan_to_books_p95_s", minutes=1),
    "download_lifts_per_s": index.download_lifts_per_s,
    **{f"index_{name}_lifts_per_s": index.index_lifts_per_s(name) for name in ("sqlite", "postgres")},
    **{f"index_{name}_peak_mb": index.index_peak_mb(name) for name in ("sqlite", "postgres")},
    "index_over_download": index.index_over_download,
    "index_over_web3": index.index_over_web3,
    "index_over_ponder": index.index_over_ponder,
    "index_over_best_peer": index.index_over_best_peer,
    "index_10m_over_1m": index.index_10m_over_1m,
    "audit_seconds_1m": audit.audit_seconds("audit_seconds_1m"),
    "audit_50_seconds_1m": audit.audit_seconds("audit_50_seconds_1m", lifts_a_segment=50),
    **{f"trace_p95_ms_{name}": trace.trace_p95_ms(name) for name in ("sqlite", "postgres")},
    "pages_p95_ms_sqlite": pages.pages_p95_ms("pages_p95_ms_sqlite", lifts=1_000_000),
    "verify_valid_10k": proofs.verify_valid_10k,
    "verify_invalid_1k": proofs.verify_invalid_1k,
    "verify_bundles_per_s": proofs.verify_bundles_per_s,
    "lift_bundle_max_kb": proofs.lift_bundle_max_kb,
}

LONG_FIGURES: dict[str, Callable[[], Figure]] = {
    "pipeline_2m_lifts_per_s": pipeline.pipeline_lifts_per_s("pipeline_2m_lifts_per_s", lifts=2_000_000, runs=1),
    "scan_to_books_10min_p95_s": pipeline.scan_to_books_p95_s("scan_to_books_10min_p95_s", minutes=10),
    "pages_10m_p95_ms_sqlite": pages.pages_p95_ms("pages_10m_p95_ms_sqlite", lifts=10_000_000),
    "peak_accept_10min_p95_ms": accept.peak_accept_p95_ms("peak_accept_10min_p95_ms", minutes=10),
}
"""The same at full length: measured only when named."""


def main() -> int:
    """Measure all figures but the long ones, or the named ones."""
    asked = sys.argv[1:]
    reports = "--report" in asked
    wanted = [name for name in asked if name != "--report"] or list(FIGURES)
    known = FIGURES | LONG_FIGURES
    unknown = [name for name in wanted if name not in known]
    if unknown:
        print(f"no such figure: {', '.join(unknown)}; there are: {', '.join(known)}", file=sys.stderr)
        return 2
    measured = []
    for name in wanted:
        before = os.getloadavg()[0]
        figure = known[name]()
        measured.append(Measured(figure, before, os.getloadavg()[0]))
        print(figure.line(), flush=True)
    if reports:
        print(write_report(measured), file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
