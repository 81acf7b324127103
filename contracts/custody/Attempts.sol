// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ICustodyLedger} from "../interfaces/ICustodyLedger.sol";
import {Device} from "../libraries/Device.sol";
import {Entry} from "../libraries/Entry.sol";
import {Ids} from "../libraries/Ids.sol";
import {Lot, LotSlot} from "../libraries/Lot.sol";
import {Answers} from "../libraries/Outcomes.sol";
import {Queue, Queues} from "../libraries/Queue.sol";
import {Step, StepFields} from "../libraries/Step.sol";
import {TotalsSlot} from "../libraries/Totals.sol";
import {Answering} from "./Answering.sol";
import {Knowing} from "./Knowing.sol";
import {Leaving} from "./Leaving.sol";

/// @title Steps carried out at once, or kept in the order of their journal until they can be
abstract contract Attempts is Leaving, Answering, Knowing {
    using Queues for Queue;

    /// @dev Rules 4 and 7.
    function _attempt(
        uint64 device,
        uint96 lotId,
        Step memory step
    ) internal returns (uint8 answer) {
        if (_predecessor != address(0)) _bringOver(device, lotId);
        Lot lot = _lots[lotId];
        bool shuts = lot.holder() == device && !lot.isShut();
        if (shuts) lot = lot.shut();

        bool mustWait = !lot.isHeldBy(device) && _isWaitingOn(lotId, device);
        answer = mustWait ? Answers.NOT_READY : _judge(device, lotId, lot, step);
        // Carried out, a step has written the lot as it was handed over: shut. A redirection leaves the lot as
        // it is, but only a give could come before it.
        if (shuts && answer != Answers.APPLIED) _lots[lotId] = lot;
        if (answer == Answers.NOT_READY) {
            answer = _wait(device, lotId, step);
            if (answer != Answers.DEFERRED) _endPromises(device, step, answer);
            return answer;
        }
        _endPromises(device, step, answer);
        if (answer == Answers.APPLIED) _settleAfter(device, lotId, step);
    }

    /// @dev Rule 3. Gives up a step of this device that still waits, but for one that only changes to whom the
    /// lot is given.
    function _withdrawWaiting(uint64 device, uint96 lotId, uint40 seq) internal returns (bool) {
        if (!_isWaitingOn(lotId, device)) return false;
        Queue storage queue = _queues[_queueKey(lotId, device)];
        uint256[] memory steps = queue.all();
        for (uint256 place = 0; place < steps.length; ++place) {
            uint256 a = steps[place];
            if (StepFields.seqOf(a) != seq || _changesReceiver(a)) continue;
            queue.remove(steps, place);
            _decide(device, lotId, _recall(device, lotId, a), Answers.CONFLICT);
            return true;
        }
        return false;
    }

    /// @dev Judges the first step that a device has waiting on a lot. Returns false when it must wait on.
    function _settleFront(uint96 lotId, uint64 device) internal returns (bool) {
        Queue storage queue = _queues[_queueKey(lotId, device)];
        uint256 a = queue.front();
        if (a == 0) return false;
        Step memory step = _recall(device, lotId, a);
        uint8 answer = _judge(device, lotId, _lots[lotId], step);
        if (answer == Answers.NOT_READY) return false;
        queue.pop();
        _decide(device, lotId, step, answer);
        return true;
    }

    /// @dev A step that waited is over, and out of its queue.
    function _decide(uint64 device, uint96 lotId, Step memory step, uint8 answer) private {
        if (_isAnswer(step.a)) _forget(device, lotId, step);
        _closeDeferral(device, lotId);
        _endPromises(device, step, answer);
        emit ICustodyLedger.Settled(device, step.seq(), lotId, answer);
    }

    /// @dev Tries the one step that an applied one most likely set free: its counterpart's.
    function _settleAfter(uint64 device, uint96 lotId, Step memory step) private {
        uint8 kind = step.kind();
        if (kind == Entry.GIVE || kind == Entry.REDIRECT) {
            uint256 key = _giveKey(device, step.seq(), Ids.organisationOf(step.to()), lotId);
            uint64 waiting = uint64(_expected[key].answer >> 192);
            if (waiting != 0) _settleFront(lotId, waiting);
        } else if (kind == Entry.REFUSE || (kind == Entry.TAKE && step.takeIntoSerial() != 0)) {
            // After a take in part or a refusal the lot is back with its giver, whose next step may wait.
            Lot lot = _lots[lotId];
            if (lot.holder() == step.giver() && lot.status() == LotSlot.LEAVING) {
                _settleFront(lotId, lot.holder());
            }
        }
    }

    /// @param lot As it stands.
    function _judge(
        uint64 device,
        uint96 lotId,
        Lot lot,
        Step memory step
    ) private returns (uint8) {
        uint8 kind = step.kind();
        if (kind == Entry.TAKE || kind == Entry.REFUSE) {
            return _judgeAnswer(device, lotId, lot, step);
        }
        if (kind == Entry.WITHDRAW || kind == Entry.REDIRECT) {
            return _judgeUndoing(device, lotId, lot, step);
        }
        return _judgeLeaving(device, lotId, lot, step);
    }

    /// @dev Rule 18. A lot follows its holder from the ledger before, with that device's next step on it.
    function _bringOver(uint64 device, uint96 lotId) private {
        if (!_lots[lotId].isNone()) return;
        Lot lot = Lot.wrap(ICustodyLedger(_predecessor).packedLotOf(lotId));
        if (!lot.isHeldBy(device) || lot.pendings() != 0) return;
        (, Device before, , , ) = _findBefore(device);
        if (before.isNone()) return;
        _lots[lotId] = lot.shut();
        _hold(device, lotId);
        _book(device, lot.stream(), TotalsSlot.GAINED, lot.grams());
    }
}
