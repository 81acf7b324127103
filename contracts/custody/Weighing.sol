// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Codes} from "../libraries/Codes.sol";
import {Desk} from "../libraries/Desk.sol";
import {Device} from "../libraries/Device.sol";
import {Entry} from "../libraries/Entry.sol";
import {Answers} from "../libraries/Outcomes.sol";
import {CustodyStorage} from "./CustodyStorage.sol";

/// @title Weigh tickets
abstract contract Weighing is CustodyStorage {
    /// @dev Rule 8.
    function _weigh(
        uint64 id,
        Device device,
        uint256 head,
        uint256 word1,
        uint256 word2
    ) internal returns (uint8) {
        uint8 role = device.role();
        if (role != Codes.ROLE_SCALE && role != Codes.ROLE_GATE) {
            return Answers.INVALID_NOT_A_SCALE;
        }
        uint256 gross = Entry.weighGross1(word1);
        uint256 ticket = Entry.weighTicket(head);
        bool isSound = gross == uint256(Entry.grams(head)) + Entry.weighTare1(word1);
        if (!isSound || ticket == 0) return Answers.INVALID;
        Desk desk = _desks[id];
        uint256 last = desk.lastTicket();
        if (ticket <= last) return Answers.INVALID_TICKET_REPEATED;
        _desks[id] = desk.withTicket(uint40(ticket));
        if (last != 0 && ticket != last + 1) return Answers.INVALID_TICKET_SKIPPED;
        if (Entry.weighCalibrationUntil2(word2) < Entry.occurredAt(head)) {
            return Answers.INVALID_CALIBRATION_EXPIRED;
        }
        return Answers.APPLIED;
    }
}
