// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {CustodyLedger} from "../../contracts/CustodyLedger.sol";
import {ICustodyLedger} from "../../contracts/interfaces/ICustodyLedger.sol";
import {Fixture} from "./Fixture.sol";
import {VM} from "./Vm.sol";
import {Write} from "./Write.sol";

/// @dev What the ledger does not record, and that it then stores nothing.
contract RefusalsTest is Fixture {
    function _two() private returns (ICustodyLedger.Segment memory) {
        _write(crew, Write.load(_lot(crew, 1), 4));
        _write(crew, Write.lift(4, 1_000));
        return _cut(crew, 1, 2);
    }

    function test_RefusesAnUnknownDevice() public {
        uint64 nobody = _device(1, 99);
        _write(nobody, Write.blank(19, 1));
        _expectRefusal(_cut(nobody, 1, 1), 1);
    }

    function test_RefusesDeviceZero() public {
        _write(0, Write.blank(19, 1));
        _expectRefusal(_cut(0, 1, 1), 1);
    }

    function test_RefusesAWrongKey() public {
        ICustodyLedger.Segment memory segment = _two();
        segment.x = bytes32(uint256(segment.x) ^ 1);
        _expectRefusal(segment, 2);
    }

    function test_RefusesABadSeal() public {
        ICustodyLedger.Segment memory segment = _two();
        segment.r = bytes32(uint256(segment.r) ^ 1);
        _expectRefusal(segment, 3);
    }

    function test_RefusesARawSealWithAnAssertion() public {
        ICustodyLedger.Segment memory segment = _two();
        segment.assertion = "x";
        _expectRefusal(segment, 3);
    }

    function test_RefusesASeqThatNoSegmentCouldFollow() public {
        ICustodyLedger.Segment memory segment = _two();
        segment.firstSeq = type(uint40).max;
        _expectRefusal(segment, 7);
    }

    function test_RefusesAGap() public {
        _two();
        _expectRefusal(_cut(crew, 2, 2), 4);
    }

    function test_RefusesWhatIsAlreadyRecorded() public {
        ICustodyLedger.Segment memory segment = _two();
        _send(segment);
        _expectRefusal(segment, 5);
        _expectRefusal(_cut(crew, 1, 1), 5);
        _expectLot(_lot(crew, 1), crew, 1_000, 1);
    }

    function test_RefusesAnOverlap() public {
        _send(_two());
        _write(crew, Write.lift(4, 1));
        _expectRefusal(_cut(crew, 2, 3), 6);
    }

    function test_RefusesMalformedWords() public {
        ICustodyLedger.Segment memory segment = _two();
        segment.words = "";
        _expectRefusal(segment, 7);
        segment.words = new bytes(31);
        _expectRefusal(segment, 7);
        segment.words = new bytes(33);
        _expectRefusal(segment, 7);
        // A word count of 0.
        segment.words = new bytes(32);
        _expectRefusal(segment, 7);
        // A word count that runs past the end, alone and behind a sound entry.
        segment.words = abi.encodePacked(uint16(0x0302), new bytes(30));
        _expectRefusal(segment, 7);
        segment.words = bytes.concat(Write.lift(4, 1), segment.words);
        _expectRefusal(segment, 7);
    }

    function test_Takes256EntriesAndNotOneMore() public {
        for (uint256 i = 0; i < 257; ++i) _write(crew, Write.blank(19, 1));
        _expectRefusal(_cut(crew, 1, 257), 7);
        bytes memory outcomes = _uploadTo(crew, 256);
        _equal(outcomes.length, 256, "entries");
    }

    function test_NamesTheFirstReasonThatHolds() public {
        ICustodyLedger.Segment memory segment = _two();
        segment.firstSeq = 9;
        segment.r = 0;
        _expectRefusal(segment, 4);
        segment.x = 0;
        _expectRefusal(segment, 2);
        segment.device = _device(7, 7);
        _expectRefusal(segment, 1);
        segment.words = "";
        _expectRefusal(segment, 7);
    }

    function test_ARefusedSegmentDoesNotStopTheOthers() public {
        ICustodyLedger.Segment[] memory batch = new ICustodyLedger.Segment[](3);
        batch[0] = _two();
        batch[0].r = 0;
        batch[1] = _cut(crew, 1, 2);
        batch[2] = _cut(crew, 1, 2);
        VM.expectEmit(address(ledger));
        emit ICustodyLedger.SegmentRefused(crew, 1, 3);
        VM.expectEmit(address(ledger));
        emit ICustodyLedger.SegmentRecorded(
            crew,
            1,
            _head(crew, 2),
            batch[1].x,
            batch[1].y,
            batch[1].r,
            batch[1].s,
            batch[1].words,
            hex"0101",
            ""
        );
        VM.expectEmit(address(ledger));
        emit ICustodyLedger.SegmentRefused(crew, 1, 5);
        ledger.record(batch);
    }

    function test_AcceptsBothHalvesOfS() public {
        ICustodyLedger.Segment memory segment = _two();
        uint256 snapshot = VM.snapshotState();
        _send(segment);
        _expectLot(_lot(crew, 1), crew, 1_000, 1);
        VM.revertToState(snapshot);
        segment.s = bytes32(P256_ORDER - uint256(segment.s));
        _send(segment);
        _expectLot(_lot(crew, 1), crew, 1_000, 1);
        // The other half is no second recording.
        segment.s = bytes32(P256_ORDER - uint256(segment.s));
        _expectRefusal(segment, 5);
    }

    function testFuzz_AnyBitTurnedIsRefused(uint256 place) public {
        ICustodyLedger.Segment memory segment = _two();
        uint256 bits = 8 * (8 + 5 + 128 + 64);
        place %= bits;
        bytes memory raw = abi.encodePacked(
            segment.device,
            segment.firstSeq,
            segment.x,
            segment.y,
            segment.r,
            segment.s,
            segment.words
        );
        raw[place / 8] ^= bytes1(uint8(1 << (place % 8)));
        segment.device = uint64(bytes8(_slice(raw, 0)));
        segment.firstSeq = uint40(bytes5(_slice(raw, 8)));
        segment.x = _slice(raw, 13);
        segment.y = _slice(raw, 45);
        segment.r = _slice(raw, 77);
        segment.s = _slice(raw, 109);
        segment.words = bytes.concat(_slice(raw, 141), _slice(raw, 173));

        VM.recordLogs();
        _send(segment);
        require(
            VM.getRecordedLogs()[0].topics[0] == ICustodyLedger.SegmentRefused.selector,
            "a changed segment was recorded"
        );
        (, uint40 nextSeq, , , , ) = ledger.deviceOf(crew);
        _equal(nextSeq, 1, "next seq");
    }

    function test_RefusesTheSealOfAnotherChainOrLedger() public {
        ICustodyLedger.Segment memory segment = _two();
        CustodyLedger first = ledger;
        ledger = new CustodyLedger(address(registry), address(0));
        // Of the root registrars only the registry knows; a new ledger meets them with another head and domain.
        ICustodyLedger.Segment memory enrolment = _cut(root1, 1, 1);
        _expectRefusal(enrolment, 3);
        ledger = first;
        VM.chainId(77);
        _expectRefusal(segment, 3);
    }

    function test_NeedsAChainWithP256() public {
        VM.mockCall(address(0x100), "", "");
        VM.expectRevert(abi.encodeWithSelector(ICustodyLedger.NoP256.selector));
        new CustodyLedger(address(registry), address(0));
    }

    function _slice(bytes memory raw, uint256 from) private pure returns (bytes32 word) {
        assembly ("memory-safe") {
            word := mload(add(add(raw, 0x20), from))
        }
    }
}
