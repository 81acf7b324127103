// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Desk} from "../libraries/Desk.sol";
import {Entry} from "../libraries/Entry.sol";
import {Ids} from "../libraries/Ids.sol";
import {Lot, LotSlot} from "../libraries/Lot.sol";
import {Answers} from "../libraries/Outcomes.sol";
import {Queue, Queues} from "../libraries/Queue.sol";
import {Step, StepFields} from "../libraries/Step.sol";
import {CustodyStorage} from "./CustodyStorage.sol";

/// @title Steps that wait, one queue for each lot and device
abstract contract Waiting is CustodyStorage {
    using Queues for Queue;

    uint16 public constant MAX_OPEN_DEFERRALS = 256;

    uint256 private constant _TIMES = type(uint256).max >> (256 - 88);

    function _isWaitingOn(uint96 lotId, uint64 device) internal view returns (bool) {
        // Most devices have nothing waiting anywhere, and their desk is read for other reasons too.
        if (_desks[device].openDeferrals() == 0) return false;
        return _queues[_queueKey(lotId, device)].front() != 0;
    }

    /// @dev Rule 4. Lets a step wait at the end of its queue, or says why it cannot.
    function _wait(uint64 device, uint96 lotId, Step memory step) internal returns (uint8) {
        bool isAnswer = _isAnswer(step.a);
        Expected storage expected = _expectedFor(device, lotId, step);
        if (isAnswer && expected.answer != 0) return Answers.CONFLICT;
        Queue storage queue = _queues[_queueKey(lotId, device)];
        Desk desk = _desks[device];
        if (desk.openDeferrals() >= MAX_OPEN_DEFERRALS) return Answers.LATE;
        uint256 count = desk.openDeferrals() == 0 ? 0 : queue.all().length;
        if (count == Queues.MAX) return Answers.LATE;

        if (isAnswer) _keep(expected, device, step);
        queue.push(count, step.a);
        _desks[device] = desk.withOneMore();
        Lot lot = _lots[lotId];
        if (lot.isHeldBy(device)) _lots[lotId] = lot.withStatus(LotSlot.LEAVING);
        return Answers.DEFERRED;
    }

    /// @dev A step has left its queue.
    function _closeDeferral(uint64 device, uint96 lotId) internal {
        _desks[device] = _desks[device].withOneLess();
        _hold(device, lotId);
    }

    /// @dev A lot in a device's hands is leaving while steps of that device wait on it, held otherwise.
    function _hold(uint64 device, uint96 lotId) internal {
        Lot lot = _lots[lotId];
        if (!lot.isInHandOf(device)) return;
        uint8 status = _isWaitingOn(lotId, device) ? LotSlot.LEAVING : LotSlot.HELD;
        if (status != lot.status()) _lots[lotId] = lot.withStatus(status);
    }

    /// @dev Returns a step from its queue's word and what is kept beside the queue.
    function _recall(
        uint64 device,
        uint96 lotId,
        uint256 a
    ) internal view returns (Step memory step) {
        step.a = a;
        if (!_isAnswer(a)) return step;
        Expected storage expected = _expectedFor(device, lotId, step);
        uint256 answer = expected.answer;
        step.b = (uint256(uint104(answer >> 88)) << 152) | (answer & _TIMES & ~uint256(0xff));
        if (uint8(answer) != 0) {
            uint256 mandated = expected.mandated;
            step.b |= (mandated >> 64) << 88;
            step.c = mandated << 192;
        }
    }

    function _forget(uint64 device, uint96 lotId, Step memory step) internal {
        Expected storage expected = _expectedFor(device, lotId, step);
        if (uint8(expected.answer) != 0) expected.mandated = 0;
        expected.answer = 0;
    }

    function _isAnswer(uint256 a) internal pure returns (bool) {
        uint8 kind = StepFields.kindOf(a);
        return kind == Entry.TAKE || kind == Entry.REFUSE;
    }

    function _changesReceiver(uint256 a) internal pure returns (bool) {
        uint8 kind = StepFields.kindOf(a);
        return kind == Entry.GIVE || kind == Entry.WITHDRAW || kind == Entry.REDIRECT;
    }

    function _keep(Expected storage expected, uint64 device, Step memory step) private {
        uint64 principal = step.principal();
        uint256 answer =
            (uint256(device) << 192) | ((step.b >> 152) << 88) | (uint256(step.b) & _TIMES);
        if (principal != 0) {
            answer |= 1;
            expected.mandated = (uint256(principal) << 64) | step.site();
        }
        expected.answer = answer;
    }

    function _expectedFor(
        uint64 device,
        uint96 lotId,
        Step memory step
    ) private view returns (Expected storage) {
        uint24 organisation = Ids.organisationOf(device);
        return _expected[_giveKey(step.giver(), step.giveSeq(), organisation, lotId)];
    }
}
