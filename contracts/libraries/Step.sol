// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @dev An entry that does something to a lot, as it is kept while it waits.
/// `a` begins with kind 8 and seq 40, then holds: give: to 64, head13 104; redirect: to 64, head13 104,
/// give_seq 40; withdraw: give_seq 40; merge: into_serial 32; split: into_serial 32, grams 48, stream 8;
/// close: fate 8; transform: into_serial 32, outputs 8, grams 48, loss 48, is_gain 8; take: giver 64,
/// give_seq 40, grams 48, stream 8, into_serial 32; refuse: giver 64, give_seq 40.
/// `b`, of a take or refusal: head13 104, principal 64, mandate_seq 40, occurred_at 40.
/// `c`, of a take with a principal: site 64. All from the highest bits down.
struct Step {
    uint256 a;
    uint256 b;
    uint256 c;
}

using StepFields for Step global;

/// @title Packing of a step
library StepFields {
    function begin(uint8 kind_, uint40 seq_) internal pure returns (uint256) {
        return (uint256(kind_) << 248) | (uint256(seq_) << 208);
    }

    function give(
        uint8 kind_,
        uint40 seq_,
        uint64 to_,
        bytes32 journalHead,
        uint40 giveSeq_
    ) internal pure returns (uint256 a) {
        a =
            begin(kind_, seq_) |
            (uint256(to_) << 144) |
            (uint256(uint104(bytes13(journalHead))) << 40) |
            giveSeq_;
    }

    function kindOf(uint256 a) internal pure returns (uint8) {
        return uint8(a >> 248);
    }

    function seqOf(uint256 a) internal pure returns (uint40) {
        return uint40(a >> 208);
    }

    function kind(Step memory step) internal pure returns (uint8) {
        return kindOf(step.a);
    }

    function seq(Step memory step) internal pure returns (uint40) {
        return seqOf(step.a);
    }

    /// @dev give, redirect
    function to(Step memory step) internal pure returns (uint64) {
        return uint64(step.a >> 144);
    }

    /// @dev give, redirect: the giver's own head
    function ownHead13(Step memory step) internal pure returns (bytes13) {
        return bytes13(uint104(step.a >> 40));
    }

    function redirectGiveSeq(Step memory step) internal pure returns (uint40) {
        return uint40(step.a);
    }

    function withdrawGiveSeq(Step memory step) internal pure returns (uint40) {
        return uint40(step.a >> 168);
    }

    /// @dev merge, split, transform
    function intoSerial(Step memory step) internal pure returns (uint32) {
        return uint32(step.a >> 176);
    }

    function splitGrams(Step memory step) internal pure returns (uint48) {
        return uint48(step.a >> 128);
    }

    function splitStream(Step memory step) internal pure returns (uint8) {
        return uint8(step.a >> 120);
    }

    function fate(Step memory step) internal pure returns (uint8) {
        return uint8(step.a >> 200);
    }

    function outputs(Step memory step) internal pure returns (uint8) {
        return uint8(step.a >> 168);
    }

    function transformGrams(Step memory step) internal pure returns (uint48) {
        return uint48(step.a >> 120);
    }

    function loss(Step memory step) internal pure returns (uint48) {
        return uint48(step.a >> 72);
    }

    function isGain(Step memory step) internal pure returns (bool) {
        return uint8(step.a >> 64) != 0;
    }

    /// @dev take, refuse
    function giver(Step memory step) internal pure returns (uint64) {
        return uint64(step.a >> 144);
    }

    /// @dev take, refuse
    function giveSeq(Step memory step) internal pure returns (uint40) {
        return uint40(step.a >> 104);
    }

    function takeGrams(Step memory step) internal pure returns (uint48) {
        return uint48(step.a >> 56);
    }

    function takeStream(Step memory step) internal pure returns (uint8) {
        return uint8(step.a >> 48);
    }

    function takeIntoSerial(Step memory step) internal pure returns (uint32) {
        return uint32(step.a >> 16);
    }

    /// @dev take, refuse: the giver's head that they cite
    function citedHead13(Step memory step) internal pure returns (bytes13) {
        return bytes13(uint104(step.b >> 152));
    }

    function principal(Step memory step) internal pure returns (uint64) {
        return uint64(step.b >> 88);
    }

    function mandateSeq(Step memory step) internal pure returns (uint40) {
        return uint40(step.b >> 48);
    }

    function occurredAt(Step memory step) internal pure returns (uint40) {
        return uint40(step.b >> 8);
    }

    function site(Step memory step) internal pure returns (uint64) {
        return uint64(step.c >> 192);
    }
}
