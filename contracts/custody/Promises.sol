// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Entry} from "../libraries/Entry.sol";
import {Ids} from "../libraries/Ids.sol";
import {LotSlot} from "../libraries/Lot.sol";
import {Answers} from "../libraries/Outcomes.sol";
import {Step} from "../libraries/Step.sol";
import {Waiting} from "./Waiting.sol";

/// @title Lots that are to come out of a step
abstract contract Promises is Waiting {
    /// @dev Returns whether the lot could be promised; not when it exists.
    function _promise(
        uint64 device,
        uint96 lotId,
        uint48 grams,
        uint8 stream
    ) internal returns (bool) {
        if (!_lots[lotId].isNone()) return false;
        _lots[lotId] = LotSlot
            .opened(device, stream)
            .plus(grams, 0)
            .withStatus(LotSlot.PROMISED)
            .shut();
        return true;
    }

    /// @dev When a step is decided: its lots are there, empty unless it was applied, and a merge is no longer
    /// pending.
    function _endPromises(uint64 device, Step memory step, uint8 answer) internal {
        (uint96 lotId, uint256 count) = _promisedBy(device, step);
        for (; count != 0; --count) {
            if (answer != Answers.APPLIED) _lots[lotId] = _lots[lotId].withGrams(0);
            _lots[lotId] = _lots[lotId].withStatus(LotSlot.HELD);
            _hold(device, lotId);
            // Before it was promised, the last of them was seen to have a serial of 32 bits.
            unchecked {
                ++lotId;
            }
        }
        if (step.kind() == Entry.MERGE) {
            lotId = Ids.lotOf(device, step.intoSerial());
            _lots[lotId] = _lots[lotId].withOneLessPending();
        }
    }

    /// @dev Says what is in the lots that come out; their grams were written when they were promised.
    function _bringForth(uint64 device, Step memory step, uint8 stream, uint8 mixture) internal {
        (uint96 lotId, uint256 count) = _promisedBy(device, step);
        for (; count != 0; --count) {
            _lots[lotId] = _lots[lotId].withStream(stream).withMixture(mixture);
            unchecked {
                ++lotId;
            }
        }
    }

    function _promisedBy(
        uint64 device,
        Step memory step
    ) private pure returns (uint96 first, uint256 count) {
        uint8 kind = step.kind();
        uint32 serial = kind == Entry.TAKE ? step.takeIntoSerial() : step.intoSerial();
        if (kind == Entry.TAKE) count = serial == 0 ? 0 : 1;
        else if (kind == Entry.SPLIT) count = 1;
        else if (kind == Entry.TRANSFORM) count = step.outputs();
        if (count != 0) first = Ids.lotOf(device, serial);
    }
}
