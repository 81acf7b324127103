// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Authority read from an id
/// @dev An organisation's id begins its devices' and sites' ids; a device's id begins its lots'.
library Ids {
    function organisationOf(uint64 deviceOrSite) internal pure returns (uint24) {
        return uint24(deviceOrSite >> 40);
    }

    /// @dev Serial 0 stands for the organisation itself.
    function organisationAsReceiver(uint64 device) internal pure returns (uint64) {
        return (device >> 40) << 40;
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
}
