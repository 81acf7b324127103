// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title A journal's rolling head
library Journal {
    uint256 internal constant MAX_ENTRIES = 256;

    /// @notice Returns the head of a journal without entries.
    function head0(uint256 chainId, address ledger, uint64 device) internal pure returns (bytes32) {
        return keccak256(abi.encode(chainId, ledger, device));
    }

    /// @notice Returns the head after each entry of a segment, or no heads when it is malformed.
    /// @dev Assembly because every lift passes here: one keccak of 64 bytes, and no copy, for each.
    function roll(
        bytes32 head,
        bytes calldata words
    ) internal pure returns (bytes32[] memory heads) {
        uint256 size = words.length;
        if (size == 0 || size % 32 != 0) return heads;
        assembly ("memory-safe") {
            // The heads lie at the free pointer, and an entry of several words is hashed behind the room
            // they could need.
            heads := mload(0x40)
            let next := add(heads, 0x20)
            let room := shr(5, size)
            if gt(room, MAX_ENTRIES) {
                room := MAX_ENTRIES
            }
            let last := add(next, shl(5, room))
            let end := add(words.offset, size)

            for {
                let at_ := words.offset
            } lt(at_, end) {} {
                let word := calldataload(at_)
                let length := 0x20
                switch byte(0, word)
                case 1 {
                    mstore(0x00, head)
                    mstore(0x20, word)
                    head := keccak256(0x00, 0x40)
                }
                default {
                    length := shl(5, byte(1, word))
                    if or(iszero(length), gt(add(at_, length), end)) {
                        next := 0
                    }
                    mstore(last, head)
                    calldatacopy(add(last, 0x20), at_, length)
                    head := keccak256(last, add(length, 0x20))
                }
                if or(iszero(next), eq(next, last)) {
                    next := 0
                    break
                }
                mstore(next, head)
                next := add(next, 0x20)
                at_ := add(at_, length)
            }

            switch next
            case 0 {
                heads := 0x60
            }
            default {
                mstore(heads, shr(5, sub(sub(next, heads), 0x20)))
                mstore(0x40, next)
            }
        }
    }
}
