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
    function roll(
        bytes32 head,
        bytes calldata words
    ) internal pure returns (bytes32[] memory heads) {
        uint256 size = words.length;
        if (size == 0 || size % 32 != 0) return heads;
        uint256 count;
        // Assembly because every lift passes here. The heads grow at the free pointer, the head before them where
        // their number will be. An entry is copied behind the last head, and hashed with it into the next one.
        assembly ("memory-safe") {
            heads := mload(0x40)
            mstore(heads, head)
            let next := add(heads, 0x20)
            let at_ := words.offset
            let end := add(at_, size)
            for {} lt(at_, end) {} {
                let word := calldataload(at_)
                if eq(byte(0, word), 1) {
                    // A lift is always one word.
                    mstore(next, word)
                    mstore(next, keccak256(sub(next, 0x20), 0x40))
                    next := add(next, 0x20)
                    at_ := add(at_, 0x20)
                    continue
                }
                let length := shl(5, byte(1, word))
                if or(iszero(length), gt(add(at_, length), end)) {
                    next := add(heads, 0x20)
                    break
                }
                calldatacopy(next, at_, length)
                mstore(next, keccak256(sub(next, 0x20), add(length, 0x20)))
                next := add(next, 0x20)
                at_ := add(at_, length)
            }
            count := shr(5, sub(sub(next, heads), 0x20))
            mstore(heads, count)
            mstore(0x40, next)
        }
        if (count > MAX_ENTRIES) delete heads;
    }
}
