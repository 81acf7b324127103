// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @dev Four sums of grams in one slot, 64 bits each: lifted, gained, out, lost.
/// Each counts modulo 2^64, so that no sum can ever block an entry or spill into its neighbour.
type Totals is uint256;

using TotalsSlot for Totals global;

/// @title Packing of totals
library TotalsSlot {
    uint256 internal constant LIFTED = 192;
    uint256 internal constant GAINED = 128;
    uint256 internal constant OUT = 64;
    uint256 internal constant LOST = 0;

    function sum(Totals totals, uint256 lane) internal pure returns (uint64) {
        return uint64(Totals.unwrap(totals) >> lane);
    }

    function plus(Totals totals, uint256 lane, uint256 grams) internal pure returns (Totals) {
        unchecked {
            uint256 grown = uint256(uint64((Totals.unwrap(totals) >> lane) + grams)) << lane;
            return
                Totals.wrap((Totals.unwrap(totals) & ~(uint256(type(uint64).max) << lane)) | grown);
        }
    }
}
