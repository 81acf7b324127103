// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Codes} from "../libraries/Codes.sol";
import {Entry} from "../libraries/Entry.sol";
import {Ids} from "../libraries/Ids.sol";
import {Lot, LotSlot} from "../libraries/Lot.sol";
import {Mixing} from "../libraries/Mixing.sol";
import {Answers} from "../libraries/Outcomes.sol";
import {TotalsSlot} from "../libraries/Totals.sol";
import {CustodyStorage} from "./CustodyStorage.sol";

/// @title Loads and lifts: a lot is filled
abstract contract Loading is CustodyStorage {
    struct Filling {
        uint256 count;
        uint256 applied;
        uint256 last;
        uint256 grams;
        uint8 mixture;
    }

    /// @dev Rule 1.
    function _load(uint64 device, uint256 head) internal returns (uint8) {
        uint96 lotId = Entry.lot(head);
        uint8 stream = Entry.loadStream(head);
        if (!Ids.isOwn(device, lotId) || !Codes.isStream(stream)) return Answers.INVALID;

        Lot lot = _lots[lotId];
        if (lot.isNone()) {
            _lots[lotId] = LotSlot.opened(device, stream);
        } else if (!lot.isOpenTo(device) || lot.stream() != stream) {
            return Answers.CONFLICT;
        }
        _desks[device] = _desks[device].withSerial(Ids.lotSerialOf(lotId));
        return Answers.APPLIED;
    }

    /// @dev Rule 2, for all lifts that follow one another: the lot is read once and written once.
    /// @param words The first of these lifts, and what follows it.
    /// @param seq Of the first.
    /// @param outcomes Filled with `Applied`; only other outcomes are written.
    /// @param index The first lift's place among the entries.
    /// @return count How many lifts there were.
    function _lifts(
        uint64 device,
        bytes calldata words,
        uint40 seq,
        bytes memory outcomes,
        uint256 index
    ) internal returns (uint256 count) {
        uint96 lotId = Ids.lotOf(device, _desks[device].serial());
        Lot lot = Ids.lotSerialOf(lotId) == 0 ? Lot.wrap(0) : _lots[lotId];
        Filling memory filled = _fill(lot, lot.isOpenTo(device), words, outcomes, index);
        count = filled.count;
        if (filled.applied != 0) {
            uint256 lifted = filled.grams - lot.grams();
            uint40 lastSeq = seq + uint40(filled.last);
            _lots[lotId] = lot
                .plus(uint48(lifted), uint32(filled.applied))
                .withLastSeq(lastSeq)
                .withMixture(filled.mixture);
            _book(device, lot.stream(), TotalsSlot.LIFTED, lifted);
        }
    }

    function _fill(
        Lot lot,
        bool isOpen,
        bytes calldata words,
        bytes memory outcomes,
        uint256 index
    ) private pure returns (Filling memory filled) {
        uint8 own = lot.stream();
        filled.grams = lot.grams();
        filled.mixture = lot.mixture();
        uint256 count = 0;
        while (true) {
            if (isOpen) {
                uint256 fitting;
                (fitting, filled.grams) = _countFitting(words[32 * count:], own, filled.grams);
                count += fitting;
                filled.applied += fitting;
                if (fitting != 0) filled.last = count - 1;
            }
            if (32 * count == words.length) break;
            uint256 lift = uint256(bytes32(words[32 * count:]));
            if (Entry.kind(lift) != Entry.LIFT) break;
            uint8 stream = Entry.liftStream(lift);
            uint256 grams = filled.grams + Entry.liftGrams(lift);
            uint8 answer = stream == own ? Answers.APPLIED : Answers.APPLIED_MIXED;
            // A desk without a lot has no stream.
            if (lot.isNone() || !Codes.isStream(stream) || grams > LotSlot.MAX_GRAMS) {
                answer = Answers.INVALID;
            } else if (!isOpen) {
                answer = Answers.CONFLICT;
            } else {
                filled.grams = grams;
                if (stream != own) filled.mixture |= Mixing.bitOf(stream);
                filled.last = count;
                ++filled.applied;
            }
            outcomes[index + count] = bytes1(answer);
            ++count;
        }
        filled.count = count;
    }

    /// @dev Assembly because every lift of a city passes here.
    /// @param stream The lot's.
    /// @return count How many words from the first on are lifts of the lot's own stream that it takes.
    /// @return sum The lot's mass with them.
    function _countFitting(
        bytes calldata words,
        uint8 stream,
        uint256 grams
    ) private pure returns (uint256 count, uint256 sum) {
        sum = grams;
        // A lot so full that these lifts might not fit is filled one by one.
        if (grams + (words.length << 27) > LotSlot.MAX_GRAMS) return (0, sum);
        uint256 wanted = Entry.liftOf(stream);
        uint256 mask = Entry.LIFT_KIND_AND_STREAM;
        uint256 massMask = Entry.LIFT_GRAMS;
        assembly ("memory-safe") {
            let at_ := words.offset
            let end := add(at_, words.length)
            // The mass is summed where it stands in a lift.
            let mass := 0
            // Four lifts are looked at together while all four fit.
            for {} lt(add(at_, 0x60), end) {
                at_ := add(at_, 0x80)
            } {
                let a := calldataload(at_)
                let b := calldataload(add(at_, 0x20))
                let c := calldataload(add(at_, 0x40))
                let d := calldataload(add(at_, 0x60))
                let differing := or(
                    or(xor(a, wanted), xor(b, wanted)),
                    or(xor(c, wanted), xor(d, wanted))
                )
                if and(differing, mask) {
                    break
                }
                a := add(and(a, massMask), and(b, massMask))
                c := add(and(c, massMask), and(d, massMask))
                mass := add(mass, add(a, c))
            }
            for {} lt(at_, end) {
                at_ := add(at_, 0x20)
            } {
                let lift := calldataload(at_)
                if and(xor(lift, wanted), mask) {
                    break
                }
                mass := add(mass, and(lift, massMask))
            }
            count := shr(5, sub(at_, words.offset))
            sum := add(sum, shr(120, mass))
        }
    }
}
