from __future__ import annotations

from pathlib import Path

import pytest

from backend.chain.blocks_file import (
    BlockRecord,
    BlocksFile,
    BlocksFileDamaged,
    BlocksFileInUse,
    HashRecord,
)

GENESIS: dict[str, object] = {"chain_id": 5}
FIRST = BlockRecord(timestamp=100, transactions=(b"one", b"two"))
SECOND = BlockRecord(timestamp=101, transactions=(b"three" * 50,))


def write(path: Path, *records: BlockRecord | HashRecord) -> None:
    file = BlocksFile(path, genesis=GENESIS)
    for record in records:
        if isinstance(record, BlockRecord):
            file.append_block(record)
        else:
            file.append_hash(record.block_hash)
    file.close()


def read(path: Path) -> list[BlockRecord | HashRecord]:
    file = BlocksFile(path, genesis=GENESIS)
    try:
        return list(file.records())
    finally:
        file.close()


class TestBlocksFile:
    def test_gives_back_what_was_appended(self, tmp_path: Path) -> None:
        records = (FIRST, HashRecord(b"h" * 32), SECOND, HashRecord(b"i" * 32))
        write(tmp_path / "blocks", *records)
        assert read(tmp_path / "blocks") == list(records)

    def test_keeps_the_genesis_it_was_created_with(self, tmp_path: Path) -> None:
        write(tmp_path / "blocks", FIRST)
        file = BlocksFile(tmp_path / "blocks", genesis={"chain_id": 6})
        assert file.genesis == GENESIS
        file.close()

    def test_cuts_a_torn_last_record_wherever_it_was_torn(self, tmp_path: Path) -> None:
        path = tmp_path / "blocks"
        write(path, FIRST)
        whole = path.stat().st_size
        write(path, SECOND)
        content = path.read_bytes()
        for size in range(whole + 1, len(content)):
            path.write_bytes(content[:size])
            assert read(path) == [FIRST]
            assert path.stat().st_size == whole

    def test_cuts_a_last_record_whose_pages_were_never_written(self, tmp_path: Path) -> None:
        path = tmp_path / "blocks"
        write(path, FIRST)
        whole = path.stat().st_size
        write(path, SECOND)
        content = path.read_bytes()
        path.write_bytes(content[:-20] + bytes(20))
        assert read(path) == [FIRST]
        path.write_bytes(content[:whole] + bytes(4096))
        assert read(path) == [FIRST]

    def test_goes_on_after_a_torn_record(self, tmp_path: Path) -> None:
        path = tmp_path / "blocks"
        write(path, FIRST, SECOND)
        path.write_bytes(path.read_bytes()[:-1])
        write(path, HashRecord(b"h" * 32))
        assert read(path) == [FIRST, HashRecord(b"h" * 32)]

    def test_refuses_a_file_damaged_before_its_last_record(self, tmp_path: Path) -> None:
        path = tmp_path / "blocks"
        write(path, FIRST)
        whole = path.stat().st_size
        write(path, SECOND)
        content = path.read_bytes()
        for position in range(len(content) - whole, whole):
            changed = bytearray(content)
            changed[position] ^= 1
            path.write_bytes(bytes(changed))
            with pytest.raises(BlocksFileDamaged):
                read(path)

    def test_refuses_a_second_user(self, tmp_path: Path) -> None:
        first = BlocksFile(tmp_path / "blocks", genesis=GENESIS)
        with pytest.raises(BlocksFileInUse):
            BlocksFile(tmp_path / "blocks", genesis=GENESIS)
        first.close()
