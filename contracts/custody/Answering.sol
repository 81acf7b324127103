// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Entry} from "../libraries/Entry.sol";
import {Give, GiveSlot, Gives} from "../libraries/Gives.sol";
import {Ids} from "../libraries/Ids.sol";
import {Lot, LotSlot} from "../libraries/Lot.sol";
import {Mixing} from "../libraries/Mixing.sol";
import {Answers} from "../libraries/Outcomes.sol";
import {Step} from "../libraries/Step.sol";
import {TotalsSlot} from "../libraries/Totals.sol";
import {Mandates} from "./Mandates.sol";
import {Promises} from "./Promises.sol";

/// @title Takes and refusals: a give is answered
/// @dev Rule 5.
abstract contract Answering is Promises, Mandates {
    function _judgeAnswer(
        uint64 device,
        uint96 lotId,
        Lot lot,
        Step memory step
    ) internal returns (uint8) {
        Give give = lot.isGivenBy(step.giver()) ? Gives.get(_gives, lotId) : GiveSlot.NONE;
        // A lot that is given by somebody else has no give here, and an entry's seq is never 0.
        if (give.seq() != step.giveSeq() || give.seq() == 0) {
            bool isReady =
                lot.isNone()
                    ? Ids.openerOf(lotId) == device
                    : lot.status() == LotSlot.MERGED ||
                        lot.status() == LotSlot.CLOSED ||
                        (lot.holder() == device && lot.status() != LotSlot.GIVEN);
            return isReady ? Answers.CONFLICT : Answers.NOT_READY;
        }
        return
            step.kind() == Entry.TAKE
                ? _takeGiven(device, lotId, lot, give, step)
                : _refuseGiven(device, lotId, lot, give, step);
    }

    function _refuseGiven(
        uint64 device,
        uint96 lotId,
        Lot lot,
        Give give,
        Step memory step
    ) private returns (uint8) {
        if (!Ids.isNamed(give.to(), device) || give.head13() != step.citedHead13()) {
            return Answers.CONFLICT;
        }
        _returnToGiver(lotId, lot);
        return Answers.APPLIED;
    }

    /// @dev 1. its mandates are known, 2. the give it cites, 3. to this device or to one that it has a mandate from,
    /// 4. as no cleaner stream.
    function _takeGiven(
        uint64 device,
        uint96 lotId,
        Lot lot,
        Give give,
        Step memory step
    ) private returns (uint8) {
        uint8 stream = step.takeStream();
        if (stream == 0) stream = lot.stream();
        // 1.
        uint8 authority = Answers.APPLIED;
        uint64 named = device;
        uint256[] memory mandates;
        if (step.principal() != 0) {
            (authority, named, mandates) = _findAuthority(device, step, stream);
            if (authority == Answers.NOT_READY) return Answers.NOT_READY;
        }
        // 2.
        if (give.head13() != step.citedHead13()) return Answers.CONFLICT;
        // 3.
        if (authority != Answers.APPLIED) return authority;
        if (!Ids.isNamed(give.to(), named)) return Answers.CONFLICT;
        // 4.
        if (!Mixing.mayBeTakenAs(stream, lot.stream(), lot.mixture())) {
            return Answers.CONFLICT_CLEANER_STREAM;
        }
        _useUp(mandates, step.takeGrams());
        if (step.takeIntoSerial() != 0) _takePart(device, lotId, lot, step, stream);
        else _takeWhole(device, lotId, lot, step, stream);
        return Answers.APPLIED;
    }

    function _takeWhole(
        uint64 device,
        uint96 lotId,
        Lot lot,
        Step memory step,
        uint8 stream
    ) private {
        Gives.replace(_gives, lotId, GiveSlot.NONE);
        // A take is judged at the front of its queue. Where steps wait behind it, the lot is leaving as soon as
        // the take has left the queue.
        _lots[lotId] = lot
            .withHolder(device)
            .withGrams(step.takeGrams())
            .withStatus(LotSlot.HELD)
            .withStream(stream)
            .withMixture(_mixtureAs(lot, stream))
            .shut();
        _bookWeighing(device, lot.grams(), lot.stream(), step.takeGrams(), stream);
    }

    function _takePart(
        uint64 device,
        uint96 lotId,
        Lot lot,
        Step memory step,
        uint8 stream
    ) private {
        uint48 grams = step.takeGrams();
        uint48 left = lot.grams() > grams ? lot.grams() - grams : 0;
        _returnToGiver(lotId, lot.withGrams(left));
        _bringForth(device, step, stream, _mixtureAs(lot, stream));
        _bookWeighing(device, lot.grams() - left, lot.stream(), grams, stream);
    }

    function _returnToGiver(uint96 lotId, Lot lot) private {
        Gives.replace(_gives, lotId, GiveSlot.NONE);
        _lots[lotId] = lot.withStatus(LotSlot.HELD);
        _hold(lot.holder(), lotId);
    }

    /// @dev Books what the taker weighed more or less, and under which stream.
    /// @param moved The grams that left the lot.
    function _bookWeighing(
        uint64 device,
        uint48 moved,
        uint8 streamBefore,
        uint48 grams,
        uint8 stream
    ) private {
        if (stream != streamBefore) {
            _book(device, streamBefore, TotalsSlot.LOST, moved);
            _book(device, stream, TotalsSlot.GAINED, grams);
        } else if (grams > moved) {
            _book(device, stream, TotalsSlot.GAINED, grams - moved);
        } else if (grams < moved) {
            _book(device, stream, TotalsSlot.LOST, moved - grams);
        }
    }

    function _mixtureAs(Lot lot, uint8 stream) private pure returns (uint8) {
        return stream == lot.stream() ? lot.mixture() : lot.mixture() | Mixing.bitOf(lot.stream());
    }
}
