// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title How an entry is packed into words, and nothing else
/// @dev `head` is an entry's first word: kind 8, words 8, flags 16, occurred_at 40, then 184 bits of the
/// kind's own. Names end in the number of the word they are read from, but for those of the first.
library Entry {
    uint8 internal constant LIFT = 1;
    uint8 internal constant LOAD = 2;
    uint8 internal constant GIVE = 3;
    uint8 internal constant TAKE = 4;
    uint8 internal constant WITHDRAW = 5;
    uint8 internal constant WEIGH = 6;
    uint8 internal constant MERGE = 7;
    uint8 internal constant CLOSE = 12;
    uint8 internal constant ACKNOWLEDGE = 16;
    uint8 internal constant ANCHOR = 17;
    uint8 internal constant MARK = 18;
    uint8 internal constant SHIFT_END = 19;
    uint8 internal constant DECLINE = 20;
    uint8 internal constant ENROL = 32;
    uint8 internal constant REVOKE = 33;
    uint8 internal constant SITE = 40;
    uint8 internal constant PLACE = 41;

    uint256 internal constant LIFT_KIND_AND_STREAM = (0xff << 248) | (0xf << 204);

    /// @dev Byte k is the number of words that kind k must have; 0 means that no rule knows the kind.
    bytes32 private constant _WORD_COUNTS_0 =
        hex"0001010404010302_0000000002000000_0202020101000000_0000000000000000";
    bytes32 private constant _WORD_COUNTS_32 =
        hex"0301000000000000_0202000000000000_0000000000000000_0000000000000000";

    /// @notice Returns how many words an entry of this kind must have, or 0 for a kind without a rule.
    function wordCountOf(uint8 kind_) internal pure returns (uint8) {
        if (kind_ < 32) return uint8(_WORD_COUNTS_0[kind_]);
        if (kind_ < 64) return uint8(_WORD_COUNTS_32[kind_ - 32]);
        return 0;
    }

    function kind(uint256 head) internal pure returns (uint8) {
        return uint8(head >> 248);
    }

    /// @notice Returns how many words the entry says it has; a lift is always one.
    function words(uint256 head) internal pure returns (uint8) {
        return kind(head) == LIFT ? 1 : uint8(head >> 240);
    }

    /* ------------------------------------------ lift ------------------------------------------ */

    /// @notice Returns what is left of a lift into this stream under the mask LIFT_KIND_AND_STREAM.
    function liftOf(uint8 stream) internal pure returns (uint256) {
        return (uint256(LIFT) << 248) | (uint256(stream) << 204);
    }

    function liftBin(uint256 lift) internal pure returns (uint40) {
        return uint40(lift >> 208);
    }

    function liftStream(uint256 lift) internal pure returns (uint8) {
        return uint8((lift >> 204) & 0xf);
    }

    function liftGrade(uint256 lift) internal pure returns (uint8) {
        return uint8((lift >> 200) & 0xf);
    }

    function liftBasis(uint256 lift) internal pure returns (uint8) {
        return uint8((lift >> 196) & 0xf);
    }

    function liftFlags(uint256 lift) internal pure returns (uint8) {
        return uint8((lift >> 192) & 0xf);
    }

    function liftOccurredAt(uint256 lift) internal pure returns (uint40) {
        return uint40(lift >> 152);
    }

    function liftGrams(uint256 lift) internal pure returns (uint32) {
        return uint32(lift >> 120);
    }

    function liftEvidence(uint256 lift) internal pure returns (bytes15) {
        return bytes15(uint120(lift));
    }

    /* ------------------------------------- any other kind ------------------------------------- */

    function flags(uint256 head) internal pure returns (uint16) {
        return uint16(head >> 224);
    }

    function occurredAt(uint256 head) internal pure returns (uint40) {
        return uint40(head >> 184);
    }

    /// @dev load, give, take, withdraw, weigh, merge, close
    function lot(uint256 head) internal pure returns (uint96) {
        return uint96(head >> 88);
    }

    /// @dev give, take, merge, close; the net mass of a weigh
    function grams(uint256 head) internal pure returns (uint48) {
        return uint48(head >> 40);
    }

    function loadStream(uint256 head) internal pure returns (uint8) {
        return uint8(head >> 80);
    }

    function giveTo1(uint256 word1) internal pure returns (uint64) {
        return uint64(word1 >> 192);
    }

    function takeGiveSeq(uint256 head) internal pure returns (uint40) {
        return uint40(head);
    }

    function takeGiver1(uint256 word1) internal pure returns (uint64) {
        return uint64(word1 >> 192);
    }

    function withdrawGiveSeq(uint256 head) internal pure returns (uint40) {
        return uint40(head >> 48);
    }

    function weighGross1(uint256 word1) internal pure returns (uint48) {
        return uint48(word1 >> 208);
    }

    function weighTare1(uint256 word1) internal pure returns (uint48) {
        return uint48(word1 >> 160);
    }

    function mergeInto1(uint256 word1) internal pure returns (uint96) {
        return uint96(word1 >> 160);
    }

    function mergeStream1(uint256 word1) internal pure returns (uint8) {
        return uint8(word1 >> 152);
    }

    function closeFate1(uint256 word1) internal pure returns (uint8) {
        return uint8(word1 >> 248);
    }

    /// @dev enrol, revoke: the device; site, place: the site
    function subject(uint256 head) internal pure returns (uint64) {
        return uint64(head >> 120);
    }

    function enrolRole(uint256 head) internal pure returns (uint8) {
        return uint8(head >> 112);
    }

    function enrolScheme(uint256 head) internal pure returns (uint8) {
        return uint8(head >> 104);
    }

    function enrolNotAfter(uint256 head) internal pure returns (uint40) {
        return uint40(head >> 64);
    }

    function siteKind(uint256 head) internal pure returns (uint8) {
        return uint8(head >> 112);
    }

    function placeCount(uint256 head) internal pure returns (uint40) {
        return uint40(head >> 80);
    }
}
