"""How much of a processor a page and its worker used between two marks; other work changes that little."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

CATEGORIES = ("toplevel", "blink.user_timing", "__metadata")
"""What a trace must hold."""
_WORKER = "DedicatedWorker thread"
_TASK = "ThreadControllerImpl::RunTask"


@dataclass(frozen=True)
class Spent:
    """Milliseconds of a processor."""

    page: float
    worker: float

    @property
    def both(self) -> float:
        return self.page + self.worker


def spent_between(trace: bytes, spans: Sequence[tuple[str, str]]) -> list[Spent]:
    """Return for each span, from the last mark of its first name before its second, what tasks in it cost.

    A task that reaches over either end counts as a whole.
    """
    events = json.loads(trace)["traceEvents"]
    marks = [event for event in events if event.get("cat") == "blink.user_timing" and event["ph"] in "IR"]
    ends = {name for span in spans for name in span}
    ours = next(mark for mark in marks if mark["name"] in ends)
    page = (ours["pid"], ours["tid"])
    workers = {
        (event["pid"], event["tid"])
        for event in events
        if event["name"] == "thread_name" and event["pid"] == page[0] and event["args"]["name"] == _WORKER
    }
    tasks = [event for event in events if event["name"] == _TASK and event["ph"] == "X" and "tdur" in event]
    found = []
    for begin, end in _spans(marks, spans):
        within = [task for task in tasks if task["ts"] < end and task["ts"] + task["dur"] > begin]
        costs = [
            sum(task["tdur"] for task in within if (task["pid"], task["tid"]) in threads) / 1000
            for threads in ({page}, workers)
        ]
        found.append(Spent(*costs))
    return found


def _spans(marks: list[dict[str, object]], spans: Sequence[tuple[str, str]]) -> Iterator[tuple[int, int]]:
    for first, last in spans:
        end = max(int(str(mark["ts"])) for mark in marks if mark["name"] == last)
        yield (
            max(int(str(mark["ts"])) for mark in marks if mark["name"] == first and int(str(mark["ts"])) < end),
            end,
        )
