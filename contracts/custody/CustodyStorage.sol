// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Desk} from "../libraries/Desk.sol";
import {Device} from "../libraries/Device.sol";
import {Give} from "../libraries/Gives.sol";
import {Ids} from "../libraries/Ids.sol";
import {Lot} from "../libraries/Lot.sol";
import {Queue} from "../libraries/Queue.sol";
import {Totals} from "../libraries/Totals.sol";

/// @title What the custody rules read and write
/// @dev The ledger and its DeviceRules share this layout: the latter runs on the ledger's storage.
// solhint-disable-next-line max-states-count
abstract contract CustodyStorage {
    struct Gap {
        uint40 toSeq;
        uint40 opensAt;
        bytes32 head;
    }

    struct Mandate {
        uint64 to;
        uint48 left;
        uint40 until;
        uint8 depth;
        uint16 streams;
        bool isRevoked;
        uint64 site;
        uint64 parent;
        uint40 parentSeq;
    }

    /// @dev The take or refusal that waits for a give: device 64, then what its step keeps beside the queue,
    /// head13 104, mandate_seq 40, occurred_at 40, 1 when there is a principal; behind it principal 64, site 64.
    struct Expected {
        uint256 answer;
        uint256 mandated;
    }

    address internal immutable _actorRegistry;
    address internal immutable _predecessor;

    mapping(uint64 device => Device) internal _devices;
    /// @dev Zero while a journal is empty; `_headOf` then answers head_0.
    mapping(uint64 device => bytes32) internal _heads;
    mapping(uint64 device => uint256) internal _pins;
    mapping(uint64 device => uint256) internal _seen;
    mapping(uint64 device => Gap) internal _gaps;
    mapping(uint64 device => uint64) internal _origins;
    mapping(uint64 device => address) internal _moves;
    mapping(uint64 device => Desk) internal _desks;
    mapping(uint96 lot => Lot) internal _lots;
    mapping(uint96 lot => Give) internal _gives;
    mapping(uint256 queueKey => Queue) internal _queues;
    mapping(uint256 giveKey => Expected) internal _expected;
    mapping(uint256 entryKey => Mandate) internal _mandates;
    mapping(bytes32 releaseKey => bool) internal _releases;
    mapping(uint8 stream => Totals) internal _totals;
    mapping(uint256 dayKey => Totals) internal _dayTotals;
    mapping(bytes32 statement => bool) internal _attested;

    constructor(address actorRegistry_, address predecessor_) {
        _actorRegistry = actorRegistry_;
        _predecessor = predecessor_;
    }

    function _book(uint64 device, uint8 stream, uint256 lane, uint256 grams) internal {
        // The date in Asia/Shanghai.
        uint32 day = uint32((block.timestamp + 8 hours) / 1 days);
        uint256 key = _dayKey(Ids.organisationOf(device), day, stream);
        _totals[stream] = _totals[stream].plus(lane, grams);
        _dayTotals[key] = _dayTotals[key].plus(lane, grams);
    }

    function _queueKey(uint96 lotId, uint64 device) internal pure returns (uint256) {
        return (uint256(lotId) << 64) | device;
    }

    function _giveKey(
        uint64 giver,
        uint40 giveSeq,
        uint24 organisation,
        uint96 lotId
    ) internal pure returns (uint256) {
        return
            (uint256(giver) << 160) |
            (uint256(giveSeq) << 120) |
            (uint256(organisation) << 96) |
            lotId;
    }

    function _entryKey(uint64 device, uint40 seq) internal pure returns (uint256) {
        return (uint256(device) << 40) | seq;
    }

    function _releaseKey(
        uint64 device,
        uint40 seq,
        bytes17 head17,
        uint24 by
    ) internal pure returns (bytes32) {
        return keccak256(abi.encodePacked(device, seq, head17, by));
    }

    function _dayKey(
        uint24 organisation,
        uint32 day,
        uint8 stream
    ) internal pure returns (uint256) {
        return (uint256(organisation) << 40) | (uint256(day) << 8) | stream;
    }
}
