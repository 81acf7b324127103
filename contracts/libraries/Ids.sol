// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Authority read from an id
/// @dev An organisation's id begins its devices' and sites' ids; a device's id begins its lots'.
library Ids {
    function organisationOf(uint64 deviceOrSite) internal pure returns (uint24) {
        return uint24(deviceOrSite >> 40);
    }

    function serialOf(uint64 device) internal pure returns (uint40) {
        return uint40(device);
    }

    function lotOf(uint64 device, uint32 serial) internal pure returns (uint96) {
        return (uint96(device) << 32) | serial;
    }

    function openerOf(uint96 lot) internal pure returns (uint64) {
        return uint64(lot >> 32);
    }

    function lotSerialOf(uint96 lot) internal pure returns (uint32) {
        return uint32(lot);
    }

    /// @notice Returns whether `to`, a device or (serial 0) an organisation, means this device.
    function isNamed(uint64 to, uint64 device) internal pure returns (bool) {
        return to == device || to == (device >> 40) << 40;
    }

    /// @notice Returns whether the device may open a lot of this id.
    function isOwn(uint64 device, uint96 lot) internal pure returns (bool) {
        return openerOf(lot) == device && lotSerialOf(lot) != 0;
    }
}
