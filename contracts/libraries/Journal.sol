// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Entry} from "./Entry.sol";

/// @dev The heads of a run of entries: how many 128, and where in memory a copy of its words begins 128, in which
/// each entry's last word has given way to the head after that entry. Zero when the run is malformed.
type Heads is uint256;

using Journal for Heads global;

/// @title A journal's rolling head
library Journal {
    uint256 internal constant MAX_ENTRIES = 256;

    /// @notice Returns the head of a journal without entries.
    function head0(uint256 chainId, address ledger, uint64 device) internal pure returns (bytes32) {
        return keccak256(abi.encode(chainId, ledger, device));
    }

    /// @notice Returns the heads after the entries of a segment.
    function roll(bytes32 head, bytes calldata words) internal pure returns (Heads) {
        uint256 size = words.length;
        if (size == 0 || size % 32 != 0) return Heads.wrap(0);
        uint256 entries;
        uint256 start;
        uint256 lift = Entry.liftOf(0);
        // Assembly because every lift passes here. The words are copied behind the head before them. An entry has
        // then the head before it in front of it, is hashed with it, and ends in the head after it.
        assembly ("memory-safe") {
            start := add(mload(0x40), 0x20)
            let end := add(start, size)
            mstore(0x40, add(end, 0x20))
            mstore(sub(start, 0x20), head)
            calldatacopy(start, words.offset, size)
            // What is no lift ends the loops over lifts.
            mstore(end, 0)
            let at_ := start
            for {} lt(at_, end) {} {
                let word := mload(at_)
                if eq(byte(0, word), 1) {
                    // A lift is always one word. Four are looked at together while all four are lifts.
                    let first := at_
                    for {} 1 {
                        at_ := add(at_, 0x80)
                    } {
                        let differing := or(
                            or(xor(mload(at_), lift), xor(mload(add(at_, 0x20)), lift)),
                            or(xor(mload(add(at_, 0x40)), lift), xor(mload(add(at_, 0x60)), lift))
                        )
                        if byte(0, differing) {
                            break
                        }
                        mstore(at_, keccak256(sub(at_, 0x20), 0x40))
                        mstore(add(at_, 0x20), keccak256(at_, 0x40))
                        mstore(add(at_, 0x40), keccak256(add(at_, 0x20), 0x40))
                        mstore(add(at_, 0x60), keccak256(add(at_, 0x40), 0x40))
                    }
                    for {} eq(byte(0, mload(at_)), 1) {
                        at_ := add(at_, 0x20)
                    } {
                        mstore(at_, keccak256(sub(at_, 0x20), 0x40))
                    }
                    entries := add(entries, shr(5, sub(at_, first)))
                    continue
                }
                let length := shl(5, byte(1, word))
                let next := add(at_, length)
                if or(iszero(length), gt(next, end)) {
                    entries := 0
                    break
                }
                mstore(sub(next, 0x20), keccak256(sub(at_, 0x20), add(length, 0x20)))
                at_ := next
                entries := add(entries, 1)
            }
        }
        if (entries == 0 || entries > MAX_ENTRIES) return Heads.wrap(0);
        return Heads.wrap((entries << 128) | start);
    }

    /// @notice Returns how many entries the run has.
    function count(Heads heads) internal pure returns (uint256) {
        return Heads.unwrap(heads) >> 128;
    }

    /// @notice Returns the head after the entry that ends before this byte of the run.
    function at(Heads heads, uint256 end) internal pure returns (bytes32 head) {
        uint256 start = uint128(Heads.unwrap(heads));
        assembly ("memory-safe") {
            head := mload(sub(add(start, end), 0x20))
        }
    }

    /// @notice Returns the head after an entry, counted from 0.
    /// @param words The run's.
    function afterEntry(
        Heads heads,
        bytes calldata words,
        uint256 index
    ) internal pure returns (bytes32) {
        uint256 end = 0;
        for (uint256 i = 0; i <= index; ++i) end += Entry.at(words, end).length;
        return heads.at(end);
    }
}
