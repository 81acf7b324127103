// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ICustodyLedger} from "../interfaces/ICustodyLedger.sol";
import {Desk} from "../libraries/Desk.sol";
import {Device} from "../libraries/Device.sol";
import {Give} from "../libraries/Gives.sol";
import {Lot} from "../libraries/Lot.sol";
import {Queue, Queues} from "../libraries/Queue.sol";
import {Step} from "../libraries/Step.sol";
import {Totals, TotalsSlot} from "../libraries/Totals.sol";
import {Knowing} from "./Knowing.sol";
import {Waiting} from "./Waiting.sol";

/// @title What anyone can read
abstract contract CustodyViews is ICustodyLedger, Waiting, Knowing {
    using Queues for Queue;

    function actorRegistry() external view returns (address) {
        return _actorRegistry;
    }

    function predecessor() external view returns (address) {
        return _predecessor;
    }

    function deviceOf(
        uint64 device
    )
        external
        view
        returns (
            uint160 keyHash,
            uint40 nextSeq,
            uint32 notAfter,
            uint8 role,
            uint8 flags,
            uint8 epoch
        )
    {
        Device found = _findDevice(device);
        keyHash = found.keyHash();
        nextSeq = found.nextSeq();
        notAfter = found.notAfter();
        role = found.role();
        flags = found.flags();
        epoch = found.epoch();
    }

    function headOf(uint64 device) external view returns (bytes32) {
        return _findDevice(device).isNone() ? bytes32(0) : _headOf(device);
    }

    function pinOf(uint64 device) external view returns (uint40 seq, bytes27 head27) {
        uint256 pin = _pins[device];
        return (uint40(pin >> 216), bytes27(uint216(pin)));
    }

    function seenOf(uint64 device) external view returns (bool isSet, uint40 seq, uint40 brought) {
        uint256 seen = _seen[device];
        return (seen != 0, uint40(seen), uint40(seen >> 40));
    }

    function gapOf(
        uint64 device
    ) external view returns (uint40 toSeq, uint40 opensAt, bytes32 head) {
        Gap storage gap = _gaps[device];
        return (gap.toSeq, gap.opensAt, gap.head);
    }

    function originOf(uint64 device) external view returns (uint64) {
        return _origins[device];
    }

    function movedTo(uint64 device) external view returns (address) {
        return _moves[device];
    }

    function journalOf(
        uint64 device
    )
        external
        view
        returns (uint256 slot, bytes32 head, address ledger, uint64 origin, uint256 seen)
    {
        slot = Device.unwrap(_devices[device]);
        if (slot == 0) return (0, 0, address(0), 0, 0);
        return (slot, _headOf(device), _moves[device], _origins[device], _seen[device]);
    }

    function packedLotOf(uint96 lot) external view returns (uint256) {
        return Lot.unwrap(_lots[lot]);
    }

    function deskOf(
        uint64 device
    ) external view returns (uint32 serial, uint16 openDeferrals, uint40 lastTicket) {
        Desk desk = _desks[device];
        return (desk.serial(), desk.openDeferrals(), desk.lastTicket());
    }

    function lotOf(
        uint96 lot
    )
        external
        view
        returns (
            uint64 holder,
            uint48 grams,
            uint32 lifts,
            uint8 stream,
            uint8 status,
            uint16 pendings,
            uint40 lastSeq,
            bool shut,
            uint8 mixture
        )
    {
        Lot found = _lots[lot];
        holder = found.holder();
        grams = found.grams();
        lifts = found.lifts();
        stream = found.stream();
        status = found.status();
        pendings = found.pendings();
        lastSeq = found.lastSeq();
        shut = found.isShut();
        mixture = found.mixture();
    }

    function giveOf(
        uint96 lot
    ) external view returns (uint64 to, uint40 seq, uint48 grams, bytes13 head13) {
        Give found = _gives[lot];
        return (found.to(), found.seq(), found.grams(), found.head13());
    }

    function queueOf(uint96 lot, uint64 device) external view returns (uint256[3][] memory steps) {
        uint256[] memory waiting = _queues[_queueKey(lot, device)].all();
        steps = new uint256[3][](waiting.length);
        for (uint256 i = 0; i < waiting.length; ++i) {
            Step memory step = _recall(device, lot, waiting[i]);
            steps[i] = [step.a, step.b, step.c];
        }
    }

    function expectedOf(
        uint64 giver,
        uint40 giveSeq,
        uint24 organisation,
        uint96 lot
    ) external view returns (uint64) {
        return uint64(_expected[_giveKey(giver, giveSeq, organisation, lot)].answer >> 192);
    }

    function mandateOf(
        uint64 device,
        uint40 seq
    )
        external
        view
        returns (
            uint64 to,
            uint48 left,
            uint40 until,
            uint8 depth,
            uint16 streams,
            bool isRevoked,
            uint64 site,
            uint64 parent,
            uint40 parentSeq
        )
    {
        Mandate storage found = _mandates[_entryKey(device, seq)];
        to = found.to;
        left = found.left;
        until = found.until;
        depth = found.depth;
        streams = found.streams;
        isRevoked = found.isRevoked;
        site = found.site;
        parent = found.parent;
        parentSeq = found.parentSeq;
    }

    function releaseOf(
        uint64 device,
        uint40 seq,
        bytes17 head17,
        uint24 organisation
    ) external view returns (bool) {
        return _releases[_releaseKey(device, seq, head17, organisation)];
    }

    function totalsOf(
        uint8 stream
    ) external view returns (uint64 lifted, uint64 gained, uint64 out, uint64 lost) {
        return _sums(_totals[stream]);
    }

    function dayTotalsOf(
        uint24 organisation,
        uint32 day,
        uint8 stream
    ) external view returns (uint64 lifted, uint64 gained, uint64 out, uint64 lost) {
        return _sums(_dayTotals[_dayKey(organisation, day, stream)]);
    }

    function attested(bytes32 statement) external view returns (bool) {
        return _attested[statement];
    }

    function _sums(Totals totals) private pure returns (uint64, uint64, uint64, uint64) {
        return (
            totals.sum(TotalsSlot.LIFTED),
            totals.sum(TotalsSlot.GAINED),
            totals.sum(TotalsSlot.OUT),
            totals.sum(TotalsSlot.LOST)
        );
    }
}
