// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IActorRegistry} from "../interfaces/IActorRegistry.sol";
import {ICustodyLedger} from "../interfaces/ICustodyLedger.sol";
import {Codes} from "../libraries/Codes.sol";
import {Device, DeviceSlot} from "../libraries/Device.sol";
import {Ids} from "../libraries/Ids.sol";
import {Journal} from "../libraries/Journal.sol";
import {CustodyStorage} from "./CustodyStorage.sol";

/// @title Who is known, and up to which entry
abstract contract Knowing is CustodyStorage {
    /// @dev Marks a device's seen seq as set; a device without one has zero. Between the two is the brought seq.
    uint256 internal constant _IS_SET = 1 << 80;

    /// @dev A root registrar stands in the registry only, and a device that moved here in the ledger before, until
    /// the first segment of theirs is recorded here.
    function _findDevice(uint64 id) internal view returns (Device device) {
        device = _devices[id];
        if (!device.isNone()) return device;
        if (_predecessor != address(0)) {
            bool wasKnown;
            (wasKnown, device, , , ) = _findBefore(id);
            if (wasKnown) return device;
        }
        (uint64 root, uint160 keyHash, uint8 epoch) = IActorRegistry(_actorRegistry).registrarOf(
            Ids.organisationOf(id)
        );
        if (epoch != 0 && root == id) {
            device = DeviceSlot.enrolled(keyHash, 0, Codes.ROLE_REGISTRAR, 0, epoch);
        }
    }

    function _headOf(uint64 id) internal view returns (bytes32 head) {
        head = _heads[id];
        if (head != 0) return head;
        if (_predecessor != address(0) && _devices[id].isNone()) {
            Device device;
            (, device, head, , ) = _findBefore(id);
            if (!device.isNone()) return head;
        }
        return Journal.head0(block.chainid, address(this), id);
    }

    /// @dev Asks the ledger before.
    /// @return wasKnown Whether it has enrolled or recorded the device.
    /// @return device As it comes over; none unless its journal was closed there for this ledger.
    function _findBefore(
        uint64 id
    )
        internal
        view
        returns (bool wasKnown, Device device, bytes32 head, uint64 origin, uint256 seen)
    {
        uint256 slot;
        address ledger;
        (slot, head, ledger, origin, seen) = ICustodyLedger(_predecessor).journalOf(id);
        wasKnown = slot != 0;
        if (ledger == address(this)) device = Device.wrap(slot).carried();
    }

    /// @dev Before a device is stored here for the first time: what the ledger before knows of it beside its slot.
    function _takeOver(uint64 id) internal {
        if (_predecessor == address(0) || !_devices[id].isNone()) return;
        (, Device device, bytes32 head, uint64 origin, uint256 seen) = _findBefore(id);
        if (device.isNone()) return;
        _heads[id] = head;
        if (device.has(DeviceSlot.PASSKEY)) _origins[id] = origin;
        if (device.has(DeviceSlot.REVOKED | DeviceSlot.FORKED)) _seen[id] = seen;
    }

    function _originOf(uint64 id) internal view returns (uint64 origin) {
        if (_predecessor == address(0) || !_devices[id].isNone()) return _origins[id];
        (, , , origin, ) = _findBefore(id);
    }

    function _keySeen(uint256 seq) internal pure returns (uint256) {
        return _IS_SET | seq;
    }

    /// @dev Rule 15. What a device with two journals has recorded so far counts, and nothing more.
    function _markForked(uint64 id, uint40 seq, bytes32 head) internal {
        Device device = _findDevice(id);
        _takeOver(id);
        uint40 last = device.nextSeq() - 1;
        uint256 before = _seen[id];
        if (before == 0) _seen[id] = _keySeen(last);
        else if (last < uint40(before)) _seen[id] = before ^ uint40(before) ^ last;
        _devices[id] = device.withFlag(DeviceSlot.FORKED);
        emit ICustodyLedger.Forked(id, seq, head);
    }

    /// @dev Rule 19.
    function _isRegistrarOf(uint64 id, Device device, uint64 subject) internal view returns (bool) {
        uint24 organisation = Ids.organisationOf(id);
        if (device.role() != Codes.ROLE_REGISTRAR) return false;
        if (Ids.organisationOf(subject) != organisation) return false;
        (uint8 epoch, bool isSuspended, ) = IActorRegistry(_actorRegistry).standingOf(organisation);
        return device.epoch() == epoch && epoch != 0 && !isSuspended;
    }
}
