// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @dev A device's desk in one slot, from the highest bits down: a scale's last ticket 40, open deferrals 16,
/// serial of the lot that its next lifts go into 32 (lowest).
type Desk is uint256;

using DeskSlot for Desk global;

/// @title Packing of a desk's slot
library DeskSlot {
    uint256 private constant _TICKET = uint256(type(uint40).max) << 48;

    function serial(Desk desk) internal pure returns (uint32) {
        return uint32(Desk.unwrap(desk));
    }

    function openDeferrals(Desk desk) internal pure returns (uint16) {
        return uint16(Desk.unwrap(desk) >> 32);
    }

    function lastTicket(Desk desk) internal pure returns (uint40) {
        return uint40(Desk.unwrap(desk) >> 48);
    }

    function withSerial(Desk desk, uint32 serial_) internal pure returns (Desk) {
        return Desk.wrap((Desk.unwrap(desk) & ~uint256(type(uint32).max)) | serial_);
    }

    function withOneMore(Desk desk) internal pure returns (Desk) {
        return Desk.wrap(Desk.unwrap(desk) + (1 << 32));
    }

    function withOneLess(Desk desk) internal pure returns (Desk) {
        return Desk.wrap(Desk.unwrap(desk) - (1 << 32));
    }

    function withTicket(Desk desk, uint40 ticket) internal pure returns (Desk) {
        return Desk.wrap((Desk.unwrap(desk) & ~_TICKET) | (uint256(ticket) << 48));
    }
}
