// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Codes} from "../libraries/Codes.sol";
import {Entry} from "../libraries/Entry.sol";
import {Ids} from "../libraries/Ids.sol";
import {Lot, LotSlot} from "../libraries/Lot.sol";
import {Answers} from "../libraries/Outcomes.sol";
import {Step, StepFields} from "../libraries/Step.sol";
import {TotalsSlot} from "../libraries/Totals.sol";
import {Attempts} from "./Attempts.sol";

/// @title Entries that are steps on a lot: what can be seen from them and their own journal alone
/// @dev Rule 3.
abstract contract Stepping is Attempts {
    uint256 internal constant MAX_OUTPUTS = 16;

    /// @param journalHead The head after this entry.
    function _step(
        uint64 device,
        uint40 seq,
        bytes calldata entry,
        bytes32 journalHead
    ) internal returns (uint8) {
        uint256 head = Entry.word(entry, 0);
        uint8 kind = Entry.kind(head);
        if (kind == Entry.TAKE) return _take(device, seq, entry);
        if (kind == Entry.GIVE || kind == Entry.REDIRECT) {
            uint64 to = Entry.party1(Entry.word(entry, 1));
            // 0 stands for somebody who is not registered.
            if (to == device || (to != 0 && Ids.organisationOf(to) == 0)) return Answers.INVALID;
            uint40 giveSeq = kind == Entry.REDIRECT ? Entry.giveSeq(head) : 0;
            uint256 given = StepFields.give(kind, seq, to, journalHead, giveSeq);
            return _attempt(device, Entry.lot(head), Step(given, 0, 0));
        }
        if (kind == Entry.WITHDRAW) return _withdraw(device, seq, head);
        if (kind == Entry.MERGE || kind == Entry.SPLIT) {
            return _mergeOrSplit(device, seq, head, Entry.word(entry, 1));
        }
        if (kind == Entry.TRANSFORM) return _transform(device, seq, entry);
        if (kind == Entry.REFUSE) return _refuse(device, seq, entry);
        uint8 fate = Entry.closeFate1(Entry.word(entry, 1));
        if (!Codes.isFate(fate)) return Answers.INVALID;
        uint256 a = StepFields.begin(kind, seq) | (uint256(fate) << 200);
        return _attempt(device, Entry.lot(head), Step(a, 0, 0));
    }

    function _withdraw(uint64 device, uint40 seq, uint256 head) private returns (uint8) {
        uint96 lotId = Entry.lot(head);
        uint40 undone = Entry.undoneSeq(head);
        if (_withdrawWaiting(device, lotId, undone)) return Answers.APPLIED;
        uint256 a = StepFields.begin(Entry.WITHDRAW, seq) | (uint256(undone) << 168);
        return _attempt(device, lotId, Step(a, 0, 0));
    }

    function _mergeOrSplit(
        uint64 device,
        uint40 seq,
        uint256 head,
        uint256 word1
    ) private returns (uint8) {
        uint96 lotId = Entry.lot(head);
        uint96 intoId = Entry.into1(word1);
        uint8 stream = Entry.intoStream1(word1);
        if (!Ids.isOwn(device, intoId) || intoId == lotId || !Codes.isStream(stream)) {
            return Answers.INVALID;
        }
        uint8 kind = Entry.kind(head);
        uint256 a = StepFields.begin(kind, seq) | (uint256(Ids.lotSerialOf(intoId)) << 176);
        if (kind == Entry.SPLIT) {
            uint48 grams = Entry.grams(head);
            if (!_promise(device, intoId, grams, stream)) return Answers.CONFLICT;
            a |= (uint256(grams) << 128) | (uint256(stream) << 120);
        } else {
            Lot into = _lots[intoId];
            if (into.isNone()) into = LotSlot.opened(device, stream);
            if (!into.isOpenTo(device) || into.stream() != stream) return Answers.CONFLICT;
            _lots[intoId] = into.withOneMorePending();
        }
        return _attempt(device, lotId, Step(a, 0, 0));
    }

    /// @dev The outputs are the entry's own next lots, first; measures (lot 0) follow and move nothing.
    function _transform(uint64 device, uint40 seq, bytes calldata entry) private returns (uint8) {
        uint256 head = Entry.word(entry, 0);
        uint256 word1 = Entry.word(entry, 1);
        uint256 count = Entry.transformOutputs(head);
        uint96 first = Entry.itemLot(Entry.word(entry, 2));
        (bool isSound, uint256 grams) = _weighOutputs(device, entry, count, first);
        uint8 isGain = Entry.transformIsGain1(word1);
        uint96 lotId = Entry.lot(head);
        bool isAmongThem = lotId >= first && lotId < uint256(first) + count;
        if (!isSound || isAmongThem || isGain > 1) return Answers.INVALID;

        for (uint256 i = 0; i < count; ++i) {
            if (!_lots[first + uint96(i)].isNone()) return Answers.CONFLICT;
        }
        for (uint256 i = 0; i < count; ++i) {
            uint48 amount = Entry.itemAmount(Entry.word(entry, 2 + i));
            _promise(device, first + uint96(i), amount, Codes.STREAM_RESIDUAL);
        }
        uint256 a =
            StepFields.begin(Entry.TRANSFORM, seq) |
                (uint256(Ids.lotSerialOf(first)) << 176) |
                (count << 168) |
                (grams << 120) |
                (uint256(Entry.transformLoss1(word1)) << 72) |
                (uint256(isGain) << 64);
        return _attempt(device, lotId, Step(a, 0, 0));
    }

    function _weighOutputs(
        uint64 device,
        bytes calldata entry,
        uint256 count,
        uint96 first
    ) private pure returns (bool isSound, uint256 grams) {
        uint256 items = entry.length / 32 - 2;
        if (count == 0 || count > MAX_OUTPUTS || count > items) return (false, 0);
        if (!Ids.isOwn(device, first)) return (false, 0);
        if (uint256(Ids.lotSerialOf(first)) + count - 1 > type(uint32).max) return (false, 0);
        for (uint256 i = 0; i < items; ++i) {
            uint256 item = Entry.word(entry, 2 + i);
            if (Entry.itemLot(item) != (i < count ? first + uint96(i) : 0)) return (false, 0);
            if (i < count) grams += Entry.itemAmount(item);
        }
        isSound = grams <= LotSlot.MAX_GRAMS;
    }

    function _take(uint64 device, uint40 seq, bytes calldata entry) private returns (uint8) {
        uint256 head = Entry.word(entry, 0);
        uint256 word1 = Entry.word(entry, 1);
        uint96 intoId = Entry.takeInto3(Entry.word(entry, 3));
        uint96 lotId = Entry.lot(head);
        uint8 stream = Entry.takeStream1(word1);
        uint64 giver = Entry.party1(word1);
        uint48 grams = Entry.grams(head);
        if (giver == 0) return _takeUnattested(device, lotId, stream, grams, intoId);
        if (giver == device || stream > Codes.STREAM_LAST) return Answers.INVALID;
        if (intoId != 0) {
            if (!Ids.isOwn(device, intoId) || intoId == lotId) return Answers.INVALID;
            uint8 promised = stream == 0 ? Codes.STREAM_RESIDUAL : stream;
            if (!_promise(device, intoId, grams, promised)) return Answers.CONFLICT;
        }
        uint256 a =
            StepFields.begin(Entry.TAKE, seq) |
                (uint256(giver) << 144) |
                (uint256(Entry.giveSeq(head)) << 104) |
                (uint256(grams) << 56) |
                (uint256(stream) << 48) |
                (uint256(Ids.lotSerialOf(intoId)) << 16);
        uint256 b = ((Entry.word(entry, 2) >> 152) << 152) | (uint256(Entry.occurredAt(head)) << 8);
        uint256 c = 0;
        uint256 word4 = Entry.word(entry, 4);
        uint64 principal = Entry.takePrincipal4(word4);
        if (principal != 0) {
            b |= (uint256(principal) << 88) | (uint256(Entry.takeMandateSeq4(word4)) << 48);
            c = uint256(Entry.takeSite4(word4)) << 192;
        }
        return _attempt(device, lotId, Step(a, b, c));
    }

    /// @dev A lot from somebody who is not registered begins here, in a lot of the taker's own.
    function _takeUnattested(
        uint64 device,
        uint96 lotId,
        uint8 stream,
        uint48 grams,
        uint96 intoId
    ) private returns (uint8) {
        if (!Ids.isOwn(device, lotId) || !Codes.isStream(stream) || intoId != 0) {
            return Answers.INVALID;
        }
        if (!_lots[lotId].isNone()) return Answers.CONFLICT;
        _lots[lotId] = LotSlot.opened(device, stream).plus(grams, 0).shut();
        _book(device, stream, TotalsSlot.GAINED, grams);
        return Answers.APPLIED_UNATTESTED;
    }

    function _refuse(uint64 device, uint40 seq, bytes calldata entry) private returns (uint8) {
        uint256 head = Entry.word(entry, 0);
        uint64 giver = Entry.party1(Entry.word(entry, 1));
        if (giver == 0 || giver == device) return Answers.INVALID;
        uint256 a =
            StepFields.begin(Entry.REFUSE, seq) |
                (uint256(giver) << 144) |
                (uint256(Entry.giveSeq(head)) << 104);
        uint256 b = (Entry.word(entry, 2) >> 152) << 152;
        return _attempt(device, Entry.lot(head), Step(a, b, 0));
    }
}
