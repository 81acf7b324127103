"""A random inspection drawn again by a stranger. Python's standard library only, and a node of the chain.

    python3 inspection.py record.json --rpc URL --trust trust.json

The record is what anybody publishes of an inspection (/api/v1/inspections/CODE/record.json), and is not believed:
a statement is heard when the ledger holds its digest, the list when the chain gives the same. The script computes
root, seed and sample, and says AGREES or DIFFERS with the reasons. Exit status: 0 it agrees, 3 it differs, 1
nothing can be computed. It believes the node about its blocks. What is computed, and why: ../spec/inspection.md.
"""

import argparse
import itertools
import json
import sys
import urllib.request
from datetime import datetime, timedelta, timezone

LOAD, ANCHOR, LIFT, APPLIED = 2, 17, 1, 1
BLOCKS_A_CALL, ZEROS = 500, bytes(32)
SHANGHAI = timezone(timedelta(hours=8))
DIGITS = {"bins": 10, "sites": 16, "lots": 24}


class Unusable(Exception):
    """There is nothing to compute from."""


# --- keccak256, as Ethereum has it ---

ROUNDS = [
    0x0000000000000001, 0x0000000000008082, 0x800000000000808A, 0x8000000080008000, 0x000000000000808B,
    0x0000000080000001, 0x8000000080008081, 0x8000000000008009, 0x000000000000008A, 0x0000000000000088,
    0x0000000080008009, 0x000000008000000A, 0x000000008000808B, 0x800000000000008B, 0x8000000000008089,
    0x8000000000008003, 0x8000000000008002, 0x8000000000000080, 0x000000000000800A, 0x800000008000000A,
    0x8000000080008081, 0x8000000000008080, 0x0000000080000001, 0x8000000080008008,
]  # fmt: skip
TURNS = (0, 1, 62, 28, 27, 36, 44, 6, 55, 20, 3, 10, 43, 25, 39, 41, 45, 15, 21, 8, 18, 2, 61, 56, 14)
PLACES = [y + 5 * ((2 * x + 3 * y) % 5) for y in range(5) for x in range(5)]
WORD, RATE = (1 << 64) - 1, 136


def keccak256(data):
    padded = bytearray(data + b"\1" + bytes(-(len(data) + 1) % RATE))
    padded[-1] |= 0x80
    lanes = [0] * 25
    for start in range(0, len(padded), RATE):
        for at in range(RATE // 8):
            lanes[at] ^= int.from_bytes(padded[start + 8 * at : start + 8 * at + 8], "little")
        lanes = permuted(lanes)
    return b"".join(lane.to_bytes(8, "little") for lane in lanes[:4])


def permuted(a):
    for constant in ROUNDS:
        c = [a[x] ^ a[x + 5] ^ a[x + 10] ^ a[x + 15] ^ a[x + 20] for x in range(5)]
        d = [c[x - 1] ^ (c[(x + 1) % 5] << 1 | c[(x + 1) % 5] >> 63) & WORD for x in range(5)]
        b = [0] * 25
        for at in range(25):
            lane, turn = a[at] ^ d[at % 5], TURNS[at]
            b[PLACES[at]] = (lane << turn | lane >> (64 - turn)) & WORD
        a = [b[at] ^ (~b[at - at % 5 + (at + 1) % 5] & b[at - at % 5 + (at + 2) % 5]) for at in range(25)]
        a[0] ^= constant
    return a


# --- the chain ---

TOPICS = {
    "0x" + keccak256(text).hex(): name
    for name, text in {
        "segment": b"SegmentRecorded(uint64,uint40,bytes32,bytes32,bytes32,bytes32,bytes32,bytes,bytes,bytes)",
        "bins": b"BinsPlaced(uint64,(uint40,bytes32,uint8,uint40)[],bytes32)",
        "site": b"SiteOpened(uint64,uint8,bytes32)",
        "regulator": b"RegulatorSet(uint24,bool)",
    }.items()
}
SCHEMA = int.from_bytes(keccak256(b"huanlian inspection statement 1")[:4], "big")


class Node:
    def __init__(self, url):
        self.url = url

    def call(self, *calls):
        """Answer (method, params...) calls, in their order, in one request."""
        body = [{"jsonrpc": "2.0", "id": n, "method": c[0], "params": list(c[1:])} for n, c in enumerate(calls)]
        headers = {"Content-Type": "application/json"}
        try:
            request = urllib.request.Request(self.url, json.dumps(body).encode(), headers)
            with urllib.request.urlopen(request, timeout=120) as answer:
                found = {one["id"]: one for one in json.load(answer)}
        except (OSError, ValueError) as error:
            raise Unusable(f"the node does not answer: {error}") from error
        for one in found.values():
            if "error" in one:
                raise Unusable(f"the node refuses: {one['error'].get('message')}")
        return [found[n]["result"] for n in range(len(calls))]

    def block(self, name):
        (block,) = self.call(("eth_getBlockByNumber", name if isinstance(name, str) else hex(name), False))
        if block is None:
            raise Unusable(f"the node has no block {name}")
        return block


def events(node, trust, upto):
    """Yield (what, block number, block time, topics, data) of all that is asked for, in the chain's order."""
    addresses = [trust[name] for name in ("ledger", "bin_registry", "actor_registry")]
    for first in range(0, upto + 1, BLOCKS_A_CALL):
        last = min(first + BLOCKS_A_CALL - 1, upto)
        asked = {"address": addresses, "topics": [list(TOPICS)], "fromBlock": hex(first), "toBlock": hex(last)}
        (logs,) = node.call(("eth_getLogs", asked))
        logs.sort(key=lambda log: (int(log["blockNumber"], 16), int(log["logIndex"], 16)))
        numbers = sorted({log["blockNumber"] for log in logs})
        headers = node.call(*(("eth_getBlockByNumber", number, False) for number in numbers)) if numbers else []
        times = {number: int(block["timestamp"], 16) for number, block in zip(numbers, headers, strict=True)}
        for log in logs:
            number, data = log["blockNumber"], bytes.fromhex(log["data"][2:])
            yield TOPICS[log["topics"][0]], int(number, 16), times[number], log["topics"], data


def number_at(data, word):
    return int.from_bytes(data[32 * word : 32 * word + 32], "big")


def bytes_at(data, word):
    start = number_at(data, word)
    return data[start + 32 : start + 32 + number_at(data[start:], 0)]


def applied_entries(device, seq, data):
    """Yield (device, seq, entry) of what the ledger applied of a segment. Layouts: ../spec/entries.md."""
    words, outcomes, at = bytes_at(data, 5), bytes_at(data, 6), 0
    for place, outcome in enumerate(outcomes):
        size = 1 if words[at] == LIFT else words[at + 1]
        if outcome & 15 == APPLIED:
            yield device, seq + place, words[at : at + 32 * size]
        at += 32 * size


# --- the inspection ---


def statements_of(record):
    """Return the record's statements by their digest, and the opening with its digest."""
    said = {keccak256(text.encode()): json.loads(text) for text in record["documents"]}
    for digest, one in said.items():
        if one["act"] == "open" and digest[:12].hex() == record["inspection"]:
            return said, one, digest
    raise Unusable("the record has no opening with this code")


def read_chain(node, trust, upto, opening, opening_digest):
    """Return the list, the anchors of this inspection and the regulators when it was opened."""
    subject = int.from_bytes(opening_digest[:12], "big")
    listed, anchors, regulators, at_opening = {}, [], set(), None
    for what, number, time, topics, data in events(node, trust, upto):
        about = int(topics[1], 16)
        if what == "regulator":
            (regulators.add if number_at(data, 0) else regulators.discard)(f"{about:06x}")
        elif what == "bins" and opening["candidates"] == "bins" and number <= opening["list_block"]:
            start = number_at(data, 0) // 32
            for index in range(number_at(data, start)):
                listed[number_at(data, start + 1 + 4 * index)] = f"{about:016x}"
        elif what == "site" and opening["candidates"] == "sites" and number <= opening["list_block"]:
            listed[about] = f"{about:016x}"
        elif what == "segment":
            day = datetime.fromtimestamp(time, SHANGHAI).date().isoformat()
            is_listed = (opening["candidates"], opening["day"]) == ("lots", day) and number <= opening[
                "list_block"
            ]
            for device, seq, entry in applied_entries(about, int(topics[2], 16), data):
                if entry[0] == LOAD and is_listed:
                    listed[int.from_bytes(entry[9:21], "big")] = ""
                if entry[0] != ANCHOR:
                    continue
                schema, of = int.from_bytes(entry[9:13], "big"), int.from_bytes(entry[13:25], "big")
                if (schema, of) == (SCHEMA, subject):
                    anchors.append((number, f"{device >> 40:06x}", entry[32:64], f"{device:016x}/{seq}"))
                    if entry[32:64] == opening_digest and at_opening is None:
                        at_opening = set(regulators)
    wanted = opening["site"]
    return sorted(n for n, site in listed.items() if not wanted or site == wanted), anchors, at_opening or set()


def root_of(items):
    level = [keccak256(b"\0" + item.to_bytes(32, "big")) for item in items] or [ZEROS]
    while len(level) > 1:
        pairs = [keccak256(b"\1" + level[i] + level[i + 1]) for i in range(0, len(level) - 1, 2)]
        level = pairs + ([level[-1]] if len(level) % 2 else [])
    return level[0].hex()


def drawn(items, count, seed):
    """Draw without replacement; a number that is too large is thrown away, so that none is more likely."""
    left, counter = list(items), 0
    count = min(count, len(left))
    for place in range(count):
        limit = len(left) - place
        bits = (limit - 1).bit_length()
        while True:
            number = 0
            if bits:
                number = int.from_bytes(keccak256(seed + counter.to_bytes(8, "big")), "big") >> (256 - bits)
                counter += 1
            if number < limit:
                break
        left[place], left[place + number] = left[place + number], left[place]
    return left[:count]


def inspect(record, node, trust):
    """Return (what is found, what differs), both as lines."""
    said, opening, opening_digest = statements_of(record)
    upto = int(node.block("finalized")["number"], 16)
    items, anchors, regulators = read_chain(node, trust, upto, opening, opening_digest)
    digits, wrong, told = DIGITS[opening["candidates"]], [], []
    published = [int(line, 16) for line in record["list"]]
    opened = next((a for a in anchors if a[1:3] == (opening["by"], opening_digest)), None)
    if opened is None:
        return told, ["no final block holds the opening, sealed by the organisation that opens"]
    told.append(
        f"opened by {opening['by']} in block {opened[0]}, list of {len(items)} at block {opening['list_block']}"
    )
    blocks = [opening["list_block"], opened[0]]
    blocks += [opening[name] for name in ("commit_by", "seed_block", "reveal_by", "default_block")]
    is_sound = all(one < other for one, other in itertools.pairwise(blocks))
    if not is_sound:
        wrong.append(f"a block is too early: list, opening, commit, seed, reveal, default are {blocks}")
    if opening["by"] == opening["auditor"]:
        is_sound = False
        wrong.append("regulator and auditor are one party")
    if opening["by"] not in regulators:
        wrong.append(f"{opening['by']} was no regulator when it opened this")
    bound = opening["list_count"], opening["list_root"]
    if (len(published), root_of(published)) != bound:
        wrong.append("the published list is not the one that was opened")
    if (len(items), root_of(items)) != bound:
        wrong.append("the list that was opened is not the one that the chain gives")
    parties = {opening["by"]: {}, opening["auditor"]: {}}
    heard, drawings, results = {(opened[1], opening_digest)}, [], []
    for block, organisation, digest, entry in anchors if is_sound else ():
        if organisation not in parties or (organisation, digest) in heard:
            continue
        heard.add((organisation, digest))
        one, party = said.get(digest), parties[organisation]
        if one is None:
            wrong.append(f"entry {entry} holds a statement that is not published")
            continue
        if one["act"] == "open" or one["by"] != organisation or one["opening"] != opening_digest.hex():
            continue
        if one["act"] == "commit":
            if "commitment" in party:
                wrong.append(f"{organisation} committed itself twice (entry {entry})")
            elif block > opening["commit_by"]:
                wrong.append(f"{organisation} committed itself too late (entry {entry}, block {block})")
            else:
                party["commitment"] = one["commitment"]
        elif one["act"] == "reveal":
            secret = bytes.fromhex(one["secret"])
            if "secret" in party:
                wrong.append(f"{organisation} revealed twice (entry {entry})")
            elif block <= opening["seed_block"]:
                wrong.append(
                    f"{organisation} revealed before the seed block was over (entry {entry}, block {block})"
                )
            elif block > opening["reveal_by"]:
                wrong.append(f"{organisation} revealed too late (entry {entry}, block {block})")
            elif keccak256(opening_digest + bytes.fromhex(organisation) + secret).hex() != party.get("commitment"):
                wrong.append(
                    f"{organisation} revealed something else than it had committed itself to (entry {entry})"
                )
            else:
                party["secret"] = secret
        elif one["act"] == "draw":
            drawings.append((entry, one))
        elif one["act"] == "result":
            results.append((entry, one))
    sample, line = sample_of(node, opening, parties, published, bound, upto) if is_sound else (None, "void")
    told.append(line)
    if sample is not None:
        seed, names = sample[0], [f"{item:0{digits}x}" for item in sample[1]]
        told += [f"seed {seed}", *(f"drawn {name}" for name in names)]
        for entry, one in drawings:
            if (one["seed"], one["items"]) != (seed, names):
                wrong.append(f"entry {entry} says that something else was drawn")
        for entry, one in results:
            if one["item"] not in names:
                wrong.append(f"entry {entry} reports on {one['item']}, which was not drawn")
    return told, wrong


def sample_of(node, opening, parties, items, bound, upto):
    """Return (seed, items) or None while there is no sample, and a line that says how it stands."""
    if any("commitment" not in party for party in parties.values()):
        over = upto > opening["commit_by"]
        return (
            None,
            "void: not both committed themselves" if over else f"committing up to block {opening['commit_by']}",
        )
    secrets = [parties[name].get("secret") for name in (opening["by"], opening["auditor"])]
    number, count = opening["seed_block"], opening["sample"]
    line = f"drawn with block {number}"
    if None in secrets:
        if upto <= opening["reveal_by"]:
            return None, f"revealing up to block {opening['reveal_by']}"
        if not any(secrets):
            return None, "void: nobody revealed"
        number, count = opening["default_block"], 2 * count
        if upto < number:
            return None, f"waiting for block {number}"
        line = f"drawn by default, twice as many, with block {number}: one party did not reveal"
    if (len(items), root_of(items)) != bound:
        return None, "nothing drawn: the list is another"
    mixed = bytes.fromhex(node.block(number)["hash"][2:])
    seed = keccak256(bytes.fromhex(bound[1]) + b"".join(one or ZEROS for one in secrets) + mixed)
    return (seed.hex(), drawn(items, count, seed)), line


def main():
    parser = argparse.ArgumentParser(description="Draws a random inspection again, from the chain.")
    parser.add_argument("record", help="what is published: record.json")
    parser.add_argument("--rpc", required=True, help="a node of the chain")
    parser.add_argument("--trust", required=True, help="your trust file")
    given = parser.parse_args()
    try:
        with open(given.record, encoding="utf-8") as file:
            record = json.load(file)
        with open(given.trust, encoding="utf-8") as file:
            trust = json.load(file)
        node = Node(given.rpc)
        if node.block("0x0")["hash"] != trust["genesis_hash"]:
            raise Unusable("this is not the chain of the trust file")
        told, wrong = inspect(record, node, trust)
    except Unusable as error:
        sys.exit(f"Unusable: {error}")
    except (OSError, ValueError, KeyError, TypeError) as error:
        sys.exit(f"Unusable: {type(error).__name__} {error}")
    for line in told:
        print(line)
    for reason in wrong:
        print(f"DIFFERS: {reason}")
    if wrong:
        sys.exit(3)
    print("AGREES")


if __name__ == "__main__":
    main()
