// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @dev A lot in one slot: holder 64, grams 48, lifts 32, last lift's seq 40, pendings 16, stream 8,
/// status 8, shut 8, mixture 8, spare 24. Zero means that no such lot was opened.
type Lot is uint256;

using LotSlot for Lot global;

/// @title Packing of a lot's slot
library LotSlot {
    uint8 internal constant HELD = 1;
    uint8 internal constant GIVEN = 2;
    uint8 internal constant MERGED = 3;
    uint8 internal constant CLOSED = 4;
    uint8 internal constant LEAVING = 5;
    uint8 internal constant PROMISED = 6;

    uint256 internal constant MAX_GRAMS = type(uint48).max;

    uint256 private constant _HOLDER = uint256(type(uint64).max) << 192;
    uint256 private constant _GRAMS = uint256(type(uint48).max) << 144;
    uint256 private constant _LIFTS = uint256(type(uint32).max) << 112;
    uint256 private constant _LAST_SEQ = uint256(type(uint40).max) << 72;
    uint256 private constant _ONE_PENDING = 1 << 56;
    uint256 private constant _STATUS = uint256(type(uint8).max) << 40;
    uint256 private constant _STREAM = uint256(type(uint8).max) << 48;
    uint256 private constant _SHUT = 1 << 32;
    uint256 private constant _MIXTURE = uint256(type(uint8).max) << 24;

    function opened(uint64 holder_, uint8 stream_) internal pure returns (Lot) {
        return
            Lot.wrap((uint256(holder_) << 192) | (uint256(stream_) << 48) | (uint256(HELD) << 40));
    }

    function isNone(Lot lot) internal pure returns (bool) {
        return Lot.unwrap(lot) == 0;
    }

    function holder(Lot lot) internal pure returns (uint64) {
        return uint64(Lot.unwrap(lot) >> 192);
    }

    function grams(Lot lot) internal pure returns (uint48) {
        return uint48(Lot.unwrap(lot) >> 144);
    }

    function lifts(Lot lot) internal pure returns (uint32) {
        return uint32(Lot.unwrap(lot) >> 112);
    }

    function lastSeq(Lot lot) internal pure returns (uint40) {
        return uint40(Lot.unwrap(lot) >> 72);
    }

    function pendings(Lot lot) internal pure returns (uint16) {
        return uint16(Lot.unwrap(lot) >> 56);
    }

    function stream(Lot lot) internal pure returns (uint8) {
        return uint8(Lot.unwrap(lot) >> 48);
    }

    function status(Lot lot) internal pure returns (uint8) {
        return uint8(Lot.unwrap(lot) >> 40);
    }

    function mixture(Lot lot) internal pure returns (uint8) {
        return uint8(Lot.unwrap(lot) >> 24);
    }

    /// @notice Returns whether the lot takes no more loads, lifts and merges.
    function isShut(Lot lot) internal pure returns (bool) {
        return Lot.unwrap(lot) & _SHUT != 0;
    }

    /// @notice Returns whether the lot is in the device's hands with no step of it waiting.
    function isHeldBy(Lot lot, uint64 device) internal pure returns (bool) {
        return lot.holder() == device && lot.status() == HELD;
    }

    function isInHandOf(Lot lot, uint64 device) internal pure returns (bool) {
        uint8 status_ = lot.status();
        return lot.holder() == device && (status_ == HELD || status_ == LEAVING);
    }

    function isGivenBy(Lot lot, uint64 device) internal pure returns (bool) {
        return lot.holder() == device && lot.status() == GIVEN;
    }

    /// @notice Returns whether the device may load, lift or merge into the lot.
    function isOpenTo(Lot lot, uint64 device) internal pure returns (bool) {
        return lot.isHeldBy(device) && !lot.isShut();
    }

    function withStatus(Lot lot, uint8 status_) internal pure returns (Lot) {
        return Lot.wrap((Lot.unwrap(lot) & ~_STATUS) | (uint256(status_) << 40));
    }

    function withGrams(Lot lot, uint48 grams_) internal pure returns (Lot) {
        return Lot.wrap((Lot.unwrap(lot) & ~_GRAMS) | (uint256(grams_) << 144));
    }

    /// @dev The caller has checked that the sum of grams fits; lifts count modulo 2^32.
    function plus(Lot lot, uint48 grams_, uint32 lifts_) internal pure returns (Lot) {
        unchecked {
            uint256 raw = Lot.unwrap(lot) + (uint256(grams_) << 144);
            uint256 count = uint256(lot.lifts() + lifts_);
            return Lot.wrap((raw & ~_LIFTS) | (count << 112));
        }
    }

    function withLastSeq(Lot lot, uint40 seq) internal pure returns (Lot) {
        return Lot.wrap((Lot.unwrap(lot) & ~_LAST_SEQ) | (uint256(seq) << 72));
    }

    function withOneMorePending(Lot lot) internal pure returns (Lot) {
        return Lot.wrap(Lot.unwrap(lot) + _ONE_PENDING);
    }

    function withOneLessPending(Lot lot) internal pure returns (Lot) {
        return Lot.wrap(Lot.unwrap(lot) - _ONE_PENDING);
    }

    function shut(Lot lot) internal pure returns (Lot) {
        return Lot.wrap(Lot.unwrap(lot) | _SHUT);
    }

    function withHolder(Lot lot, uint64 holder_) internal pure returns (Lot) {
        return Lot.wrap((Lot.unwrap(lot) & ~_HOLDER) | (uint256(holder_) << 192));
    }

    function withStream(Lot lot, uint8 stream_) internal pure returns (Lot) {
        return Lot.wrap((Lot.unwrap(lot) & ~_STREAM) | (uint256(stream_) << 48));
    }

    function withMixture(Lot lot, uint8 mixture_) internal pure returns (Lot) {
        return Lot.wrap((Lot.unwrap(lot) & ~_MIXTURE) | (uint256(mixture_) << 24));
    }
}
