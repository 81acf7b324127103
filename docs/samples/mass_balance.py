"""The mass balance of a day, computed from the chain by a stranger. Python's standard library only.

    python3 mass_balance.py 2026-03-01 --rpc URL --trust trust.json     the rows that /api/v1/balance gives
    python3 mass_balance.py 2026-03-01 ... --rules tolerances.json      and which scales are beyond tolerance
    python3 mass_balance.py 2026-03-01 ... --block 1234                 as it was known at a block
    python3 mass_balance.py 2026-03-01 ... --save facts.jsonl           and keep the facts
    python3 mass_balance.py 2026-03-01 --facts facts.jsonl              from kept facts, without a chain

It believes the node about its blocks, after comparing chain and genesis with the trust file, and shares no code
with the server. What is computed, and why: ../spec/mass-balance.md. The rules are the `document` of
/api/v1/rules/tolerances. Exit status: 0 when no row is red, 3 when one is, 1 when nothing can be computed.
"""

import argparse
import json
import sys
import urllib.request
from datetime import date, datetime

# keccak256 of the ledger's events, and the first 4 bytes of that of the one call made: lotOf(uint96).
RECORDED = "0x54e39a67c1b137679eca4da75ea641b4b711f8d8b26005384c15e312776332e2"
SETTLED = "0x1d94dbabcae76433524ba09648597e15ad3edd449e6c600db7d587bb5b386347"
TRANSCRIBED_EVENT = "0x0604acbf4a64a3648832a4c0270e664aa860668a3b716c353170cc8f6f73d94c"
LOT_OF = "0x35dd7f84"
LIFT, LOAD, GIVE, TAKE, MERGE, SPLIT, TRANSFORM, REFUSE, REDIRECT, CLOSE = 1, 2, 3, 4, 7, 8, 9, 10, 11, 12
TRANSCRIBED, SITE = 37, 40
APPLIED, PROMISED = 1, 6
ESTIMATED, WEIGHED = 1, 3
IN = ("lifted", "taken", "unattested", "moved_in", "gained")
OUT = ("given", "moved_out", "product", "residue", "energy", "loss")
STREAMS = ("", "recyclable", "hazardous", "food", "residual")
BASES = ("", "estimated", "onboard_scale", "weighed")
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
            facts += segment(of, first, entry[6 * 32 :], said, time, desks, {}, [])
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
        _, _, stream, _, basis, _, at, grams = bits(words[0], 8, 40, 4, 4, 4, 4, 40, 32)
        return {**fact, "at": at, "stream": stream, "basis": basis, "grams": grams}
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

    def table(self, day, rules):
        rows = {}
        for move in self.moves:
            if move["day"] > day:
                continue
            row = rows.setdefault((move["place"], move["stream"]), {"opening": 0, "moves": []})
            if move["day"] < day:
                row["opening"] += move["change"]
            else:
                row["moves"].append(move)
        found = [figures(key, row["opening"], row["moves"], rules) for key, row in sorted(rows.items())]
        return [row for row in found if row is not None]


def is_beyond(move, rules):
    """Say whether the rule in force calls the two masses of a whole take significantly different."""
    stream, basis = STREAMS[move["stream"]], BASES[move["given_basis"]]
    covering = [
        (since, rule)
        for rule in rules
        if stream in rule["streams"] and basis in rule["bases"]
        if (since := int(datetime.fromisoformat(rule["in_force_from"]).timestamp())) <= move["at"]
    ]
    if move["flow"] != "taken" or not covering:
        return False
    _, rule = max(covering, key=lambda one: one[0])
    size = abs(move["grams"] - move["given"])
    return size > rule["floor_grams"] and size * 1000 > rule["permille_max"] * move["given"]


def figures(key, opening, moves, rules):
    (organisation, site), stream = key
    closing = opening + sum(move["change"] for move in moves)
    if opening == closing == 0 and not moves:
        return None
    flows = {flow: sum(move["grams"] for move in moves if move["flow"] == flow) for flow in (*IN, *OUT)}
    late = [move for move in moves if move["recorded"] > move["day"]]
    late_runs = {move["run"] for move in late if move["flow"] == "lifted"}
    inward, outward = (sum(flows[flow] for flow in some) for some in (IN, OUT))
    error, whole = opening + inward - outward - closing, opening + inward
    ppm = None if whole <= 0 else abs(error) * 1_000_000 // whole * (1 if error >= 0 else -1)
    missing = sum(move["flow"] == "missing" for move in moves)
    beyond = sum(is_beyond(move, rules) for move in moves)
    return {
        "organisation": f"{organisation:06x}",
        "site": f"{site:016x}" if site else None,
        "stream": stream,
        "opening_grams": opening,
        **{f"{flow}_grams": grams for flow, grams in flows.items()},
        "closing_grams": closing,
        "error_grams": error,
        "error_ppm": ppm,
        "difference_grams": flows["taken"] - sum(move["given"] for move in moves),
        "beyond_tolerance": beyond,
        "missing_receipts": missing,
        "late_facts": sum(move["flow"] != "lifted" for move in late) + len(late_runs),
        "late_in_grams": sum(move["grams"] for move in late if move["flow"] in IN),
        "late_out_grams": sum(move["grams"] for move in late if move["flow"] in OUT),
        "is_red": error != 0 or missing > 0 or closing < 0 or beyond > 0,
    }


def read_json(path):
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def main():
    parser = argparse.ArgumentParser(description="The mass balance of a day, from the chain alone.")
    parser.add_argument("day", help="a day in Asia/Shanghai, as 2026-03-01")
    parser.add_argument("--block", type=int, help="as it was known at this block; `known_to` of a served table")
    for name in ("rpc", "trust", "facts", "rules", "save"):
        parser.add_argument(f"--{name}")
    asked = parser.parse_args()
    try:
        day = (date.fromisoformat(asked.day) - date(1970, 1, 1)).days
    except ValueError as error:
        raise Unusable(f"{asked.day} is no day") from error
    if asked.facts:
        with open(asked.facts, encoding="utf-8") as kept:
            facts = [json.loads(line) for line in kept]
    elif asked.rpc and asked.trust:
        facts = list(facts_of_chain(asked.rpc, read_json(asked.trust), asked.block))
    else:
        raise Unusable("name either --rpc and --trust, or --facts")
    if asked.save:
        with open(asked.save, "w", encoding="utf-8") as kept:
            kept.writelines(json.dumps(fact) + "\n" for fact in facts)
    balance = Balance()
    for fact in facts:
        if fact["kind"] == "slot":
            balance.compare(fact)
        else:
            balance.take_in(fact)
    rows = balance.table(day, read_json(asked.rules)["rules"] if asked.rules else [])
    print(json.dumps({"version": "mass-balance-1", "day": asked.day, "rows": rows}, indent=1))
    return 3 if any(row["is_red"] for row in rows) else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (Unusable, OSError, KeyError) as error:
        sys.exit(f"{type(error).__name__}: {error}")
