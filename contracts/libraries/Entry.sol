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
    uint8 internal constant SPLIT = 8;
    uint8 internal constant TRANSFORM = 9;
    uint8 internal constant REFUSE = 10;
    uint8 internal constant REDIRECT = 11;
    uint8 internal constant CLOSE = 12;
    uint8 internal constant AMEND = 13;
    uint8 internal constant DISPUTE = 14;
    uint8 internal constant MANDATE = 15;
    uint8 internal constant ACKNOWLEDGE = 16;
    uint8 internal constant ANCHOR = 17;
    uint8 internal constant MARK = 18;
    uint8 internal constant SHIFT_END = 19;
    uint8 internal constant DECLINE = 20;
    uint8 internal constant ENROL = 32;
    uint8 internal constant REVOKE = 33;
    uint8 internal constant ROTATE = 34;
    uint8 internal constant CLOSE_GAP = 35;
    uint8 internal constant MOVED = 36;
    uint8 internal constant TRANSCRIBED = 37;
    uint8 internal constant SITE = 40;
    uint8 internal constant PLACE = 41;
    /// @dev Kinds from here on are a registrar's.
    uint8 internal constant REGISTRY_KINDS = 32;
    /// @dev In a transcribed entry: the word in which the run's own begin.
    uint256 internal constant TRANSCRIBED_WORDS_AT = 6;

    uint256 internal constant LIFT_KIND_AND_STREAM = (0xff << 248) | (0xf << 204);
    uint256 internal constant LIFT_GRAMS = 0xffffffff << 120;

    /// @dev Byte k is the number of words that kind k must have; 0 means that no rule knows the kind.
    bytes32 private constant _WORD_COUNTS_0 =
        hex"0001010405010302_0202030202030302_0202020101000000_0000000000000000";
    bytes32 private constant _WORD_COUNTS_32 =
        hex"0301040201060000_0202000000000000_0000000000000000_0000000000000000";

    /// @notice Returns how many words an entry of this kind must have, or 0 for a kind without a rule.
    /// @dev Of a kind that may repeat its last word: those before it.
    function wordCountOf(uint8 kind_) internal pure returns (uint8 count) {
        bytes32 from0 = _WORD_COUNTS_0;
        bytes32 from32 = _WORD_COUNTS_32;
        // `byte` has 0 for every place but the 32 of its word.
        assembly ("memory-safe") {
            count := or(byte(kind_, from0), byte(sub(kind_, 32), from32))
        }
    }

    /// @notice Returns whether an entry of a known kind has as many words as its layout asks for.
    function isWellFormed(uint256 head) internal pure returns (bool) {
        uint8 kind_ = kind(head);
        uint8 count = words(head);
        uint8 fixedCount = wordCountOf(kind_);
        if (count == fixedCount) return true;
        return count > fixedCount && (kind_ == TRANSFORM || kind_ == TRANSCRIBED);
    }

    /// @notice Returns whether an entry is a well-formed half of a handoff, which names the other party.
    function isHandoff(uint256 head) internal pure returns (bool) {
        uint8 kind_ = kind(head);
        bool isHalf = kind_ == GIVE || kind_ == TAKE || kind_ == REFUSE || kind_ == REDIRECT;
        return isHalf && isWellFormed(head);
    }

    /// @notice Returns a word of an entry, zero-based; the caller knows that it is there.
    function word(bytes calldata entry, uint256 index) internal pure returns (uint256 value) {
        assembly ("memory-safe") {
            value := calldataload(add(entry.offset, shl(5, index)))
        }
    }

    /// @notice Returns the entry that begins at this byte of a run; the caller knows that it is whole.
    function at(bytes calldata run, uint256 offset) internal pure returns (bytes calldata entry) {
        uint256 head;
        assembly ("memory-safe") {
            entry.offset := add(run.offset, offset)
            head := calldataload(entry.offset)
        }
        uint256 size = 32 * uint256(words(head));
        assembly ("memory-safe") {
            entry.length := size
        }
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

    /// @dev load, weigh and every step
    function lot(uint256 head) internal pure returns (uint96) {
        return uint96(head >> 88);
    }

    /// @dev give, take, merge, split, close, refuse, redirect; the net mass of a weigh
    function grams(uint256 head) internal pure returns (uint48) {
        return uint48(head >> 40);
    }

    function loadStream(uint256 head) internal pure returns (uint8) {
        return uint8(head >> 80);
    }

    /// @dev take, refuse, redirect: the seq of the give that they answer or undo
    function giveSeq(uint256 head) internal pure returns (uint40) {
        return uint40(head);
    }

    /// @dev give, redirect: the receiver; take, refuse: the giver
    function party1(uint256 word1) internal pure returns (uint64) {
        return uint64(word1 >> 192);
    }

    function takeStream1(uint256 word1) internal pure returns (uint8) {
        return uint8(word1 >> 144);
    }

    function takeInto3(uint256 word3) internal pure returns (uint96) {
        return uint96(word3 >> 96);
    }

    function takePrincipal4(uint256 word4) internal pure returns (uint64) {
        return uint64(word4 >> 192);
    }

    function takeMandateSeq4(uint256 word4) internal pure returns (uint40) {
        return uint40(word4 >> 152);
    }

    function takeSite4(uint256 word4) internal pure returns (uint64) {
        return uint64(word4 >> 88);
    }

    function undoneSeq(uint256 head) internal pure returns (uint40) {
        return uint40(head >> 48);
    }

    function weighTicket(uint256 head) internal pure returns (uint40) {
        return uint40(head);
    }

    function weighGross1(uint256 word1) internal pure returns (uint48) {
        return uint48(word1 >> 208);
    }

    function weighTare1(uint256 word1) internal pure returns (uint48) {
        return uint48(word1 >> 160);
    }

    function weighCalibrationUntil2(uint256 word2) internal pure returns (uint40) {
        return uint40(word2 >> 88);
    }

    /// @dev merge, split
    function into1(uint256 word1) internal pure returns (uint96) {
        return uint96(word1 >> 160);
    }

    /// @dev merge, split
    function intoStream1(uint256 word1) internal pure returns (uint8) {
        return uint8(word1 >> 152);
    }

    function transformOutputs(uint256 head) internal pure returns (uint8) {
        return uint8(head >> 32);
    }

    function transformLoss1(uint256 word1) internal pure returns (uint48) {
        return uint48(word1 >> 144);
    }

    function transformIsGain1(uint256 word1) internal pure returns (uint8) {
        return uint8(word1 >> 136);
    }

    function itemLot(uint256 item) internal pure returns (uint96) {
        return uint96(item >> 160);
    }

    function itemAmount(uint256 item) internal pure returns (uint48) {
        return uint48(item >> 112);
    }

    function closeFate1(uint256 word1) internal pure returns (uint8) {
        return uint8(word1 >> 248);
    }

    function mandateOp(uint256 head) internal pure returns (uint8) {
        return uint8(head >> 176);
    }

    function mandateTo(uint256 head) internal pure returns (uint64) {
        return uint64(head >> 112);
    }

    function mandateGrams(uint256 head) internal pure returns (uint48) {
        return uint48(head >> 64);
    }

    function mandateUntil(uint256 head) internal pure returns (uint40) {
        return uint40(head >> 24);
    }

    function mandateDepth(uint256 head) internal pure returns (uint8) {
        return uint8(head >> 16);
    }

    function mandateStreams(uint256 head) internal pure returns (uint16) {
        return uint16(head);
    }

    function mandateSite1(uint256 word1) internal pure returns (uint64) {
        return uint64(word1 >> 192);
    }

    function mandateParent1(uint256 word1) internal pure returns (uint64) {
        return uint64(word1 >> 128);
    }

    function mandateParentSeq1(uint256 word1) internal pure returns (uint40) {
        return uint40(word1 >> 88);
    }

    /// @dev acknowledge, enrol, revoke, rotate, close_gap, transcribed: the device; site, place: the site
    function subject(uint256 head) internal pure returns (uint64) {
        return uint64(head >> 120);
    }

    /// @dev acknowledge: the entry's; close_gap: the first missing; transcribed: the first brought
    function subjectSeq(uint256 head) internal pure returns (uint40) {
        return uint40(head >> 80);
    }

    function acknowledgeVerdict(uint256 head) internal pure returns (uint8) {
        return uint8(head >> 72);
    }

    function acknowledgeHead1(uint256 word1) internal pure returns (bytes17) {
        return bytes17(bytes32(word1));
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

    function enrolOrigin(uint256 head) internal pure returns (uint64) {
        return uint64(head);
    }

    function rotateReplaced3(uint256 word3) internal pure returns (uint64) {
        return uint64(word3 >> 192);
    }

    function closeGapToSeq(uint256 head) internal pure returns (uint40) {
        return uint40(head >> 40);
    }

    function movedLedger(uint256 head) internal pure returns (address) {
        return address(uint160(head));
    }

    function siteKind(uint256 head) internal pure returns (uint8) {
        return uint8(head >> 112);
    }

    function placeCount(uint256 head) internal pure returns (uint40) {
        return uint40(head >> 80);
    }
}
