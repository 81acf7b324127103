// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {CustodyRules} from "./CustodyRules.sol";
import {IActorRegistry} from "./interfaces/IActorRegistry.sol";
import {Codes} from "./libraries/Codes.sol";
import {Device, DeviceSlot} from "./libraries/Device.sol";
import {Entry} from "./libraries/Entry.sol";
import {Ids} from "./libraries/Ids.sol";
import {Journal} from "./libraries/Journal.sol";
import {Outcome, Refusal} from "./libraries/Outcomes.sol";
import {Seal} from "./libraries/Seal.sol";

/// @title Journals, their devices and their seals
/// @dev What the entries do to lots is in CustodyRules.
contract CustodyLedger is CustodyRules {
    address public immutable actorRegistry;

    mapping(bytes32 statement => bool) public attested;

    mapping(uint64 device => Device) private _devices;
    /// @dev Zero while a journal is empty; `_headOf` then answers head_0.
    mapping(uint64 device => bytes32) private _heads;

    constructor(address actorRegistry_) {
        if (!Seal.hasP256()) revert NoP256();
        actorRegistry = actorRegistry_;
    }

    function record(Segment[] calldata segments) external {
        bytes32 separator = domainSeparator();
        for (uint256 i = 0; i < segments.length; ++i) {
            Segment calldata segment = segments[i];
            Refusal refusal = _record(segment, separator);
            if (refusal != Refusal.None) {
                emit SegmentRefused(segment.device, segment.firstSeq, uint8(refusal));
            }
        }
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

    function domainSeparator() public view returns (bytes32) {
        return Seal.domainSeparator(block.chainid, address(this));
    }

    /* ----------------------------------------- segments ----------------------------------------- */

    function _record(Segment calldata segment, bytes32 separator) private returns (Refusal) {
        uint64 id = segment.device;
        bytes32[] memory heads = Journal.roll(_headOf(id), segment.words);
        uint256 count = heads.length;
        if (count == 0) return Refusal.Malformed;

        Device device = _findDevice(id);
        Refusal refusal = _check(segment, device, count);
        if (refusal != Refusal.None) return refusal;

        bytes32 head = heads[count - 1];
        uint40 lastSeq = segment.firstSeq + uint40(count - 1);
        bytes32 digest = Seal.digest(separator, id, lastSeq, head);
        if (!Seal.isValid(digest, segment.r, segment.s, segment.x, segment.y)) {
            return Refusal.BadSeal;
        }

        _devices[id] = device.withNextSeq(lastSeq + 1);
        _heads[id] = head;
        bytes memory outcomes = _applyAll(segment, device, heads);
        emit SegmentRecorded(
            id,
            segment.firstSeq,
            head,
            segment.x,
            segment.y,
            segment.r,
            segment.s,
            segment.words,
            outcomes
        );
        return Refusal.None;
    }

    /// @dev In the order in which the treaty names a refusal, but for the seal.
    function _check(
        Segment calldata segment,
        Device device,
        uint256 count
    ) private pure returns (Refusal) {
        if (device.isNone()) return Refusal.UnknownDevice;
        if (Seal.keyHash(segment.x, segment.y) != device.keyHash()) return Refusal.WrongKey;
        uint256 nextSeq = device.nextSeq();
        uint256 firstSeq = segment.firstSeq;
        if (firstSeq > nextSeq) return Refusal.Gap;
        if (firstSeq + count <= nextSeq) return Refusal.AlreadyRecorded;
        if (firstSeq < nextSeq) return Refusal.Overlap;
        return Refusal.None;
    }

    function _applyAll(
        Segment calldata segment,
        Device device,
        bytes32[] memory heads
    ) private returns (bytes memory outcomes) {
        bool isOver = device.notAfter() != 0 && block.timestamp > device.notAfter();
        if (device.isRevoked() || isOver) return _repeat(Outcome.Quarantined, heads.length);

        outcomes = _repeat(Outcome.Applied, heads.length);
        uint256 offset = 0;
        uint256 done = 0;
        while (done < heads.length) {
            uint256 head = _word(segment.words, offset);
            if (Entry.kind(head) == Entry.LIFT) {
                uint256 lifts = _lifts(segment, offset, outcomes, done);
                done += lifts;
                offset += 32 * lifts;
            } else {
                outcomes[done] = bytes1(uint8(_apply(segment, device, offset, heads, done)));
                ++done;
                offset += 32 * uint256(Entry.words(head));
            }
        }
    }

    /// @param offset Where the entry begins in the segment's words.
    /// @param index The entry's place in the segment.
    function _apply(
        Segment calldata segment,
        Device device,
        uint256 offset,
        bytes32[] memory heads,
        uint256 index
    ) private returns (Outcome) {
        bytes calldata words = segment.words[offset:];
        uint256 head = _word(words, 0);
        uint8 kind = Entry.kind(head);
        uint8 count = Entry.wordCountOf(kind);
        if (count == 0) return Outcome.Unknown;
        if (count != Entry.words(head)) return Outcome.Invalid;

        uint64 id = segment.device;
        uint40 seq = segment.firstSeq + uint40(index);
        if (kind == Entry.LOAD) return _load(id, head);
        if (kind == Entry.GIVE) return _give(id, seq, head, _word(words, 32), heads[index]);
        if (kind == Entry.TAKE) {
            return _take(id, seq, head, _word(words, 32), bytes32(_word(words, 64)));
        }
        if (kind == Entry.WITHDRAW) return _withdraw(id, head);
        if (kind == Entry.MERGE) return _merge(id, seq, head, _word(words, 32));
        if (kind == Entry.CLOSE) return _close(id, seq, head, _word(words, 32));
        if (kind == Entry.WEIGH) return _weigh(device, head, _word(words, 32));
        if (kind == Entry.ENROL) {
            return _enrol(id, device, head, bytes32(_word(words, 32)), bytes32(_word(words, 64)));
        }
        if (kind == Entry.REVOKE) return _revoke(id, device, head);
        if (kind == Entry.SITE || kind == Entry.PLACE) {
            return _attest(id, device, head, bytes32(_word(words, 32)));
        }
        // Rule 9: acknowledge, anchor, mark, shift_end and decline say something, and move nothing.
        return Outcome.Applied;
    }

    /// @dev Rule 8.
    function _weigh(Device device, uint256 head, uint256 word1) private pure returns (Outcome) {
        uint8 role = device.role();
        if (role != Codes.ROLE_SCALE && role != Codes.ROLE_GATE) return Outcome.Invalid;
        uint256 net = Entry.grams(head);
        bool isSound = Entry.weighGross1(word1) == net + Entry.weighTare1(word1);
        return isSound ? Outcome.Applied : Outcome.Invalid;
    }

    /* ----------------------------------------- devices ----------------------------------------- */

    /// @dev Rule 10.
    function _enrol(
        uint64 id,
        Device device,
        uint256 head,
        bytes32 x,
        bytes32 y
    ) private returns (Outcome) {
        uint64 newId = Entry.subject(head);
        uint8 role = Entry.enrolRole(head);
        uint40 notAfter = Entry.enrolNotAfter(head);
        if (
            !_isRegistrar(id, device, newId) ||
            Ids.serialOf(newId) == 0 ||
            !Codes.isRole(role) ||
            Entry.enrolScheme(head) != Codes.SCHEME_RAW ||
            notAfter > type(uint32).max
        ) return Outcome.Invalid;
        // A root registrar's id is kept for the registry's key, or an old registrar could take it first.
        if (!_devices[newId].isNone() || IActorRegistry(actorRegistry).wasNamed(newId)) {
            return Outcome.Conflict;
        }
        _devices[newId] = DeviceSlot.enrolled(
            Seal.keyHash(x, y),
            uint32(notAfter),
            role,
            device.epoch()
        );
        return Outcome.Applied;
    }

    function _revoke(uint64 id, Device device, uint256 head) private returns (Outcome) {
        uint64 other = Entry.subject(head);
        Device found = _devices[other];
        if (!_isRegistrar(id, device, other) || other == id || found.isNone()) {
            return Outcome.Invalid;
        }
        _devices[other] = found.revoked();
        return Outcome.Applied;
    }

    function _attest(
        uint64 id,
        Device device,
        uint256 head,
        bytes32 digest
    ) private returns (Outcome) {
        uint64 site = Entry.subject(head);
        if (!_isRegistrar(id, device, site)) return Outcome.Invalid;
        uint8 kind = Entry.kind(head);
        uint40 detail = kind == Entry.SITE ? Entry.siteKind(head) : Entry.placeCount(head);
        attested[Seal.statementOf(kind, site, detail, digest)] = true;
        return Outcome.Applied;
    }

    /// @dev Returns whether the device may act as registrar on this device or site.
    function _isRegistrar(uint64 id, Device device, uint64 subject) private view returns (bool) {
        uint24 organisation = Ids.organisationOf(id);
        if (device.role() != Codes.ROLE_REGISTRAR) return false;
        if (Ids.organisationOf(subject) != organisation) return false;
        (, , uint8 epoch) = IActorRegistry(actorRegistry).registrarOf(organisation);
        return device.epoch() == epoch;
    }

    /// @dev A root registrar stands in the registry only, until its first segment is recorded here.
    function _findDevice(uint64 id) private view returns (Device device) {
        device = _devices[id];
        if (!device.isNone()) return device;
        (uint64 root, uint160 keyHash, uint8 epoch) = IActorRegistry(actorRegistry).registrarOf(
            Ids.organisationOf(id)
        );
        if (epoch != 0 && root == id) {
            device = DeviceSlot.enrolled(keyHash, 0, Codes.ROLE_REGISTRAR, epoch);
        }
    }

    function _headOf(uint64 id) private view returns (bytes32 head) {
        head = _heads[id];
        if (head == 0) head = Journal.head0(block.chainid, address(this), id);
    }

    function _repeat(Outcome outcome, uint256 count) private pure returns (bytes memory outcomes) {
        outcomes = new bytes(count);
        for (uint256 i = 0; i < count; i += 32) {
            // 0x0101..01 times a byte is that byte in all 32 places.
            uint256 filled = uint256(outcome) * (type(uint256).max / 255);
            assembly ("memory-safe") {
                mstore(add(add(outcomes, 0x20), i), filled)
            }
        }
    }

    function _word(bytes calldata words, uint256 offset) private pure returns (uint256) {
        return uint256(bytes32(words[offset:offset + 32]));
    }
}
