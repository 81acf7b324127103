"""A day's open data from the chain alone, sharing no code with ours: open_data.py DAY TRUST RPC_URL > lifts.csv

Only what Python brings. It believes the logs that the node returns; `huanlian audit` checks every seal as well.
The layout of entries is ../spec/entries.md, that of the table ../open-data.md.
"""

from __future__ import annotations

import datetime
import hashlib
import json
import sys
import urllib.request

# keccak256 of SegmentRecorded(uint64,uint40,bytes32,bytes32,bytes32,bytes32,bytes32,bytes,bytes,bytes)
SEGMENT_RECORDED = "0x54e39a67c1b137679eca4da75ea641b4b711f8d8b26005384c15e312776332e2"
COLUMNS = "organisation,bin,stream,occurred_date,lifts,grams,lots,mixed,not_applied"
STREAMS = {1: "recyclable", 2: "hazardous", 3: "food", 4: "residual"}
LIFT, LOAD = 1, 2
APPLIED, MIXED = 1, 1
SHANGHAI_SECONDS, DAY_SECONDS = 8 * 3600, 86_400
BLOCKS_A_QUESTION = 2_000


def ask(url, *calls):
    """Return the answers of a node to several questions."""
    body = [{"jsonrpc": "2.0", "id": n, "method": m, "params": list(p)} for n, (m, *p) in enumerate(calls)]
    request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        answers = sorted(json.load(answer), key=lambda one: one["id"])
    for one in answers:
        if "error" in one:
            sys.exit(f"the node says no: {one['error']['message']}")
    return [one["result"] for one in answers]


def segments(url, ledger):
    """Yield (block time, device, words, outcomes) of every segment on the ledger, in order."""
    (head,) = ask(url, ("eth_blockNumber",))
    for first in range(0, int(head, 16) + 1, BLOCKS_A_QUESTION):
        asked = {
            "address": ledger,
            "topics": [SEGMENT_RECORDED],
            "fromBlock": hex(first),
            "toBlock": hex(min(first + BLOCKS_A_QUESTION - 1, int(head, 16))),
        }
        (logs,) = ask(url, ("eth_getLogs", asked))
        logs.sort(key=lambda log: (int(log["blockNumber"], 16), int(log["logIndex"], 16)))
        times = {}
        for number in dict.fromkeys(log["blockNumber"] for log in logs):
            (block,) = ask(url, ("eth_getBlockByNumber", number, False))
            times[number] = int(block["timestamp"], 16)
        for log in logs:
            data = bytes.fromhex(log["data"][2:])
            # head, x, y, r, s, then the places of words, outcomes and assertion
            words, outcomes = (tail(data, place) for place in (5, 6))
            yield times[log["blockNumber"]], int(log["topics"][1], 16), words, outcomes


def tail(data, place):
    """Return the bytes whose place in the data stands in this word of it."""
    start = int.from_bytes(data[32 * place : 32 * place + 32], "big")
    size = int.from_bytes(data[start : start + 32], "big")
    return data[start + 32 : start + 32 + size]


def entries(words):
    """Yield each entry: a lift is one word, any other says how many it has."""
    at = 0
    while at < len(words):
        end = at + 32 * (1 if words[at] == LIFT else words[at + 1])
        yield words[at:end]
        at = end


def day_number(seconds):
    """Return the day in Shanghai as a number from 1970 on."""
    return (seconds + SHANGHAI_SECONDS) // DAY_SECONDS


def date_text(seconds):
    """Return the date in Shanghai, or nothing for a year beyond 9999."""
    ordinal = datetime.date(1970, 1, 1).toordinal() + day_number(seconds)
    return datetime.date.fromordinal(ordinal).isoformat() if ordinal <= datetime.date.max.toordinal() else ""


def table_of(day, url, ledger):
    """Return the rows of a day: key → [lifts, grams, lots, mixed, not applied]."""
    wanted = datetime.date.fromisoformat(day).toordinal() - datetime.date(1970, 1, 1).toordinal()
    rows, open_lot = {}, {}
    for time, device, words, outcomes in segments(url, ledger):
        for entry, answer in zip(entries(words), outcomes, strict=True):
            is_applied = answer & 0xF == APPLIED
            if entry[0] == LOAD and is_applied:
                open_lot[device] = entry[9:21]
            if entry[0] != LIFT or day_number(time) != wanted:
                continue
            stream = STREAMS.get(entry[6] >> 4, "unknown")
            occurred = date_text(int.from_bytes(entry[8:13], "big"))
            row = rows.setdefault((f"{device >> 40:06x}", entry[1:6].hex(), stream, occurred), [0, 0, set(), 0, 0])
            if not is_applied:
                row[4] += 1
                continue
            row[0] += 1
            row[1] += int.from_bytes(entry[13:17], "big")
            row[2].add(open_lot[device])
            row[3] += answer >> 4 == MIXED
    return rows


def main():
    """Write the CSV to standard output, and its digest to standard error."""
    if len(sys.argv) != 4:
        sys.exit("usage: open_data.py DAY TRUST RPC_URL > lifts.csv")
    day, trust_path, url = sys.argv[1:]
    try:
        datetime.date.fromisoformat(day)
        with open(trust_path, encoding="utf-8") as file:
            trust = json.load(file)
        (genesis,) = ask(url, ("eth_getBlockByNumber", "0x0", False))
    except (OSError, ValueError) as error:
        sys.exit(str(error))
    if genesis["hash"] != trust["genesis_hash"]:
        sys.exit("this node serves another chain than the trust file names")
    lines = [COLUMNS]
    for key, (lifts, grams, lots, mixed, not_applied) in sorted(table_of(day, url, trust["ledger"]).items()):
        lines.append(",".join([*key, *map(str, (lifts, grams, len(lots), mixed, not_applied))]))
    content = "".join(line + "\n" for line in lines).encode()
    sys.stdout.buffer.write(content)
    print(f"sha256 {hashlib.sha256(content).hexdigest()}", file=sys.stderr)


if __name__ == "__main__":
    main()
