// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @dev A device in one slot: key hash 160, next seq 40, not_after 32, role 8, flags 8, epoch 8.
/// Zero means that no such device is known.
type Device is uint256;

using DeviceSlot for Device global;

/// @title Packing of a device's slot
library DeviceSlot {
    uint8 internal constant REVOKED = 1;
    uint8 internal constant FORKED = 2;
    uint8 internal constant PASSKEY = 4;
    uint8 internal constant PINNED = 8;
    uint8 internal constant MOVED = 16;
    uint8 internal constant ANNOUNCED = 32;
    /// @dev What goes along when a journal moves to another ledger.
    uint8 internal constant CARRIED = REVOKED | FORKED | PASSKEY;

    uint256 private constant _NEXT_SEQ = uint256(type(uint40).max) << 56;
    uint256 private constant _NOT_AFTER = uint256(type(uint32).max) << 24;
    uint256 private constant _FLAGS = uint256(type(uint8).max) << 8;

    /// @notice Returns a device that has recorded nothing yet.
    function enrolled(
        uint160 keyHash_,
        uint32 notAfter_,
        uint8 role_,
        uint8 flags_,
        uint8 epoch_
    ) internal pure returns (Device) {
        return
            Device.wrap(
                (uint256(keyHash_) << 96) |
                    (1 << 56) |
                    (uint256(notAfter_) << 24) |
                    (uint256(role_) << 16) |
                    (uint256(flags_) << 8) |
                    epoch_
            );
    }

    function isNone(Device device) internal pure returns (bool) {
        return Device.unwrap(device) == 0;
    }

    function keyHash(Device device) internal pure returns (uint160) {
        return uint160(Device.unwrap(device) >> 96);
    }

    function nextSeq(Device device) internal pure returns (uint40) {
        return uint40(Device.unwrap(device) >> 56);
    }

    /// @notice Returns the last second at which the device may record, or 0 for no limit.
    function notAfter(Device device) internal pure returns (uint32) {
        return uint32(Device.unwrap(device) >> 24);
    }

    function role(Device device) internal pure returns (uint8) {
        return uint8(Device.unwrap(device) >> 16);
    }

    function flags(Device device) internal pure returns (uint8) {
        return uint8(Device.unwrap(device) >> 8);
    }

    function epoch(Device device) internal pure returns (uint8) {
        return uint8(Device.unwrap(device));
    }

    /// @notice Returns whether any of these flags is set.
    function has(Device device, uint8 flags_) internal pure returns (bool) {
        return flags(device) & flags_ != 0;
    }

    function withNextSeq(Device device, uint40 seq) internal pure returns (Device) {
        return Device.wrap((Device.unwrap(device) & ~_NEXT_SEQ) | (uint256(seq) << 56));
    }

    function withNotAfter(Device device, uint32 notAfter_) internal pure returns (Device) {
        return Device.wrap((Device.unwrap(device) & ~_NOT_AFTER) | (uint256(notAfter_) << 24));
    }

    function withFlag(Device device, uint8 flag) internal pure returns (Device) {
        return Device.wrap(Device.unwrap(device) | (uint256(flag) << 8));
    }

    function withoutFlag(Device device, uint8 flag) internal pure returns (Device) {
        return Device.wrap(Device.unwrap(device) & ~(uint256(flag) << 8));
    }

    /// @notice Returns the device with only those of its flags that go along to another ledger.
    function carried(Device device) internal pure returns (Device) {
        return Device.wrap(Device.unwrap(device) & (~_FLAGS | (uint256(CARRIED) << 8)));
    }
}
