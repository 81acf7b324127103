// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ICustodyLedger} from "../../contracts/interfaces/ICustodyLedger.sol";
import {Fixture} from "./Fixture.sol";
import {VM} from "./Vm.sol";
import {Write} from "./Write.sol";

/// @dev Revocation, witnesses, forks, gaps, and entries brought by somebody else.
contract DevicesTest is Fixture {
    uint8 private constant FORKED = 0xf5;

    function _witness(
        uint64 device,
        uint40 seq
    ) private view returns (ICustodyLedger.Witness memory shown) {
        shown.device = device;
        shown.seq = seq;
        shown.before = _head(device, seq - 1);
        shown.words = journals[device].entries[seq - 1];
        ICustodyLedger.Segment memory sealed_ = _cut(device, seq, seq);
        (shown.x, shown.y, shown.r, shown.s) = (sealed_.x, sealed_.y, sealed_.r, sealed_.s);
    }

    function _expectRefused(ICustodyLedger.Witness memory shown, uint8 reason) private {
        VM.expectEmit(address(ledger));
        emit ICustodyLedger.SegmentRefused(shown.device, shown.seq, reason);
        ledger.witness(shown);
    }

    function _flagsOf(uint64 device) private view returns (uint8 flags) {
        (, , , , flags, ) = ledger.deviceOf(device);
    }

    function _writeLifts(uint64 device, uint256 count) private {
        for (uint256 i = 0; i < count; ++i) _write(device, Write.lift(4, 1));
    }

    /* ------------------------------------- revoke and rotate ------------------------------------- */

    function test_ARevocationLeavesWhatWasSeenAndTheJournalGoesOn() public {
        _filled(crew, 1, 4, 10);
        _expect(root1, Write.revoke(crew), APPLIED);
        _expect(root1, Write.revoke(crew), APPLIED);
        (bool isSet, uint40 seen, ) = ledger.seenOf(crew);
        require(isSet && seen == 2, "seen");
        _writeLifts(crew, 41);
        bytes memory outcomes = _upload(crew);
        _equal(outcomes.length, 41, "entries");
        for (uint256 i = 0; i < 41; ++i) _equal(uint8(outcomes[i]), QUARANTINED, "outcome");
        _expectLot(_lot(crew, 1), crew, 10, 1);
        (, uint40 nextSeq, , , uint8 flags, ) = ledger.deviceOf(crew);
        _equal(nextSeq, 44, "next seq");
        _equal(flags, 1, "flags");
        require(ledger.headOf(crew) == _head(crew, 43), "head");
    }

    function test_WhatAWitnessShowedBeforeARevocationStillCounts() public {
        _filled(crew, 1, 4, 10);
        _writeLifts(crew, 6);
        ledger.witness(_witness(crew, 5));
        _expect(root1, Write.revoke(crew), APPLIED);
        require(
            keccak256(_upload(crew)) == keccak256(hex"010101050505"),
            "three lifts before, three after"
        );
        _expectLot(_lot(crew, 1), crew, 13, 1);
    }

    function test_ARotationRetiresTheOldDeviceIn72Hours() public {
        (uint256 x, uint256 y) = VM.publicKeyP256(_key(_device(1, 9)));
        _expect(root1, Write.rotate(_device(1, 9), CREW, x, y, root1), INVALID);
        _expect(root1, Write.rotate(_device(1, 9), CREW, x, y, station), INVALID);
        _expect(root1, Write.rotate(_device(1, 9), CREW, x, y, _device(1, 77)), INVALID);
        _expect(root1, Write.rotate(crew2, CREW, x, y, crew), CONFLICT);
        (, , uint32 notAfter, , , ) = ledger.deviceOf(crew);
        _equal(notAfter, 0, "not after");
        _expect(root1, Write.rotate(_device(1, 9), CREW, x, y, crew), APPLIED);
        _expect(_device(1, 9), Write.load(_lot(_device(1, 9), 1), 4), APPLIED);
        VM.warp(START + 72 hours);
        _expect(crew, Write.load(_lot(crew, 1), 4), APPLIED);
        VM.warp(START + 72 hours + 1);
        _expect(crew, Write.lift(4, 1), QUARANTINED);
    }

    /* ------------------------------------------ witness ------------------------------------------ */

    function test_AWitnessIsRefusedForTheFirstReasonThatHolds() public {
        _filled(crew, 1, 4, 10);
        _writeLifts(crew, 3);
        ICustodyLedger.Witness memory shown = _witness(crew, 4);
        shown.r ^= bytes32(uint256(1));
        _expectRefused(shown, 3);
        shown.seq = 2;
        _expectRefused(shown, 5);
        shown.x ^= bytes32(uint256(1));
        _expectRefused(shown, 2);
        shown.device = _device(7, 7);
        _expectRefused(shown, 1);
        shown.words = bytes.concat(shown.words, shown.words);
        _expectRefused(shown, 7);
        shown.words = "";
        _expectRefused(shown, 7);
        _equal(_flagsOf(crew), 0, "flags");
        shown = _witness(crew, 4);
        shown.seq = 0;
        _expectRefused(shown, 5);
    }

    function test_OnlyTheFurthestWitnessIsKeptAndTheJournalReachesIt() public {
        _filled(crew, 1, 4, 10);
        _writeLifts(crew, 5);
        ICustodyLedger.Witness memory shown = _witness(crew, 5);
        VM.expectEmit(address(ledger));
        emit ICustodyLedger.Witnessed(
            crew,
            5,
            shown.before,
            shown.x,
            shown.y,
            shown.r,
            shown.s,
            shown.words,
            ""
        );
        ledger.witness(shown);
        _expectRefused(shown, 5);
        _expectRefused(_witness(crew, 4), 5);
        ledger.witness(_witness(crew, 6));
        (uint40 seq, bytes27 head27) = ledger.pinOf(crew);
        require(seq == 6 && head27 == bytes27(_head(crew, 6)), "pin");
        _equal(_flagsOf(crew), 8, "flags");
        (, uint40 nextSeq, , , , ) = ledger.deviceOf(crew);
        _equal(nextSeq, 3, "next seq");
        _uploadTo(crew, 5);
        _equal(_flagsOf(crew), 8, "flags");
        _uploadTo(crew, 6);
        _equal(_flagsOf(crew), 0, "flags");
    }

    /* ------------------------------------------- fork ------------------------------------------- */

    /// @dev A second journal under the same key, from an entry of the first on.
    function _rewrite(uint64 device, uint40 seq, bytes memory entry) private {
        Journal storage journal = journals[device];
        journal.entries[seq - 1] = entry;
        for (uint256 i = seq; i <= journal.entries.length; ++i) {
            bytes memory rolled = abi.encodePacked(journal.heads[i - 1], journal.entries[i - 1]);
            journal.heads[i] = keccak256(rolled);
        }
    }

    function test_ASegmentAgainstAWitnessIsAFork() public {
        _filled(crew, 1, 4, 10);
        _writeLifts(crew, 4);
        ledger.witness(_witness(crew, 5));
        _rewrite(crew, 3, Write.lift(4, 7));
        ICustodyLedger.Segment memory segment = _cut(crew, 3, 6);
        VM.expectEmit(address(ledger));
        emit ICustodyLedger.Forked(crew, 5, _head(crew, 5));
        VM.expectEmit(address(ledger));
        emit ICustodyLedger.SegmentRefused(crew, 3, 8);
        _send(segment);
        (, uint40 seen, ) = ledger.seenOf(crew);
        _equal(seen, 2, "seen");
        _equal(_flagsOf(crew), 8 | 2, "flags");
        // The other journal still goes in, and no longer counts.
        _rewrite(crew, 3, Write.lift(4, 1));
        require(keccak256(_upload(crew)) == keccak256(hex"f5f5f5f5"), "outcomes");
    }

    function test_TwoWitnessesOfOneSeqAreAFork() public {
        _writeLifts(crew, 2);
        ledger.witness(_witness(crew, 2));
        _rewrite(crew, 2, Write.lift(3, 9));
        VM.expectEmit(address(ledger));
        emit ICustodyLedger.Forked(crew, 2, _head(crew, 2));
        _expectRefused(_witness(crew, 2), 8);
        (bool isSet, uint40 seen, ) = ledger.seenOf(crew);
        require(isSet && seen == 0, "seen");
    }

    function _sealedHead(
        uint64 device,
        uint40 seq,
        bytes32 head
    ) private view returns (ICustodyLedger.SealedHead memory shown) {
        ICustodyLedger.Segment memory segment;
        segment.device = device;
        _seal(segment, seq, head);
        (shown.head, shown.r, shown.s) = (head, segment.r, segment.s);
    }

    function test_TwoSealedHeadsProveAFork() public {
        _filled(crew, 1, 4, 10);
        (uint256 x, uint256 y) = VM.publicKeyP256(_key(crew));
        ICustodyLedger.SealedHead memory one = _sealedHead(crew, 2, bytes32("one"));
        ICustodyLedger.SealedHead memory other = _sealedHead(crew, 2, bytes32("other"));
        (bytes32 kx, bytes32 ky) = (bytes32(x), bytes32(y));
        require(!ledger.proveFork(crew, 2, kx, ky, one, one), "one head");
        require(!ledger.proveFork(crew, 3, kx, ky, one, other), "another seq");
        require(!ledger.proveFork(crew, 2, ky, kx, one, other), "another key");
        require(!ledger.proveFork(_device(7, 7), 2, kx, ky, one, other), "nobody");
        other.r ^= bytes32(uint256(1));
        require(!ledger.proveFork(crew, 2, kx, ky, one, other), "a bad seal");
        other.r ^= bytes32(uint256(1));
        _equal(_flagsOf(crew), 0, "flags");
        VM.expectEmit(address(ledger));
        emit ICustodyLedger.Forked(crew, 2, bytes32("other"));
        require(ledger.proveFork(crew, 2, kx, ky, one, other), "a fork");
        _expect(crew, Write.lift(4, 1), FORKED);
        _expectLot(_lot(crew, 1), crew, 10, 1);
    }

    function test_AForkShortensWhatARevocationHadLeft() public {
        _filled(crew, 1, 4, 10);
        _writeLifts(crew, 3);
        ledger.witness(_witness(crew, 5));
        _expect(root1, Write.revoke(crew), APPLIED);
        (, uint40 seen, ) = ledger.seenOf(crew);
        _equal(seen, 5, "seen of a revoked device");
        (uint256 x, uint256 y) = VM.publicKeyP256(_key(crew));
        ICustodyLedger.SealedHead memory one = _sealedHead(crew, 4, bytes32("one"));
        ICustodyLedger.SealedHead memory other = _sealedHead(crew, 4, bytes32("other"));
        for (uint256 times = 0; times < 2; ++times) {
            require(ledger.proveFork(crew, 4, bytes32(x), bytes32(y), one, other), "a fork");
            (, seen, ) = ledger.seenOf(crew);
            _equal(seen, 2, "seen of a forked device");
        }
    }

    /* -------------------------------------------- gap -------------------------------------------- */

    function test_AGapIsAnnouncedByARegistrarFromTheNextSeqOn() public {
        _filled(crew, 1, 4, 10);
        _writeLifts(crew, 5);
        bytes32 head = _head(crew, 5);
        _expect(crew2, Write.closeGap(crew, 3, 5, head), INVALID);
        _expect(root1, Write.closeGap(root1, 1, 1, head), INVALID);
        _expect(root1, Write.closeGap(station, 1, 1, head), INVALID);
        _expect(root1, Write.closeGap(_device(1, 99), 1, 1, head), INVALID);
        _expect(root1, Write.closeGap(crew, 4, 5, head), CONFLICT);
        _expect(root1, Write.closeGap(crew, 3, 2, head), CONFLICT);
        _equal(_flagsOf(crew), 0, "flags");
    }

    function test_AnAnnouncedGapOpensInTime() public {
        _filled(crew, 1, 4, 10);
        _writeLifts(crew, 5);
        _expect(root1, Write.closeGap(crew, 3, 5, _head(crew, 5)), APPLIED);
        (uint40 toSeq, uint40 opensAt, bytes32 head) = ledger.gapOf(crew);
        require(toSeq == 5 && opensAt == START + 72 hours && head == _head(crew, 5), "gap");
        VM.warp(START + 72 hours - 1);
        _expectRefusal(_cut(crew, 6, 7), 4);
        VM.warp(START + 72 hours);
        _expectRefusal(_cut(crew, 5, 7), 4);
        VM.expectEmit(address(ledger));
        emit ICustodyLedger.GapClosed(crew, 3, 5);
        _send(_cut(crew, 6, 7));
        _expectLot(_lot(crew, 1), crew, 12, 1);
        _equal(_flagsOf(crew), 0, "flags");
        (toSeq, , ) = ledger.gapOf(crew);
        _equal(toSeq, 0, "gap");
        _expectRefusal(_cut(crew, 3, 5), 5);
    }

    function test_EntriesThatTurnUpBeforeAGapOpensAreRecordedAsEver() public {
        _filled(crew, 1, 4, 10);
        _writeLifts(crew, 5);
        _expect(root1, Write.closeGap(crew, 3, 5, _head(crew, 5)), APPLIED);
        _upload(crew);
        _expectLot(_lot(crew, 1), crew, 15, 1);
    }

    function test_AGapEndsBeforeWhatAWitnessHasShown() public {
        _filled(crew, 1, 4, 10);
        _writeLifts(crew, 5);
        ledger.witness(_witness(crew, 5));
        _expect(root1, Write.closeGap(crew, 3, 5, _head(crew, 5)), CONFLICT);
        _expect(root1, Write.closeGap(crew, 3, 4, _head(crew, 4)), APPLIED);
        VM.warp(START + 72 hours);
        _send(_cut(crew, 5, 7));
        _expectLot(_lot(crew, 1), crew, 13, 1);
    }

    function test_AWitnessInsideAnAnnouncedGapKeepsItShut() public {
        _filled(crew, 1, 4, 10);
        _writeLifts(crew, 5);
        _expect(root1, Write.closeGap(crew, 3, 5, _head(crew, 5)), APPLIED);
        ledger.witness(_witness(crew, 4));
        VM.warp(START + 72 hours);
        _expectRefusal(_cut(crew, 6, 7), 4);
        _upload(crew);
        _expectLot(_lot(crew, 1), crew, 15, 1);
        // The announcement stays, and closes nothing any more.
        _equal(_flagsOf(crew), 32, "flags");
    }

    /* ---------------------------------------- transcribed ---------------------------------------- */

    function _transcript(
        uint64 device,
        uint40 firstSeq,
        uint40 lastSeq
    ) private view returns (bytes memory) {
        ICustodyLedger.Segment memory cut = _cut(device, firstSeq, lastSeq);
        bytes32[4] memory keyAndSeal = [cut.x, cut.y, cut.r, cut.s];
        bytes32 before = _head(device, firstSeq - 1);
        return Write.transcribed(device, firstSeq, before, keyAndSeal, cut.words);
    }

    /// @dev A lot, lifts and a give by a device that was revoked before it could upload them.
    function _revokedRun() private returns (uint40 given) {
        _write(crew, Write.load(_lot(crew, 1), 4));
        _writeLifts(crew, 3);
        given = _write(crew, Write.give(_lot(crew, 1), station));
        _write(crew, Write.revoke(crew2));
        _expect(root1, Write.revoke(crew), APPLIED);
    }

    function test_ATranscribedRunCountsOnceItsCounterpartyReleasedIt() public {
        uint40 given = _revokedRun();
        uint40 took = _expect(station, _takeOf(_lot(crew, 1), 3, crew, given), DEFERRED);
        bytes memory entry = _transcript(crew, 1, 6);
        _expect(root1, entry, QUARANTINED);
        // Its own organisation, or one that the run does not name, releases nothing.
        _expect(root1, Write.release(crew, 6, _head(crew, 6)), INVALID);
        _expect(root3, Write.release(crew, 6, _head(crew, 6)), APPLIED);
        _expect(root1, entry, QUARANTINED);
        _expect(scale, Write.release(crew, 6, _head(crew, 6)), INVALID);
        _expect(station, Write.release(crew, 6, _head(crew, 6)), APPLIED);
        require(ledger.releaseOf(crew, 6, bytes17(_head(crew, 6)), 2), "release");

        VM.expectEmit(address(ledger));
        emit ICustodyLedger.Settled(station, took, _lot(crew, 1), APPLIED);
        VM.expectEmit(address(ledger));
        emit ICustodyLedger.Transcribed(crew, 1, hex"010101010105");
        _expect(root1, entry, APPLIED);
        _expectLot(_lot(crew, 1), station, 3, 1);
        (, uint40 seen, uint40 brought) = ledger.seenOf(crew);
        _equal(seen, 0, "seen");
        _equal(brought, 6, "brought");
        (, uint40 nextSeq, , , , ) = ledger.deviceOf(crew);
        _equal(nextSeq, 1, "next seq");
        _expect(root1, entry, QUARANTINED);
        // Nor does it count again when the journal itself hands it in.
        require(keccak256(_upload(crew)) == keccak256(hex"050505050505"), "counted twice");
        _expectLot(_lot(crew, 1), station, 3, 1);
    }

    function test_ARegulatorReleasesAnyRun() public {
        _revokedRun();
        VM.prank(CITY);
        registry.setRegulator(3, true);
        _expect(root3, Write.release(crew, 4, _head(crew, 4)), APPLIED);
        require(ledger.releaseOf(crew, 4, bytes17(_head(crew, 4)), 0), "release");
        _expect(root1, _transcript(crew, 1, 4), APPLIED);
        _expectLot(_lot(crew, 1), crew, 3, 1);
    }

    function test_ATranscriptIsInvalidForAnythingOutOfPlace() public {
        _revokedRun();
        bytes memory entry = _transcript(crew, 1, 3);
        _expect(root2, entry, INVALID);
        _expect(crew2, entry, INVALID);
        _expect(root1, _transcript(root1, 1, 1), INVALID);
        _expect(root1, Write.transcribed(_device(1, 99), 1, 0, _none(), _words(1)), INVALID);
        _expect(root1, Write.transcribed(crew, 1, 0, _none(), _words(1)), INVALID);
        // Whatever stands in the run.
        _expect(root1, Write.transcribed(crew, 1, 0, _none(), new bytes(32)), INVALID);
        _expect(root1, Write.transcribed(crew, 1, 0, _none(), Write.blank(9, 249)), INVALID);
        bytes memory cut = abi.encodePacked(uint16(0x0909), new bytes(30));
        _expect(root1, Write.transcribed(crew, 1, 0, _none(), cut), INVALID);
        _expect(
            root1,
            Write.transcribed(crew, type(uint40).max, 0, _none(), _words(9)),
            INVALID
        );
        // A device that nothing was held against needs nobody's help.
        _write(crew2, Write.load(_lot(crew2, 1), 4));
        _expect(root1, _transcript(crew2, 1, 1), QUARANTINED);
    }

    function _none() private pure returns (bytes32[4] memory) {}

    function _words(uint256 count) private pure returns (bytes memory words) {
        for (uint256 i = 0; i < count; ++i) words = bytes.concat(words, Write.lift(4, 1));
    }

    /* ------------------------------------- standing of an organisation ------------------------------------- */

    function test_ASuspendedOrganisationEnrolsNobodyAndItsEntriesCount() public {
        VM.prank(CITY);
        registry.suspendOrganisation(1);
        _expect(root1, Write.enrol(_device(1, 9), CREW, 1, 0, 1, 2), INVALID);
        _filled(crew, 1, 4, 10);
        VM.prank(CITY);
        registry.resumeOrganisation(1);
        _expect(root1, Write.enrol(_device(1, 9), CREW, 1, 0, 1, 2), APPLIED);
    }

    /// @dev Whatever the city does with an organisation, what is recorded stays.
    function testFuzz_TheCityChangesNoRecordedFact(uint8 what, uint24 organisation) public {
        uint96 lot = _filled(crew, 1, 4, 10);
        _expect(crew, Write.give(lot, station), APPLIED);
        bytes32 before = _facts(lot);
        organisation = uint24(1 + (organisation % 3));
        VM.startPrank(CITY);
        if (what % 4 == 0) registry.suspendOrganisation(organisation);
        if (what % 4 == 1) registry.setRegulator(organisation, true);
        if (what % 4 >= 2) {
            uint64 next = _device(organisation, 50);
            registry.proposeRegistrar(organisation, next, _keyHash(next));
            VM.warp(START + 72 hours);
        }
        VM.stopPrank();
        if (what % 4 == 3) registry.replaceRegistrar(organisation);
        require(_facts(lot) == before, "a fact changed");
    }

    function _facts(uint96 lot) private view returns (bytes32 digest) {
        uint64[4] memory devices = [crew, station, root1, root2];
        for (uint256 i = 0; i < 4; ++i) {
            (uint160 key, uint40 seq, uint32 over, uint8 role, uint8 flags, uint8 epoch) = ledger
                .deviceOf(devices[i]);
            digest = keccak256(
                abi.encode(digest, key, seq, over, role, flags, epoch, ledger.headOf(devices[i]))
            );
        }
        (uint64 to, uint40 giveSeq, uint48 grams, bytes13 head13) = ledger.giveOf(lot);
        digest = keccak256(abi.encode(digest, to, giveSeq, grams, head13, ledger.packedLotOf(lot)));
        (uint64 lifted, uint64 gained, uint64 out, uint64 lost) = ledger.totalsOf(4);
        digest = keccak256(abi.encode(digest, lifted, gained, out, lost));
    }
}
