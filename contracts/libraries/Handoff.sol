// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @dev One half of a handoff in one slot: party 64, seq 40, grams 48, first 13 bytes of a head.
/// Of a give: whom it is to, the give's seq, the lot's grams, the giver's head after it.
/// Of a waiting take: the taker, the take's seq, the grams it accepts, the head it cites.
type Half is uint256;

/// @dev A step that waits, in one slot: kind 8, seq 40, then of a give `to` 64 and head13 104; of a merge
/// into's serial 32; of a close fate 8. Zero means that nothing waits.
type Step is uint256;

using HalfSlot for Half global;
using StepSlot for Step global;

/// @title Packing of one half of a handoff
library HalfSlot {
    Half internal constant NONE = Half.wrap(0);

    function pack(
        uint64 party_,
        uint40 seq_,
        uint48 grams_,
        bytes13 head13_
    ) internal pure returns (Half) {
        return
            Half.wrap(
                (uint256(party_) << 192) |
                    (uint256(seq_) << 152) |
                    (uint256(grams_) << 104) |
                    uint104(head13_)
            );
    }

    function isNone(Half half) internal pure returns (bool) {
        return Half.unwrap(half) == 0;
    }

    function party(Half half) internal pure returns (uint64) {
        return uint64(Half.unwrap(half) >> 192);
    }

    function seq(Half half) internal pure returns (uint40) {
        return uint40(Half.unwrap(half) >> 152);
    }

    function grams(Half half) internal pure returns (uint48) {
        return uint48(Half.unwrap(half) >> 104);
    }

    function head13(Half half) internal pure returns (bytes13) {
        return bytes13(uint104(Half.unwrap(half)));
    }
}

/// @title Packing of a waiting step
library StepSlot {
    /// @dev Not an entry's kind: the device's take of the lot waits, and no step over it.
    uint8 internal constant EXPECTING_KIND = 255;

    Step internal constant NONE = Step.wrap(0);
    Step internal constant EXPECTING = Step.wrap(uint256(EXPECTING_KIND) << 248);

    function give(
        uint8 kind_,
        uint40 seq_,
        uint64 to_,
        bytes13 head13_
    ) internal pure returns (Step) {
        return
            Step.wrap(
                _begin(kind_, seq_) | (uint256(to_) << 144) | (uint256(uint104(head13_)) << 40)
            );
    }

    function merge(uint8 kind_, uint40 seq_, uint32 intoSerial_) internal pure returns (Step) {
        return Step.wrap(_begin(kind_, seq_) | (uint256(intoSerial_) << 176));
    }

    function close(uint8 kind_, uint40 seq_, uint8 fate_) internal pure returns (Step) {
        return Step.wrap(_begin(kind_, seq_) | (uint256(fate_) << 200));
    }

    function isNone(Step step) internal pure returns (bool) {
        return Step.unwrap(step) == 0;
    }

    function isExpecting(Step step) internal pure returns (bool) {
        return kind(step) == EXPECTING_KIND;
    }

    function kind(Step step) internal pure returns (uint8) {
        return uint8(Step.unwrap(step) >> 248);
    }

    function seq(Step step) internal pure returns (uint40) {
        return uint40(Step.unwrap(step) >> 208);
    }

    function to(Step step) internal pure returns (uint64) {
        return uint64(Step.unwrap(step) >> 144);
    }

    function head13(Step step) internal pure returns (bytes13) {
        return bytes13(uint104(Step.unwrap(step) >> 40));
    }

    function intoSerial(Step step) internal pure returns (uint32) {
        return uint32(Step.unwrap(step) >> 176);
    }

    function fate(Step step) internal pure returns (uint8) {
        return uint8(Step.unwrap(step) >> 200);
    }

    function _begin(uint8 kind_, uint40 seq_) private pure returns (uint256) {
        return (uint256(kind_) << 248) | (uint256(seq_) << 208);
    }
}
