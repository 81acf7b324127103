"""Which stream the lot had that was open at a head: a head stands for everything before it."""

from __future__ import annotations

import threading
from collections import OrderedDict

from backend.domain.journal import read_entry, split_entries
from backend.domain.layout import WORD_BYTES, Kind


def last_load(words: bytes) -> int | None:
    """Return the stream of the last load among these entries; None where there is no load."""
    if Kind.LOAD not in words[::WORD_BYTES]:
        return None
    for entry in reversed(split_entries(words)):
        if entry[0] == Kind.LOAD:
            return read_entry(entry).fields.get("stream")
    return None


class LotStreams:
    """Remembers the streams at the newest heads, so that no upload reads its whole journal again."""

    def __init__(self, heads_max: int) -> None:
        self._heads_max = heads_max
        self._streams: OrderedDict[bytes, int | None] = OrderedDict()
        self._lock = threading.Lock()

    def __contains__(self, head: bytes) -> bool:
        return head in self._streams

    def get(self, head: bytes) -> int | None:
        """Return the stream at a head; None where no lot was open, or nothing is known."""
        return self._streams.get(head)

    def put(self, head: bytes, stream: int | None) -> None:
        """Remember the stream at a head; the oldest is forgotten."""
        with self._lock:
            self._streams[head] = stream
            while len(self._streams) > self._heads_max:
                self._streams.popitem(last=False)
