"""Three indicators of a day or a month, computed from the chain by a stranger. Python's standard library only.

    python3 indicators.py 2026-03-01 --rpc URL --trust trust.json      of a day
    python3 indicators.py 2026-03    --rpc URL --trust trust.json      of a month
    python3 indicators.py 2026-03 ... --block 1234                     as it was known at a block

Recovery and closure of the city and of each organisation, coverage of the city and of each street: numerators and
denominators as /api/v1/indicators gives them, in whole grams and bins. It believes the node about its blocks after
comparing chain and genesis with the trust file, and shares no code with the server. Formulas: ../indicators.md;
how grams move: ../spec/mass-balance.md. Exit status: 0, or 1 when nothing can be computed.
"""

import argparse
import json
import sys
import urllib.request
from calendar import monthrange
from datetime import date

# keccak256 of the ledger's events and of that of the bins' registry; the first 4 bytes of that of lotOf(uint96).
RECORDED = "0x54e39a67c1b137679eca4da75ea641b4b711f8d8b26005384c15e312776332e2"
SETTLED = "0x1d94dbabcae76433524ba09648597e15ad3edd449e6c600db7d587bb5b386347"
TRANSCRIBED_EVENT = "0x0604acbf4a64a3648832a4c0270e664aa860668a3b716c353170cc8f6f73d94c"
PLACED = "0xd8511ee2851d6ad651d35bc259302968613fc9bc4a52de0c441eb4f876aab5f0"
LOT_OF = "0x35dd7f84"
LIFT, LOAD, GIVE, TAKE, MERGE, SPLIT, TRANSFORM, REFUSE, REDIRECT, CLOSE = 1, 2, 3, 4, 7, 8, 9, 10, 11, 12
TRANSCRIBED, SITE = 37, 40
APPLIED, PROMISED = 1, 6
ESTIMATED, WEIGHED = 1, 3
IN = ("lifted", "taken", "unattested", "moved_in", "gained")
OUT = ("given", "moved_out", "product", "residue", "energy", "loss")
FATES = {1: "product", 2: "residue", 3: "loss", 4: "energy"}
BLOCKS_A_CALL, CALLS_AT_ONCE, DAY, SHANGHAI = 500, 200, 86_400, 8 * 3600


class Unusable(Exception):
    """There is nothing to compute from."""


# --- the chain ---


class Node:
    def __init__(self, url):
        self.url = url

    def call(self, *calls):
        """Answer (method, params...) calls, in their order, in one request."""
        body = [{"jsonrpc": "2.0", "id": n, "method": c[0], "params": list(c[1:])} for n, c in enumerate(calls)]
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(self.url, json.dumps(body).encode(), headers)
        try:
            with urllib.request.urlopen(request, timeout=120) as answer:
                found = {one["id"]: one for one in json.load(answer)}
        except (OSError, ValueError) as error:
            raise Unusable(f"the node does not answer: {error}") from error
        for one in found.values():
            if "error" in one:
                raise Unusable(f"the node refuses: {one['error'].get('message')}")
        return [found[n]["result"] for n in range(len(calls))]


def facts_of_chain(url, trust, block=None):
    """Yield all that the ledger applied, in its order, as plain dictionaries; then what its slots hold."""
    node = Node(url)
    chain_id, genesis, head = node.call(
        ("eth_chainId",), ("eth_getBlockByNumber", "0x0", False), ("eth_blockNumber",)
    )
    if int(chain_id, 16) != trust["chain_id"] or genesis["hash"] != trust["genesis_hash"]:
        raise Unusable("this is not the chain of the trust file")
    head = head if block is None else hex(block)
    lots = {}
    for fact in applied(node, trust, int(head, 16)):
        if "lot" in fact:
            lots[fact["lot"]] = True
        yield fact
    known = list(lots)
    for start in range(0, len(known), CALLS_AT_ONCE):
        some = known[start : start + CALLS_AT_ONCE]
        calls = [{"to": trust["ledger"], "data": LOT_OF + f"{lot:064x}"} for lot in some]
        for lot, slot in zip(some, node.call(*(("eth_call", call, head) for call in calls)), strict=True):
            slot = bytes.fromhex(slot[2:])
            holder, grams, _, stream, status = (number_at(slot, word) for word in range(5))
            if status != PROMISED:
                yield {"kind": "slot", "lot": lot, "holder": holder, "grams": grams, "stream": stream}


def applied(node, trust, head):
    """Yield what the ledger applied, and the steps that it settled later, in its order."""
    waiting, desks = {}, {}
    for first in range(0, head + 1, BLOCKS_A_CALL):
        last = min(first + BLOCKS_A_CALL - 1, head)
        asked = {"address": trust["ledger"], "fromBlock": hex(first), "toBlock": hex(last)}
        (logs,) = node.call(("eth_getLogs", {**asked, "topics": [[RECORDED, SETTLED, TRANSCRIBED_EVENT]]}))
        blocks = sorted({log["blockNumber"] for log in logs})
        headers = node.call(*(("eth_getBlockByNumber", number, False) for number in blocks)) if blocks else []
        times = {number: int(block["timestamp"], 16) for number, block in zip(blocks, headers, strict=True)}
        freed, runs, tx = [], [], None
        for log in logs:
            time, topics, data = times[log["blockNumber"]], log["topics"], bytes.fromhex(log["data"][2:])
            if log["transactionHash"] != tx:
                yield from freed
                freed, runs, tx = [], [], log["transactionHash"]
            device, seq = int(topics[1], 16), int(topics[2], 16)
            if topics[0] == SETTLED:
                if number_at(data, 0) & 15 == APPLIED and (device, seq) in waiting:
                    freed.append({**waiting.pop((device, seq)), "time": time})
            elif topics[0] == TRANSCRIBED_EVENT:
                runs.append((device, seq, bytes_at(data, 0)))
            else:
                entries = segment(device, seq, bytes_at(data, 5), bytes_at(data, 6), time, desks, waiting, runs)
                yield from in_order(entries, freed)
                freed = []
        yield from freed


def number_at(data, word):
    return int.from_bytes(data[32 * word : 32 * word + 32], "big")


def bytes_at(data, word):
    start = number_at(data, word)
    return data[start + 32 : start + 32 + number_at(data[start:], 0)]


def segment(device, seq, words, outcomes, time, desks, waiting, runs):
    """Return what the ledger applied at once of a segment; steps that it deferred are kept in `waiting`."""
    facts, at = [], 0
    for position, outcome in enumerate(outcomes):
        size = 1 if words[at] == LIFT else words[at + 1]
        entry, at = words[at : at + 32 * size], at + 32 * size
        fact = read(device, seq, entry, time)
        seq += 1
        if fact is None:
            continue
        if outcome & 15 != APPLIED:
            waiting[device, seq - 1] = fact
            continue
        if fact["kind"] == LIFT:
            is_same_run = facts and facts[-1]["kind"] == LIFT and facts[-1]["next"] == position
            fact.update(lot=desks.get(device, 0), next=position + 1, run=facts[-1]["run"] if is_same_run else seq)
        elif fact["kind"] == LOAD:
            desks[device] = fact["lot"]
        elif fact["kind"] == TRANSCRIBED:
            of, first, said = runs.pop(0)
            facts += [
                {**one, "brought": True} for one in segment(of, first, entry[6 * 32 :], said, time, desks, {}, [])
            ]
            continue
        facts.append(fact)
    return facts


def bits(word, *sizes):
    """Cut a word into fields, highest bits first."""
    fields, left = [], 256
    for size in sizes:
        left -= size
        fields.append(word >> left & (1 << size) - 1)
    return fields


def read(device, seq, entry, time):
    """Return an entry's fields that move grams; None for any other kind. Layouts: ../spec/entries.md."""
    words = [int.from_bytes(entry[at : at + 32], "big") for at in range(0, len(entry), 32)]
    kind, _, _, at = bits(words[0], 8, 8, 16, 40)
    fact = {"device": device, "seq": seq, "kind": kind, "time": time, "at": at}
    lot, grams, give_seq = bits(words[0] & (1 << 184) - 1, 72, 96, 48, 40)[1:]
    if kind == LIFT:
        _, bin_number, stream, _, basis, _, at, grams = bits(words[0], 8, 40, 4, 4, 4, 4, 40, 32)
        return {**fact, "at": at, "bin": bin_number, "stream": stream, "basis": basis, "grams": grams}
    if kind == LOAD:
        _, lot, stream = bits(words[0], 72, 96, 8)
        return {**fact, "lot": lot, "stream": stream}
    if kind == GIVE:
        return {**fact, "lot": lot, "grams": grams}
    if kind == TAKE:
        giver, weigh_seq, stream = bits(words[1], 64, 40, 8)
        _, into = bits(words[3], 64, 96)
        _, _, site = bits(words[4], 64, 40, 64)
        taken = {"giver": giver, "give_seq": give_seq, "weigh_seq": weigh_seq, "stream": stream}
        return {**fact, "lot": lot, "grams": grams, "into": into, "site": site, **taken}
    if kind in (MERGE, SPLIT):
        into, stream = bits(words[1], 96, 8)
        return {**fact, "lot": lot, "grams": grams, "into": into, "stream": stream}
    if kind == TRANSFORM:
        outputs = bits(words[0], 72, 96, 48, 8)[3]
        site, loss, is_gain = bits(words[1], 64, 48, 8)
        made = [bits(word, 96, 48) for word in words[2 : 2 + outputs]]
        return {**fact, "lot": lot, "site": site, "loss": loss, "is_gain": is_gain, "made": made}
    if kind == REFUSE:
        return {**fact, "lot": lot, "giver": bits(words[1], 64)[0], "give_seq": give_seq}
    if kind == REDIRECT:
        return {**fact, "lot": lot, "grams": grams, "give_seq": give_seq}
    if kind == CLOSE:
        fate, _, site = bits(words[1], 8, 16, 64)
        return {**fact, "lot": lot, "grams": grams, "fate": fate, "site": site}
    if kind == SITE:
        return {**fact, "site": bits(words[0], 72, 64)[1]}
    return fact if kind == TRANSCRIBED else None


def in_order(entries, freed):
    """Put each step that was set free behind the entry that it had waited for."""
    freed, ordered = list(freed), []
    for fact in entries:
        ordered.append(fact)
        for step in freed:
            if is_freed(fact, step):
                freed.remove(step)
                ordered.append(step)
                break
    return ordered + freed


def is_freed(fact, step):
    if fact["kind"] in (GIVE, REDIRECT):
        return (step.get("giver"), step.get("give_seq")) == (fact["device"], fact["seq"])
    is_answer = fact["kind"] in (TAKE, REFUSE)
    return is_answer and (fact["giver"], fact["lot"]) == (step["device"], step.get("lot"))


# --- the balance ---


def day_of(at):
    return (at + SHANGHAI) // DAY


def organisation_of(device):
    return device >> 40


class Balance:
    """Follows every lot's grams: where it is, and how its mass is known."""

    def __init__(self):
        self.lots, self.sites, self.moves, self.last = {}, {}, [], {}

    def place(self, organisation, named=0):
        if named and organisation_of(named) == organisation:
            return organisation, named
        known = self.sites.get(organisation, set())
        return organisation, (next(iter(known)) if len(known) == 1 else 0)

    def move(self, fact, lot, flow, grams=0, change=0, place=None, stream=0, basis=0, given=(0, 0)):
        """Note that an entry signs `grams` of a flow, and changes the lot by `change`."""
        held = self.lots.setdefault(
            lot, {"place": place, "stream": stream, "grams": 0, "offer": (0, 0), "basis": basis}
        )
        if place is not None:
            held["place"], held["stream"] = place, stream or held["stream"]
        if change > 0 and basis:
            held["basis"] = min(basis, held["basis"]) if held["grams"] else basis
        held["grams"] += change
        recorded = day_of(fact["time"])
        day = min(day_of(fact["at"]), recorded) if fact["at"] else recorded
        self.last[lot] = {"place": held["place"], "stream": held["stream"], "day": day, "recorded": recorded}
        self.last[lot].update(flow=flow, grams=grams, change=change, given=given[0], given_basis=given[1])
        self.last[lot].update(at=fact["at"], run=(fact["device"], fact.get("run", 0)))
        self.moves.append(self.last[lot])

    def in_hands(self, fact, lot, organisation, grams, stream=0):
        """Return a lot that must have been there; where the facts have it elsewhere, a receipt is missing."""
        held = self.lots.get(lot)
        if held is None or held["place"][0] != organisation:
            if held is not None:
                self.move(fact, lot, "missing", change=-held["grams"], place=held["place"])
            where = {"place": self.place(organisation), "stream": stream, "basis": ESTIMATED}
            self.move(fact, lot, "missing", change=grams, **where)
        return self.lots[lot]

    def at_named_site(self, fact, lot):
        held, named = self.lots[lot], fact["site"]
        to = self.place(organisation_of(fact["device"]), named)
        if named and to[1] == named and to != held["place"]:
            grams = held["grams"]
            self.move(fact, lot, "moved_out", grams, -grams)
            self.move(fact, lot, "moved_in", grams, grams, place=to, basis=held["basis"])
        return held

    def take_in(self, fact):
        by, lot = organisation_of(fact.get("device", 0)), fact.get("lot")
        kind, grams, stream = fact["kind"], fact.get("grams", 0), fact.get("stream", 0)
        if kind == SITE:
            self.sites.setdefault(organisation_of(fact["site"]), set()).add(fact["site"])
        elif kind == LIFT:
            where = {} if lot in self.lots else {"place": self.place(by), "stream": stream}
            self.move(fact, lot, "lifted", grams, grams, basis=fact["basis"], **where)
        elif kind == LOAD:
            if lot not in self.lots:
                self.move(fact, lot, "opened", place=self.place(by), stream=stream)
        elif kind in (GIVE, REDIRECT):
            held = self.in_hands(fact, lot, by, grams)
            declared = grams or held["grams"]
            if kind == REDIRECT:
                declared = held["offer"][1] if held["offer"][0] == fact["give_seq"] else held["grams"]
            self.move(fact, lot, "offered", declared)
            held["offer"] = (fact["seq"], declared)
        elif kind == TAKE:
            self.take(fact, by, lot, grams, stream)
        elif kind == MERGE:
            held = self.in_hands(fact, lot, by, grams, stream)
            self.merge(fact, held, lot, stream)
        elif kind == SPLIT:
            held = self.in_hands(fact, lot, by, grams, stream)
            self.move(fact, lot, "within", change=-grams)
            self.made(fact, fact["into"], grams, held)
        elif kind == TRANSFORM:
            self.transform(fact, by, lot)
        elif kind == CLOSE:
            self.in_hands(fact, lot, by, grams)
            held = self.at_named_site(fact, lot)
            self.move(fact, lot, FATES[fact["fate"]], grams or held["grams"], -held["grams"])

    def take(self, fact, by, lot, grams, stream):
        to, basis = self.place(by, fact["site"]), WEIGHED if fact["weigh_seq"] else ESTIMATED
        if fact["giver"] == 0:
            self.move(fact, lot, "unattested", grams, grams, place=to, stream=stream, basis=basis)
            return
        held = self.in_hands(fact, lot, organisation_of(fact["giver"]), grams, stream)
        stream = stream or held["stream"]
        left = min(held["grams"], grams) if fact["into"] else held["grams"]
        declared = held["offer"][1] if held["offer"][0] == fact["give_seq"] else 0
        given = (left, 0) if fact["into"] else (declared, held["basis"])
        self.move(fact, lot, "given", given[0], -left)
        where = {"place": to, "stream": stream, "basis": basis}
        self.move(fact, fact["into"] or lot, "taken", grams, grams, given=given, **where)

    def merge(self, fact, held, lot, stream):
        into, grams, basis = fact["into"], held["grams"], held["basis"]
        if into not in self.lots:
            self.move(fact, into, "opened", place=held["place"], stream=stream)
        if self.lots[into]["place"] == held["place"]:
            self.move(fact, lot, "within", change=-grams)
            self.move(fact, into, "within", change=grams, basis=basis)
        else:
            self.move(fact, lot, "moved_out", grams, -grams)
            self.move(fact, into, "moved_in", grams, grams, basis=basis)

    def transform(self, fact, by, lot):
        change = -fact["loss"] if fact["is_gain"] else fact["loss"]
        self.in_hands(fact, lot, by, sum(amount for _, amount in fact["made"]) + change)
        held = self.at_named_site(fact, lot)
        if change:
            self.move(fact, lot, "gained" if fact["is_gain"] else "loss", fact["loss"], -change)
        self.move(fact, lot, "within", change=-held["grams"])
        for made, amount in fact["made"]:
            self.made(fact, made, amount, held)

    def made(self, fact, lot, grams, source):
        """A part, or a product, lies where its source lay; nobody has weighed it yet."""
        where = {"place": source["place"], "stream": source["stream"], "basis": ESTIMATED}
        self.move(fact, lot, "within", change=grams, **where)

    def compare(self, slot):
        """Note where the ledger's own slot says otherwise of a lot than the facts do."""
        lot, held = slot["lot"], self.lots.get(slot["lot"])
        if held is None:
            return
        by = organisation_of(slot["holder"])
        here = held["place"] if held["place"][0] == by else (by, 0)
        is_same = (here, slot["stream"], slot["grams"]) == (held["place"], held["stream"], held["grams"])
        if not is_same and (held["grams"] or slot["grams"]):
            missing = {**self.last[lot], "flow": "missing", "grams": 0, "given": 0, "given_basis": 0}
            there = {"place": held["place"], "stream": held["stream"], "change": -held["grams"]}
            self.moves.append({**missing, **there})
            self.moves.append({**missing, "place": here, "stream": slot["stream"], "change": slot["grams"]})


# --- bins ---


def placements(url, trust, block):
    """Return the street of each bin, and the day from which it stands there."""
    node, found = Node(url), {}
    for first in range(0, block + 1, BLOCKS_A_CALL):
        last = min(first + BLOCKS_A_CALL - 1, block)
        asked = {
            "address": trust["bin_registry"],
            "fromBlock": hex(first),
            "toBlock": hex(last),
            "topics": [PLACED],
        }
        (logs,) = node.call(("eth_getLogs", asked))
        for log in logs:
            site, data = int(log["topics"][1], 16), bytes.fromhex(log["data"][2:])
            start = number_at(data, 0)
            for n in range(number_at(data[start:], 0)):
                number, digest, _, since = (number_at(data[start + 32 :], 4 * n + part) for part in range(4))
                # Of a number on two labels, the one with the lower digest counts.
                if number not in found or digest < found[number][0]:
                    found[number] = (digest, site, day_of(since))
    return {number: (site, day) for number, (_, site, day) in found.items()}


# --- the indicators ---


def closed_by(moves, first, last):
    """Return (input, product, explained, whole) by organisation: rows add up by place and stream."""
    rows = {}
    for move in moves:
        if move["day"] > last:
            continue
        row = rows.setdefault((move["place"], move["stream"]), {"opening": 0, "moves": []})
        if move["day"] < first:
            row["opening"] += move["change"]
        else:
            row["moves"].append(move)
    sums = {}
    for ((organisation, _), _), row in rows.items():
        opening, moves = row["opening"], row["moves"]
        signed = {flow: sum(m["grams"] for m in moves if m["flow"] == flow) for flow in (*IN, *OUT)}
        inward, outward = (sum(signed[flow] for flow in flows) for flows in (IN, OUT))
        error = opening + inward - outward - (opening + sum(m["change"] for m in moves))
        there = max(opening + inward, 0)
        mine = sums.setdefault(organisation, {"lifted": 0, "taken": 0, "product": 0, "explained": 0, "whole": 0})
        mine["lifted"] += signed["lifted"] + signed["unattested"]
        mine["taken"] += signed["taken"]
        mine["product"] += signed["product"]
        mine["explained"] += max(there - abs(error), 0)
        mine["whole"] += there
    return sums


def indicators(facts, bins, first, last):
    """Return (scope, key, indicator) → (numerator, denominator)."""
    balance, heard = Balance(), {}
    for fact in facts:
        if fact["kind"] == "slot":
            balance.compare(fact)
            continue
        balance.take_in(fact)
        # What a registrar brought of a lost journal is in the balance; of its bins nobody knows who was there.
        if fact["kind"] == LIFT and not fact.get("brought"):
            recorded = day_of(fact["time"])
            day = min(day_of(fact["at"]), recorded) if fact["at"] else recorded
            if first <= day <= last and fact["bin"] in bins:
                heard.setdefault(bins[fact["bin"]][0], set()).add(fact["bin"])
    found, city = {}, {"lifted": 0, "taken": 0, "product": 0, "explained": 0, "whole": 0}
    for organisation, sums in closed_by(balance.moves, first, last).items():
        for name, grams in sums.items():
            city[name] += grams
        key = f"{organisation:06x}"
        found["company", key, "recovery"] = (sums["product"], sums["lifted"] + sums["taken"])
        found["company", key, "closure"] = (sums["explained"], sums["whole"])
    found["city", "city", "recovery"] = (city["product"], city["lifted"])
    found["city", "city", "closure"] = (city["explained"], city["whole"])
    registered = {}
    for site, day in bins.values():
        if day <= last:
            registered[site] = registered.get(site, 0) + 1
    streets = {
        s: (min(len(heard.get(s, ())), registered.get(s, 0)), registered.get(s, 0)) for s in {*registered, *heard}
    }
    for site, counts in streets.items():
        found["street", f"{site:016x}", "coverage"] = counts
    found["city", "city", "coverage"] = tuple(sum(counts[part] for counts in streets.values()) for part in (0, 1))
    return found


def days_of(period):
    """Return the first and the last day of a day or month, as numbers since 1970."""
    try:
        if len(period) == 7:
            begin = date.fromisoformat(period + "-01")
            end = begin.replace(day=monthrange(begin.year, begin.month)[1])
        else:
            begin = end = date.fromisoformat(period)
    except ValueError as error:
        raise Unusable(f"{period} is no day or month") from error
    return tuple((one - date(1970, 1, 1)).days for one in (begin, end))


def main():
    parser = argparse.ArgumentParser(description="Recovery, closure and coverage, from the chain alone.")
    parser.add_argument("period", help="a day or a month in Asia/Shanghai, as 2026-03-01 or 2026-03")
    parser.add_argument("--block", type=int, help="as it was known at this block; `known_to` of a served table")
    parser.add_argument("--rpc", required=True)
    parser.add_argument("--trust", required=True)
    asked = parser.parse_args()
    first, last = days_of(asked.period)
    with open(asked.trust, encoding="utf-8") as file:
        trust = json.load(file)
    block = asked.block
    if block is None:
        block = int(Node(asked.rpc).call(("eth_blockNumber",))[0], 16)
    facts = facts_of_chain(asked.rpc, trust, block)
    found = indicators(facts, placements(asked.rpc, trust, block), first, last)
    rows = [
        {"scope": scope, "key": key, "indicator": name, "numerator": above, "denominator": below}
        for (scope, key, name), (above, below) in sorted(found.items())
    ]
    print(json.dumps({"period": asked.period, "block": block, "rows": rows}, indent=1))


if __name__ == "__main__":
    try:
        main()
    except (Unusable, OSError, KeyError) as error:
        sys.exit(f"{type(error).__name__}: {error}")
