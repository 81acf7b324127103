"""The Merkle-Patricia trie that binds a block's receipts to one hash, and proofs of one value in it.

Keys are the RLP of a receipt's index. Source: Ethereum Yellow Paper, appendix D.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from backend.domain.errors import DomainError
from backend.domain.keccak import keccak256
from backend.domain.rlp import BadRlp, Item, as_bytes, as_list, decode, encode, encode_number

EMPTY_ROOT = keccak256(encode(b""))
_HASH_BYTES = 32
_LEAF, _ODD = 0x20, 0x10
_BRANCH_ITEMS, _PAIR_ITEMS = 17, 2


class BadProof(DomainError):
    """The nodes do not lead from the root to a value."""

    slug = "bad-proof"
    title = "The trie's nodes do not lead from its root to the value"


@dataclass(frozen=True)
class _Node:
    item: list[Item]
    encoded: bytes
    children: dict[str, _Node] = field(default_factory=dict)
    """What can follow below this node, by the nibbles that lead there."""

    @property
    def reference(self) -> Item:
        """How a parent names this node: by its hash, or whole where it is shorter than one."""
        return self.item if len(self.encoded) < _HASH_BYTES else keccak256(self.encoded)


class OrderedTrie:
    """The trie over a list of values, as a block has one over its receipts."""

    def __init__(self, values: Sequence[bytes]) -> None:
        pairs = sorted((_nibbles(key_of(index)), value) for index, value in enumerate(values))
        self._top = _node_of(pairs, 0) if pairs else None

    @property
    def root(self) -> bytes:
        """The hash that stands in the block's header."""
        return EMPTY_ROOT if self._top is None else keccak256(self._top.encoded)

    def proof(self, index: int) -> tuple[bytes, ...]:
        """Return the nodes from the root down to a value; the last of them holds it."""
        path, node = _nibbles(key_of(index)), self._top
        nodes: list[bytes] = []
        while node is not None:
            if not nodes or len(node.encoded) >= _HASH_BYTES:
                nodes.append(node.encoded)
            step = next((step for step in node.children if path.startswith(step)), None)
            if step is None:
                break
            node, path = node.children[step], path[len(step) :]
        return tuple(nodes)


def key_of(index: int) -> bytes:
    """Return the key of a receipt."""
    return encode(encode_number(index))


def _nibbles(key: bytes) -> str:
    return key.hex()


def _node_of(pairs: Sequence[tuple[str, bytes]], depth: int) -> _Node:
    """Return the node over sorted (nibbles, value) pairs that agree in their first `depth` nibbles."""
    first = pairs[0][0]
    if len(pairs) == 1:
        return _made([_packed(first[depth:], is_leaf=True), pairs[0][1]])
    shared = _shared(first, pairs[-1][0])
    if shared > depth:
        below = _node_of(pairs, shared)
        return _made([_packed(first[depth:shared], is_leaf=False), below.reference], {first[depth:shared]: below})
    # No key of a receipt begins another: the 17th place, for a value that ends here, stays empty.
    children = {}
    for nibble in "0123456789abcdef":
        under = [pair for pair in pairs if pair[0][depth] == nibble]
        if under:
            children[nibble] = _node_of(under, depth + 1)
    places: list[Item] = [children[n].reference if n in children else b"" for n in "0123456789abcdef"]
    return _made([*places, b""], children)


def _shared(one: str, other: str) -> int:
    """Return how many nibbles two keys have in common at their beginning."""
    return next((at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), 0)


def _made(item: list[Item], children: dict[str, _Node] | None = None) -> _Node:
    return _Node(item, encode(item), children or {})


def _packed(nibbles: str, *, is_leaf: bool) -> bytes:
    flag = _LEAF if is_leaf else 0
    if len(nibbles) % 2:
        return bytes([flag | _ODD | int(nibbles[0], 16)]) + bytes.fromhex(nibbles[1:])
    return bytes([flag]) + bytes.fromhex(nibbles)


def _unpacked(packed: bytes) -> tuple[str, bool]:
    """Return the nibbles of a leaf or extension, and whether it is a leaf."""
    if not packed or packed[0] & 0xC0 or (not packed[0] & _ODD and packed[0] & 0x0F):
        raise BadProof("A node's path is not in its one form.")
    text = packed.hex()
    return text[1:] if packed[0] & _ODD else text[2:], bool(packed[0] & _LEAF)


def value_at(root: bytes, index: int, proof: Sequence[bytes]) -> bytes:
    """Return the value at an index of the trie with this root.

    1. Each node hashes to what names it: the first to the root, the next to its place in the one before.
    2. The path goes where the key says, and ends in a value.
    3. No node is left over.

    Raises:
        BadProof: a step does not hold.
    """
    try:
        return _value_at(root, _nibbles(key_of(index)), list(proof))
    except BadRlp as error:
        raise BadProof(f"A node cannot be read: {error}.") from error


def _value_at(reference: Item, path: str, nodes: list[bytes]) -> bytes:
    while True:
        node = _resolved(reference, nodes)
        if len(node) == _BRANCH_ITEMS:
            # 2.
            if not path:
                raise BadProof("The path ends in a branch.")
            reference, path = node[int(path[0], 16)], path[1:]
        elif len(node) == _PAIR_ITEMS:
            nibbles, is_leaf = _unpacked(as_bytes(node[0]))
            if is_leaf:
                # 3.
                if nodes:
                    raise BadProof("Nodes are left over.")
                if nibbles != path:
                    raise BadProof("There is another receipt at this place.")
                return as_bytes(node[1])
            if not nibbles or not path.startswith(nibbles):
                raise BadProof("The path leads elsewhere.")
            reference, path = node[1], path[len(nibbles) :]
        else:
            raise BadProof(f"A node has {len(node)} items.")


def _resolved(reference: Item, nodes: list[bytes]) -> Sequence[Item]:
    if not isinstance(reference, bytes):
        return reference
    # 1.
    if not nodes or keccak256(nodes[0]) != reference:
        raise BadProof("A node is not the one that its parent names.")
    return as_list(decode(nodes.pop(0)))
