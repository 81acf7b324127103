// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {CustodyLedger} from "../../contracts/CustodyLedger.sol";
import {ICustodyLedger} from "../../contracts/interfaces/ICustodyLedger.sol";
import {Governed} from "./Governed.sol";
import {VM, Vm} from "./Vm.sol";
import {Write} from "./Write.sol";

/// @dev A ledger, two devices and a registrar in each of three organisations, and a pen for each of them.
abstract contract Fixture is Governed {
    uint8 internal constant APPLIED = 1;
    uint8 internal constant DEFERRED = 2;
    uint8 internal constant LATE = 3;
    uint8 internal constant CONFLICT = 4;
    uint8 internal constant QUARANTINED = 5;
    uint8 internal constant INVALID = 6;
    uint8 internal constant UNKNOWN = 7;

    uint8 internal constant CREW = 1;
    uint8 internal constant GATE = 2;
    uint8 internal constant SCALE = 3;
    uint8 internal constant REGISTRAR = 4;
    uint8 internal constant OFFICE = 5;

    uint256 internal constant P256_ORDER =
        0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551;

    uint256 internal constant START = 1_800_000_000;

    /// @dev A journal as its device keeps it. `heads[i]` is the head after i entries.
    struct Journal {
        uint256 key;
        bytes[] entries;
        bytes32[] heads;
    }

    CustodyLedger internal ledger;
    mapping(uint64 device => Journal) internal journals;
    mapping(uint64 device => uint40) internal recorded;

    // Organisation 1 collects, 2 runs a transfer station, 3 a park.
    uint64 internal root1 = _device(1, 1);
    uint64 internal root2 = _device(2, 1);
    uint64 internal root3 = _device(3, 1);
    uint64 internal crew = _device(1, 2);
    uint64 internal crew2 = _device(1, 3);
    uint64 internal station = _device(2, 2);
    uint64 internal scale = _device(2, 3);
    uint64 internal park = _device(3, 2);
    uint64 internal park2 = _device(3, 3);

    function setUp() public virtual {
        VM.warp(START);
        _appoint();
        ledger = new CustodyLedger(address(registry), address(0));
        _found(1, root1);
        _found(2, root2);
        _found(3, root3);
        _enrol(root1, crew, CREW);
        _enrol(root1, crew2, CREW);
        _enrol(root2, station, GATE);
        _enrol(root2, scale, SCALE);
        _enrol(root3, park, GATE);
        _enrol(root3, park2, GATE);
    }

    /* ------------------------------------------ ids ------------------------------------------ */

    function _device(uint24 organisation, uint40 serial) internal pure returns (uint64) {
        return (uint64(organisation) << 40) | serial;
    }

    function _lot(uint64 device, uint32 serial) internal pure returns (uint96) {
        return (uint96(device) << 32) | serial;
    }

    function _key(uint64 device) internal pure returns (uint256) {
        return (uint256(keccak256(abi.encode("key", device))) % (P256_ORDER - 1)) + 1;
    }

    function _keyHash(uint64 device) internal pure returns (uint160) {
        (uint256 x, uint256 y) = VM.publicKeyP256(_key(device));
        return uint160(uint256(keccak256(abi.encodePacked(x, y))));
    }

    /* ------------------------------------ writing and sealing ------------------------------------ */

    function _found(uint24 organisation, uint64 root) internal {
        VM.prank(CITY);
        registry.createOrganisation(organisation, bytes32("name"), root, _keyHash(root));
    }

    function _enrol(uint64 by, uint64 device, uint8 role) internal {
        (uint256 x, uint256 y) = VM.publicKeyP256(_key(device));
        _expect(by, Write.enrol(device, role, 1, 0, x, y), APPLIED);
    }

    /// @dev Writes an entry into a journal, without uploading it.
    function _write(uint64 device, bytes memory entry) internal returns (uint40 seq) {
        Journal storage journal = journals[device];
        if (journal.heads.length == 0) {
            journal.key = _key(device);
            journal.heads.push(keccak256(abi.encode(block.chainid, address(ledger), device)));
        }
        bytes32 before = journal.heads[journal.heads.length - 1];
        journal.entries.push(entry);
        journal.heads.push(keccak256(abi.encodePacked(before, entry)));
        return uint40(journal.entries.length);
    }

    function _head(uint64 device, uint40 seq) internal view returns (bytes32) {
        return journals[device].heads[seq];
    }

    function _digest(uint64 device, uint40 seq, bytes32 head) internal view returns (bytes32) {
        bytes32 separator = keccak256(
            abi.encode(
                keccak256(
                    "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
                ),
                keccak256("Huanlian"),
                keccak256("1"),
                block.chainid,
                address(ledger)
            )
        );
        bytes32 typehash = keccak256("Seal(uint64 device,uint40 seq,bytes32 head)");
        bytes32 structHash = keccak256(abi.encode(typehash, device, seq, head));
        return keccak256(abi.encodePacked(bytes2(0x1901), separator, structHash));
    }

    /// @dev Cuts the entries firstSeq..lastSeq out of a journal and seals them.
    function _cut(
        uint64 device,
        uint40 firstSeq,
        uint40 lastSeq
    ) internal view returns (ICustodyLedger.Segment memory segment) {
        Journal storage journal = journals[device];
        for (uint256 seq = firstSeq; seq <= lastSeq; ++seq) {
            segment.words = bytes.concat(segment.words, journal.entries[seq - 1]);
        }
        segment.device = device;
        segment.firstSeq = firstSeq;
        _seal(segment, lastSeq, journal.heads[lastSeq]);
    }

    function _seal(
        ICustodyLedger.Segment memory segment,
        uint40 lastSeq,
        bytes32 head
    ) internal view {
        uint256 key = _key(segment.device);
        (uint256 x, uint256 y) = VM.publicKeyP256(key);
        (segment.x, segment.y) = (bytes32(x), bytes32(y));
        bytes32 digest = _digest(segment.device, lastSeq, head);
        (segment.r, segment.s) = VM.signP256(key, sha256(abi.encodePacked(digest)));
    }

    /* ------------------------------------------ uploading ------------------------------------------ */

    function _send(ICustodyLedger.Segment memory segment) internal {
        ICustodyLedger.Segment[] memory batch = new ICustodyLedger.Segment[](1);
        batch[0] = segment;
        ledger.record(batch);
    }

    /// @dev Uploads everything written and not yet recorded, and returns its outcomes.
    function _upload(uint64 device) internal returns (bytes memory) {
        return _uploadTo(device, uint40(journals[device].entries.length));
    }

    function _uploadTo(uint64 device, uint40 lastSeq) internal returns (bytes memory outcomes) {
        ICustodyLedger.Segment memory segment = _cut(device, recorded[device] + 1, lastSeq);
        VM.recordLogs();
        _send(segment);
        recorded[device] = lastSeq;
        return _outcomesIn(VM.getRecordedLogs());
    }

    function _outcomesIn(Vm.Log[] memory logs) internal pure returns (bytes memory outcomes) {
        for (uint256 i = 0; i < logs.length; ++i) {
            if (logs[i].topics[0] != ICustodyLedger.SegmentRecorded.selector) continue;
            (, , , , , , outcomes, ) = abi.decode(
                logs[i].data,
                (bytes32, bytes32, bytes32, bytes32, bytes32, bytes, bytes, bytes)
            );
        }
    }

    /// @dev Writes one entry, uploads it, and expects its outcome.
    function _expect(
        uint64 device,
        bytes memory entry,
        uint8 outcome
    ) internal returns (uint40 seq) {
        seq = _write(device, entry);
        bytes memory outcomes = _upload(device);
        require(outcomes.length == 1, "the segment was not recorded");
        _equal(uint8(outcomes[0]), outcome, "outcome");
    }

    /// @dev Sends a segment, and expects it to be refused and to change nothing.
    function _expectRefusal(ICustodyLedger.Segment memory segment, uint8 reason) internal {
        bytes32 head = ledger.headOf(segment.device);
        (, uint40 nextSeq, , , , ) = ledger.deviceOf(segment.device);
        VM.expectEmit(address(ledger));
        emit ICustodyLedger.SegmentRefused(segment.device, segment.firstSeq, reason);
        _send(segment);
        (, uint40 nextSeqAfter, , , , ) = ledger.deviceOf(segment.device);
        _equal(nextSeqAfter, nextSeq, "next seq");
        require(ledger.headOf(segment.device) == head, "head changed");
    }

    /* ---------------------------------------- common stories ---------------------------------------- */

    /// @dev A loaded lot with one lift in it.
    function _filled(
        uint64 device,
        uint32 serial,
        uint8 stream,
        uint32 grams
    ) internal returns (uint96 lot) {
        lot = _lot(device, serial);
        _expect(device, Write.load(lot, stream), APPLIED);
        _expect(device, Write.lift(stream, grams), APPLIED);
    }

    function _takeOf(
        uint96 lot,
        uint48 grams,
        uint64 giver,
        uint40 giveSeq
    ) internal view returns (bytes memory) {
        return Write.take(lot, grams, giver, giveSeq, _head(giver, giveSeq));
    }

    function _settleAll(uint96[] memory lots, uint64[] memory devices) internal {
        uint256 steps = 1;
        while (steps != 0) {
            steps = 0;
            for (uint256 i = 0; i < lots.length; ++i) {
                for (uint256 k = 0; k < devices.length; ++k) {
                    steps += ledger.settle(lots[i], devices[k], 16);
                }
            }
        }
    }

    /* ------------------------------------------ checking ------------------------------------------ */

    function _equal(uint256 found, uint256 wanted, string memory what) internal pure {
        if (found != wanted)
            revert(string.concat(what, ": ", _text(found), ", not ", _text(wanted)));
    }

    function _text(uint256 value) internal pure returns (string memory) {
        if (value < 10) return string(abi.encodePacked(bytes1(uint8(48 + value))));
        return string.concat(_text(value / 10), _text(value % 10));
    }

    function _expectLot(uint96 lot, uint64 holder, uint48 grams, uint8 status) internal view {
        (uint64 holder_, uint48 grams_, , , uint8 status_, , , , ) = ledger.lotOf(lot);
        _equal(holder_, holder, "holder");
        _equal(grams_, grams, "grams");
        _equal(status_, status, "status");
    }

    function _expectTotals(
        uint8 stream,
        uint64 lifted,
        uint64 gained,
        uint64 out,
        uint64 lost
    ) internal view {
        (uint64 lifted_, uint64 gained_, uint64 out_, uint64 lost_) = ledger.totalsOf(stream);
        _equal(lifted_, lifted, "lifted");
        _equal(gained_, gained, "gained");
        _equal(out_, out, "out");
        _equal(lost_, lost, "lost");
    }

    function _waiting(uint96 lot, uint64 device) internal view returns (uint256) {
        return ledger.queueOf(lot, device).length;
    }

    function _isShut(uint96 lot) internal view returns (bool shut) {
        (, , , , , , , shut, ) = ledger.lotOf(lot);
    }

    function _mixtureOf(uint96 lot) internal view returns (uint8 mixture) {
        (, , , , , , , , mixture) = ledger.lotOf(lot);
    }

    function _streamOf(uint96 lot) internal view returns (uint8 stream) {
        (, , , stream, , , , , ) = ledger.lotOf(lot);
    }

    function _pendingsOf(uint96 lot) internal view returns (uint16 pendings) {
        (, , , , , pendings, , , ) = ledger.lotOf(lot);
    }

    function _openDeferrals(uint64 device) internal view returns (uint16 count) {
        (, count, ) = ledger.deskOf(device);
    }
}
