// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Codes} from "../libraries/Codes.sol";
import {Entry} from "../libraries/Entry.sol";
import {Give, GiveSlot, Gives} from "../libraries/Gives.sol";
import {Ids} from "../libraries/Ids.sol";
import {Lot, LotSlot} from "../libraries/Lot.sol";
import {Answers} from "../libraries/Outcomes.sol";
import {Step} from "../libraries/Step.sol";
import {TotalsSlot} from "../libraries/Totals.sol";
import {Promises} from "./Promises.sol";

/// @title Steps of a lot's holder: it is given, merged, split, transformed or closed, or a give is undone
/// @dev Rule 5.
abstract contract Leaving is Promises {
    /// @dev A step that needs the lot in hand waits for merges into it, and for a give to be answered.
    function _judgeLeaving(
        uint64 device,
        uint96 lotId,
        Lot lot,
        Step memory step
    ) internal returns (uint8) {
        if (lot.holder() != device) return Answers.CONFLICT;
        uint8 status = lot.status();
        if (status == LotSlot.GIVEN || status == LotSlot.PROMISED) return Answers.NOT_READY;
        if (status != LotSlot.HELD && status != LotSlot.LEAVING) return Answers.CONFLICT;
        if (lot.pendings() != 0) return Answers.NOT_READY;

        uint8 kind = step.kind();
        if (kind == Entry.GIVE) {
            Give give = GiveSlot.pack(step.to(), step.seq(), lot.grams(), step.ownHead13());
            Gives.add(lotId, give);
            _lots[lotId] = lot.withStatus(LotSlot.GIVEN);
            return Answers.APPLIED;
        }
        if (kind == Entry.MERGE) return _mergeLot(device, lotId, lot, step);
        if (kind == Entry.SPLIT) return _splitLot(device, lotId, lot, step);
        if (kind == Entry.TRANSFORM) return _transformLot(device, lotId, lot, step);
        _lots[lotId] = lot.withGrams(0).withStatus(LotSlot.CLOSED);
        uint256 lane = step.fate() == Codes.FATE_LOSS ? TotalsSlot.LOST : TotalsSlot.OUT;
        _book(device, lot.stream(), lane, lot.grams());
        return Answers.APPLIED;
    }

    /// @dev A withdrawal or redirection undoes a give that is there already.
    function _judgeUndoing(
        uint64 device,
        uint96 lotId,
        Lot lot,
        Step memory step
    ) internal returns (uint8) {
        if (lot.holder() == device && lot.status() == LotSlot.PROMISED) return Answers.NOT_READY;
        if (!lot.isGivenBy(device)) return Answers.CONFLICT;
        bool isRedirect = step.kind() == Entry.REDIRECT;
        uint40 giveSeq = isRedirect ? step.redirectGiveSeq() : step.withdrawGiveSeq();
        if (Gives.get(_gives, lotId).seq() != giveSeq) return Answers.CONFLICT;
        if (isRedirect) {
            Give give = GiveSlot.pack(step.to(), step.seq(), lot.grams(), step.ownHead13());
            Gives.replace(_gives, lotId, give);
        } else {
            Gives.replace(_gives, lotId, GiveSlot.NONE);
            _lots[lotId] = lot.withStatus(LotSlot.HELD);
            _hold(device, lotId);
        }
        return Answers.APPLIED;
    }

    function _mergeLot(
        uint64 device,
        uint96 lotId,
        Lot lot,
        Step memory step
    ) private returns (uint8) {
        uint96 intoId = Ids.lotOf(device, step.intoSerial());
        Lot into = _lots[intoId];
        uint256 sum = uint256(into.grams()) + lot.grams();
        if (into.stream() != lot.stream() || sum > LotSlot.MAX_GRAMS) return Answers.INVALID;
        uint8 mixture = into.mixture() | lot.mixture();
        _lots[intoId] = into.plus(lot.grams(), lot.lifts()).withMixture(mixture);
        _lots[lotId] = lot.withGrams(0).withStatus(LotSlot.MERGED);
        return Answers.APPLIED;
    }

    function _splitLot(
        uint64 device,
        uint96 lotId,
        Lot lot,
        Step memory step
    ) private returns (uint8) {
        uint48 grams = step.splitGrams();
        if (step.splitStream() != lot.stream() || grams > lot.grams()) return Answers.INVALID;
        _lots[lotId] = lot.withGrams(lot.grams() - grams);
        _bringForth(device, step, lot.stream(), lot.mixture());
        return Answers.APPLIED;
    }

    function _transformLot(
        uint64 device,
        uint96 lotId,
        Lot lot,
        Step memory step
    ) private returns (uint8) {
        uint256 loss = step.loss();
        bool isGain = step.isGain();
        uint256 into = step.transformGrams();
        bool isBalanced = isGain ? lot.grams() + loss == into : lot.grams() == into + loss;
        if (!isBalanced) return Answers.INVALID;
        _lots[lotId] = lot.withGrams(0).withStatus(LotSlot.CLOSED);
        _bringForth(device, step, lot.stream(), lot.mixture());
        if (loss != 0) {
            _book(device, lot.stream(), isGain ? TotalsSlot.GAINED : TotalsSlot.LOST, loss);
        }
        return Answers.APPLIED;
    }
}
