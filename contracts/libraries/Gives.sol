// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @dev The offer under which a given lot travels, in one slot: to 64, seq 40, the lot's grams 48, first 13 bytes
/// of the giver's head after it. Zero means that the lot is not given.
type Give is uint256;

using GiveSlot for Give global;

/// @title Packing of a give
library GiveSlot {
    Give internal constant NONE = Give.wrap(0);

    function pack(
        uint64 to_,
        uint40 seq_,
        uint48 grams_,
        bytes13 head13_
    ) internal pure returns (Give) {
        return
            Give.wrap(
                (uint256(to_) << 192) |
                    (uint256(seq_) << 152) |
                    (uint256(grams_) << 104) |
                    uint104(head13_)
            );
    }

    function to(Give give) internal pure returns (uint64) {
        return uint64(Give.unwrap(give) >> 192);
    }

    function seq(Give give) internal pure returns (uint40) {
        return uint40(Give.unwrap(give) >> 152);
    }

    function grams(Give give) internal pure returns (uint48) {
        return uint48(Give.unwrap(give) >> 104);
    }

    function head13(Give give) internal pure returns (bytes13) {
        return bytes13(uint104(Give.unwrap(give)));
    }
}

/// @title Gives by lot, written to storage only when they outlive their transaction
/// @dev Most gives are answered in the transaction that brings them: then they never cost a slot. While one is in
/// transient storage, storage has none for that lot. Whoever changes gives must `flush` before it ends.
library Gives {
    /// @dev Transient keys: a lot's id under this bit; under the bit alone how many lots were given; their
    /// list behind it. An id is shorter than the list's bit.
    uint256 private constant _LOT = 1 << 255;
    uint256 private constant _COUNT = 1 << 254;

    function get(
        mapping(uint96 lot => Give) storage gives,
        uint96 lot
    ) internal view returns (Give) {
        uint256 fresh = _tload(_LOT | lot);
        return fresh != 0 ? Give.wrap(fresh) : gives[lot];
    }

    /// @notice Keeps the give of a lot that was not given.
    function add(uint96 lot, Give give) internal {
        uint256 count = _tload(_COUNT) + 1;
        _tstore(_COUNT, count);
        _tstore(_COUNT + count, lot);
        _tstore(_LOT | lot, Give.unwrap(give));
    }

    /// @notice Puts another give (or none) in the place of the one that there is.
    function replace(mapping(uint96 lot => Give) storage gives, uint96 lot, Give give) internal {
        if (_tload(_LOT | lot) != 0) _tstore(_LOT | lot, Give.unwrap(give));
        else gives[lot] = give;
    }

    function flush(mapping(uint96 lot => Give) storage gives) internal {
        uint256 count = _tload(_COUNT);
        if (count == 0) return;
        _tstore(_COUNT, 0);
        for (uint256 i = 1; i <= count; ++i) {
            uint96 lot = uint96(_tload(_COUNT + i));
            uint256 fresh = _tload(_LOT | lot);
            // A lot may be on the list twice.
            if (fresh == 0) continue;
            _tstore(_LOT | lot, 0);
            gives[lot] = Give.wrap(fresh);
        }
    }

    function _tload(uint256 key) private view returns (uint256 value) {
        assembly ("memory-safe") {
            value := tload(key)
        }
    }

    function _tstore(uint256 key, uint256 value) private {
        assembly ("memory-safe") {
            tstore(key, value)
        }
    }
}
