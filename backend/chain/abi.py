"""The contracts' ABI by hand: selectors, topics, and the words of calldata and logs."""

from collections.abc import Sequence

from backend.domain.keccak import keccak256

WORD = 32


def selector(signature: str) -> bytes:
    """Return the first four bytes of a function's call."""
    return keccak256(signature.encode())[:4]


def topic(signature: str) -> str:
    """Return an event's first topic, as nodes write it."""
    return "0x" + keccak256(signature.encode()).hex()


def word(value: int) -> bytes:
    """Return a number as a word."""
    return value.to_bytes(WORD, "big")


def address(value: str) -> bytes:
    """Return an address as a word."""
    return bytes.fromhex(value.removeprefix("0x")).rjust(WORD, b"\0")


def with_bytes(heads: list[bytes], tails: Sequence[bytes]) -> bytes:
    """Return the encoding of a tuple whose last members are byte strings."""
    offset = (len(heads) + len(tails)) * WORD
    encoded: list[bytes] = []
    for tail in tails:
        heads.append(word(offset))
        encoded.append(word(len(tail)) + tail + bytes(-len(tail) % WORD))
        offset += len(encoded[-1])
    return b"".join((*heads, *encoded))


def number(data: bytes, at: int) -> int:
    """Return the number in the word at this place, counted in words."""
    return int.from_bytes(data[at * WORD : at * WORD + WORD], "big")


def bytes_at(data: bytes, offset: int) -> bytes:
    """Return the byte string that begins at this byte with its length.

    Raises:
        ValueError: it runs past the end of the log.
    """
    start = offset + WORD
    end = start + int.from_bytes(data[offset:start], "big")
    if end > len(data):
        raise ValueError("a log whose bytes run past its end")
    return data[start:end]


def numbers(data: bytes, count: int) -> list[int]:
    """Return the first words of an answer as numbers.

    Raises:
        ValueError: the answer is shorter, as it is where no contract is.
    """
    if len(data) < count * WORD:
        raise ValueError(f"a call answered {len(data)} bytes: is there a contract at this address?")
    return [number(data, at) for at in range(count)]
