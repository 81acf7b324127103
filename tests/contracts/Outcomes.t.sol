// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ICustodyLedger} from "../../contracts/interfaces/ICustodyLedger.sol";
import {Fixture} from "./Fixture.sol";
import {VM} from "./Vm.sol";
import {Write} from "./Write.sol";

/// @dev Every rule of docs/spec/entries.md, and every outcome of each.
contract OutcomesTest is Fixture {
    uint96 private mine = _lot(crew, 1);

    /* ------------------------------------------ load, lift ------------------------------------------ */

    function test_LoadOpensALotAndPointsTheDeskAtIt() public {
        _expect(crew, Write.load(mine, 4), APPLIED);
        _expectLot(mine, crew, 0, 1);
        (uint32 serial, , ) = ledger.deskOf(crew);
        _equal(serial, 1, "desk");
        _expect(crew, Write.load(mine, 4), APPLIED);
    }

    function test_LoadOfAnothersLotOrSerialZeroOrNoStreamIsInvalid() public {
        _expect(crew, Write.load(_lot(crew2, 1), 4), INVALID);
        _expect(crew, Write.load(_lot(crew, 0), 4), INVALID);
        _expect(crew, Write.load(mine, 0), INVALID);
        _expect(crew, Write.load(mine, 5), INVALID);
    }

    function test_LoadOfAGivenLotOrOfAnotherStreamIsAConflictAndLeavesTheDesk() public {
        _filled(crew, 1, 4, 10);
        _expect(crew, Write.load(mine, 3), CONFLICT);
        _filled(crew, 2, 3, 10);
        _expect(crew, Write.give(mine, station), APPLIED);
        _expect(crew, Write.load(mine, 4), CONFLICT);
        _expect(crew, Write.lift(3, 5), APPLIED);
        _expectLot(_lot(crew, 2), crew, 15, 1);
    }

    function test_LiftsAddUpAndAreBookedToTheDay() public {
        _expect(crew, Write.load(mine, 4), APPLIED);
        _write(crew, Write.lift(4, 1_000));
        _write(crew, Write.lift(4, 2_000));
        _write(crew, Write.blank(19, 1));
        _write(crew, Write.lift(4, 4_000));
        require(keccak256(_upload(crew)) == keccak256(hex"01010101"), "outcomes");
        (, uint48 grams, uint32 lifts, uint8 stream, , , uint40 lastSeq, , ) = ledger.lotOf(mine);
        _equal(grams, 7_000, "grams");
        _equal(lifts, 3, "lifts");
        _equal(stream, 4, "stream");
        _equal(lastSeq, 5, "last seq");
        (uint64 lifted, , , ) = ledger.dayTotalsOf(1, uint32((START + 8 hours) / 1 days), 4);
        _equal(lifted, 7_000, "lifted");
        _expectTotals(4, 7_000, 0, 0, 0);
    }

    function test_ADayBeginsAtMidnightInShanghai() public {
        uint256 midnight = (START / 1 days) * 1 days + 16 hours;
        VM.warp(midnight - 1);
        _filled(crew, 1, 4, 10);
        VM.warp(midnight);
        _expect(crew, Write.lift(4, 7), APPLIED);
        uint32 day = uint32(midnight / 1 days);
        (uint64 before, , , ) = ledger.dayTotalsOf(1, day, 4);
        (uint64 afterwards, , , ) = ledger.dayTotalsOf(1, day + 1, 4);
        _equal(before, 10, "the day before");
        _equal(afterwards, 7, "the day after");
    }

    function test_LiftWithoutADeskOrWithoutAStreamIsInvalid() public {
        _expect(crew, Write.lift(4, 1), INVALID);
        _expect(crew, Write.lift(0, 1), INVALID);
        _expect(crew, Write.load(mine, 4), APPLIED);
        _write(crew, Write.lift(4, 1));
        _write(crew, Write.lift(5, 1));
        _write(crew, Write.lift(4, 1));
        _write(crew, Write.lift(0, 1));
        require(keccak256(_upload(crew)) == keccak256(hex"01060106"), "outcomes");
        (, , uint32 lifts, , , , uint40 lastSeq, , ) = ledger.lotOf(mine);
        _equal(lifts, 2, "lifts");
        _equal(lastSeq, 6, "last seq");
    }

    function test_LiftOfAnotherStreamIsAppliedAndMixed() public {
        _expect(crew, Write.load(mine, 4), APPLIED);
        _write(crew, Write.lift(4, 1));
        _write(crew, Write.lift(3, 10));
        _write(crew, Write.lift(2, 100));
        _write(crew, Write.lift(4, 1_000));
        require(keccak256(_upload(crew)) == keccak256(hex"01111101"), "outcomes");
        _expectLot(mine, crew, 1_111, 1);
        _equal(_mixtureOf(mine), (1 << 3) | (1 << 2), "mixture");
        _equal(_streamOf(mine), 4, "stream");
        _expectTotals(4, 1_111, 0, 0, 0);
        _expectTotals(3, 0, 0, 0, 0);
    }

    function test_AnEntryOfKindZeroBehindALotThatIsGoneIsNoLift() public {
        _filled(crew, 1, 4, 10);
        _expect(crew, Write.give(mine, station), APPLIED);
        _write(crew, Write.lift(4, 1));
        _write(crew, Write.blank(0, 1));
        require(keccak256(_upload(crew)) == keccak256(hex"0407"), "outcomes");
        _expectLot(mine, crew, 10, 2);
    }

    function test_LiftPast48BitsOfGramsIsInvalid() public {
        uint96 big = _tooBig(type(uint48).max - 10);
        _expect(station, Write.load(_lot(station, 1), 4), APPLIED);
        _expect(station, Write.merge(big, _lot(station, 1), 4), APPLIED);
        _expect(station, Write.lift(4, 11), INVALID);
        _expect(station, Write.lift(4, 10), APPLIED);
        _expect(station, Write.lift(4, 1), INVALID);
        _expectLot(_lot(station, 1), station, type(uint48).max, 1);
    }

    function test_LiftIntoALotThatIsGoneIsAConflict() public {
        _filled(crew, 1, 4, 10);
        _expect(crew, Write.give(mine, station), APPLIED);
        _expect(crew, Write.lift(4, 1), CONFLICT);
        _expect(crew, Write.lift(3, 1), CONFLICT);
        _expect(crew, Write.lift(0, 1), INVALID);
    }

    function test_ALotThatCameBackTakesNoMoreLiftsLoadsOrMerges() public {
        _filled(crew, 1, 4, 10);
        uint40 out = _expect(crew, Write.give(mine, station), APPLIED);
        _expect(station, _takeOf(mine, 10, crew, out), APPLIED);
        uint40 back = _expect(station, Write.give(mine, crew), APPLIED);
        _expect(crew, _takeOf(mine, 10, station, back), APPLIED);
        _expectLot(mine, crew, 10, 1);
        _expect(crew, Write.lift(4, 1), CONFLICT);
        _expect(crew, Write.load(mine, 4), CONFLICT);
        _filled(crew, 2, 4, 1);
        _expect(crew, Write.merge(_lot(crew, 2), mine, 4), CONFLICT);
        _expect(crew, Write.close(mine, 1), APPLIED);
    }

    /* ------------------------------------------ give, take ------------------------------------------ */

    function test_GiveToItselfOrToADeviceOfNoOrganisationIsInvalid() public {
        _filled(crew, 1, 4, 10);
        _expect(crew, Write.give(mine, crew), INVALID);
        _expect(crew, Write.give(mine, 5), INVALID);
        // 0 is somebody who is not registered.
        _expect(crew, Write.give(mine, 0), APPLIED);
    }

    function test_GiveOfALotItDoesNotHoldIsAConflict() public {
        _filled(crew, 1, 4, 10);
        _expect(crew2, Write.give(mine, station), CONFLICT);
        _expect(crew, Write.give(mine, station), APPLIED);
        // The lot may come back.
        _expect(crew, Write.give(mine, station), DEFERRED);
    }

    function test_TakeBooksWhatWasGainedAndLost() public {
        _filled(crew, 1, 4, 1_000);
        uint40 given = _expect(crew, Write.give(mine, station), APPLIED);
        (uint64 to, uint40 seq, uint48 grams, bytes13 head13) = ledger.giveOf(mine);
        require(to == station && seq == given && grams == 1_000, "give");
        require(head13 == bytes13(_head(crew, given)), "head13");

        _expect(station, _takeOf(mine, 1_100, crew, given), APPLIED);
        _expectTotals(4, 1_000, 100, 0, 0);
        (to, , , ) = ledger.giveOf(mine);
        _equal(to, 0, "give after the take");

        given = _expect(station, Write.give(mine, _device(3, 0)), APPLIED);
        _expect(park, _takeOf(mine, 900, station, given), APPLIED);
        _expectTotals(4, 1_000, 100, 0, 200);
        (, , , uint64 lost) = ledger.dayTotalsOf(3, uint32((START + 8 hours) / 1 days), 4);
        _equal(lost, 200, "lost on the park's day");
        require(_isShut(mine), "shut");
    }

    function test_TakeByAnotherOrOfAnotherHeadIsAConflict() public {
        _filled(crew, 1, 4, 10);
        uint40 given = _expect(crew, Write.give(mine, station), APPLIED);
        _expect(park, _takeOf(mine, 10, crew, given), CONFLICT);
        _expect(scale, _takeOf(mine, 10, crew, given), CONFLICT);
        _expect(station, Write.take(mine, 10, crew, given, bytes32("other")), CONFLICT);
        _expectLot(mine, crew, 10, 2);
    }

    function test_TakeOfALotItHoldsIsAConflict() public {
        _filled(crew, 1, 4, 10);
        _expect(crew, Write.take(mine, 10, station, 5, 0), CONFLICT);
    }

    function test_TakeOfItsOwnLotBeforeItIsOpenIsAConflict() public {
        _expect(crew, Write.take(mine, 10, station, 5, 0), CONFLICT);
        _expect(crew, Write.load(mine, 4), APPLIED);
        _equal(_waiting(mine, crew), 0, "waiting");
    }

    function test_TakeWaitsForItsGive() public {
        _filled(crew, 1, 4, 10);
        uint40 given = _write(crew, Write.give(mine, station));
        uint40 took = _expect(station, _takeOf(mine, 12, crew, given), DEFERRED);
        _equal(_openDeferrals(station), 1, "open deferrals");
        _equal(ledger.expectedOf(crew, given, 2, mine), station, "expected");
        _equal(_waiting(mine, station), 1, "waiting");

        VM.expectEmit(address(ledger));
        emit ICustodyLedger.Settled(station, took, mine, APPLIED);
        _send(_cut(crew, given, given));
        _expectLot(mine, station, 12, 1);
        _equal(_openDeferrals(station), 0, "open deferrals");
        _equal(_waiting(mine, station), 0, "waiting");
        _equal(ledger.expectedOf(crew, given, 2, mine), 0, "expected");
    }

    function test_AWaitingTakeIsPackedAsTheTreatySays() public {
        bytes memory entry = Write.takeAs(
            mine,
            12,
            crew,
            9,
            bytes32("head"),
            Write.Take(3, _lot(station, 7), park, 5, 0xabc, 99)
        );
        uint40 took = _expect(station, entry, DEFERRED);
        uint256[3] memory step = ledger.queueOf(mine, station)[0];
        bytes32 a = bytes32(
            abi.encodePacked(uint8(4), took, crew, uint40(9), uint48(12), uint8(3), uint32(7), uint16(0))
        );
        bytes32 b = bytes32(
            abi.encodePacked(bytes13("head"), park, uint40(5), uint40(99), uint8(0))
        );
        require(bytes32(step[0]) == a && bytes32(step[1]) == b, "words a and b");
        require(step[2] == uint256(0xabc) << 192, "word c");
    }

    function test_ASecondTakeOfAGiveIsAConflictWhileTheFirstWaits() public {
        _filled(crew, 1, 4, 10);
        uint40 given = _write(crew, Write.give(mine, _device(2, 0)));
        _expect(station, _takeOf(mine, 10, crew, given), DEFERRED);
        _expect(station, _takeOf(mine, 10, crew, given), CONFLICT);
        _expect(scale, _takeOf(mine, 10, crew, given), CONFLICT);
    }

    function test_AWaitingTakeThatTheGiveDoesNotMeanBecomesAConflict() public {
        _filled(crew, 1, 4, 10);
        uint40 given = _write(crew, Write.give(mine, scale));
        uint40 took = _expect(station, _takeOf(mine, 10, crew, given), DEFERRED);
        uint40 passed = _expect(station, Write.merge(mine, _lot(station, 1), 4), DEFERRED);
        _equal(_openDeferrals(station), 2, "open deferrals");
        VM.expectEmit(address(ledger));
        emit ICustodyLedger.Settled(station, took, mine, CONFLICT);
        _send(_cut(crew, given, given));
        VM.expectEmit(address(ledger));
        emit ICustodyLedger.Settled(station, passed, mine, CONFLICT);
        _equal(ledger.settle(mine, station, 9), 1, "steps");
        _equal(_openDeferrals(station), 0, "open deferrals");
        _expectLot(mine, crew, 10, 2);
        _equal(_pendingsOf(_lot(station, 1)), 0, "pendings");
        _equal(_waiting(mine, station), 0, "waiting");
        _expect(scale, _takeOf(mine, 10, crew, given), APPLIED);
    }

    function test_AWholeWayWaitsAndSettlesStepByStep() public {
        _filled(crew, 1, 4, 10);
        uint40 first = _write(crew, Write.give(mine, station));
        _expect(station, _takeOf(mine, 10, crew, first), DEFERRED);
        uint40 second = _expect(station, Write.give(mine, park), DEFERRED);
        uint40 third = _expect(park, _takeOf(mine, 9, station, second), DEFERRED);
        uint40 fourth = _expect(park, Write.close(mine, 1), DEFERRED);
        uint40 fifth = _expect(park, Write.close(mine, 1), DEFERRED);

        _send(_cut(crew, first, first));
        _expectLot(mine, station, 10, 5);
        _equal(ledger.settle(mine, station, 1), 1, "steps");
        _expectLot(mine, station, 10, 2);
        VM.expectEmit(address(ledger));
        emit ICustodyLedger.Settled(park, third, mine, APPLIED);
        VM.expectEmit(address(ledger));
        emit ICustodyLedger.Settled(park, fourth, mine, APPLIED);
        VM.expectEmit(address(ledger));
        emit ICustodyLedger.Settled(park, fifth, mine, CONFLICT);
        _equal(ledger.settle(mine, park, 9), 3, "steps");
        _expectLot(mine, park, 0, 4);
        _expectTotals(4, 10, 0, 9, 1);
        _equal(ledger.settle(mine, park, 9), 0, "steps");
    }

    /* ------------------------------------------ withdraw ------------------------------------------ */

    function test_WithdrawUndoesAGiveWithoutATake() public {
        _filled(crew, 1, 4, 10);
        uint40 given = _expect(crew, Write.give(mine, station), APPLIED);
        _expect(crew, Write.withdraw(mine, given + 1), CONFLICT);
        _expect(station, Write.withdraw(mine, given), CONFLICT);
        _expect(crew, Write.withdraw(mine, given), APPLIED);
        _expectLot(mine, crew, 10, 1);
        // Once something but loading was done with it, a lot is shut.
        _expect(crew, Write.lift(4, 5), CONFLICT);
        given = _expect(crew, Write.give(mine, station), APPLIED);
        _expect(station, _takeOf(mine, 15, crew, given), APPLIED);
        _expect(crew, Write.withdraw(mine, given), CONFLICT);
    }

    function test_WithdrawGivesUpATakeThatWaits() public {
        uint40 took = _expect(station, Write.take(mine, 10, crew, 9, 0), DEFERRED);
        uint40 passed = _expect(station, Write.give(mine, park), DEFERRED);
        VM.expectEmit(address(ledger));
        emit ICustodyLedger.Settled(station, took, mine, CONFLICT);
        _expect(station, Write.withdraw(mine, took), APPLIED);
        _equal(_openDeferrals(station), 1, "open deferrals");
        _equal(ledger.expectedOf(crew, 9, 2, mine), 0, "expected");
        VM.expectEmit(address(ledger));
        emit ICustodyLedger.Settled(station, passed, mine, CONFLICT);
        ledger.settle(mine, station, 1);
    }

    function test_WithdrawOfAGiveThatWaitsWaitsBehindIt() public {
        uint40 took = _expect(station, Write.take(mine, 10, crew, 9, 0), DEFERRED);
        uint40 passed = _expect(station, Write.give(mine, park), DEFERRED);
        _expect(station, Write.withdraw(mine, passed), DEFERRED);
        _equal(_waiting(mine, station), 3, "waiting");
        require(took + 2 == journals[station].entries.length, "seq");
    }

    /* ------------------------------------------ merge, close ------------------------------------------ */

    function test_MergeMovesGramsLiftsAndMixture() public {
        _filled(crew, 1, 4, 10);
        _expect(crew, Write.lift(3, 1), 0x11);
        _filled(crew, 2, 4, 5);
        _expect(crew, Write.merge(mine, _lot(crew, 2), 4), APPLIED);
        _expectLot(mine, crew, 0, 3);
        _expectLot(_lot(crew, 2), crew, 16, 1);
        (, , uint32 lifts, , , , , , ) = ledger.lotOf(_lot(crew, 2));
        _equal(lifts, 3, "lifts");
        _equal(_mixtureOf(_lot(crew, 2)), 1 << 3, "mixture");
        _expect(crew, Write.merge(mine, _lot(crew, 2), 4), CONFLICT);
    }

    function test_MergeIntoAnothersLotItselfSerialZeroOrNoStreamIsInvalid() public {
        _filled(crew, 1, 4, 10);
        _expect(crew, Write.merge(mine, _lot(crew2, 2), 4), INVALID);
        _expect(crew, Write.merge(mine, mine, 4), INVALID);
        _expect(crew, Write.merge(mine, _lot(crew, 0), 4), INVALID);
        _expect(crew, Write.merge(mine, _lot(crew, 2), 0), INVALID);
    }

    function test_MergeOfAnotherStreamIsInvalidAndKeepsBothLots() public {
        _filled(crew, 1, 4, 10);
        _expect(crew, Write.merge(mine, _lot(crew, 2), 3), INVALID);
        _expectLot(mine, crew, 10, 1);
        _expectLot(_lot(crew, 2), crew, 0, 1);
        _equal(_pendingsOf(_lot(crew, 2)), 0, "pendings");
        _expect(crew, Write.merge(mine, _lot(crew, 2), 4), CONFLICT);
    }

    function test_AWaitingMergeOfAnotherStreamBecomesInvalid() public {
        _filled(crew, 1, 4, 10);
        uint40 given = _write(crew, Write.give(mine, station));
        _expect(station, _takeOf(mine, 10, crew, given), DEFERRED);
        uint40 merged = _expect(station, Write.merge(mine, _lot(station, 1), 3), DEFERRED);
        _send(_cut(crew, given, given));
        VM.expectEmit(address(ledger));
        emit ICustodyLedger.Settled(station, merged, mine, INVALID);
        ledger.settle(mine, station, 9);
        _expectLot(mine, station, 10, 1);
        _expectLot(_lot(station, 1), station, 0, 1);
        _equal(_openDeferrals(station), 0, "open deferrals");
    }

    function test_MergePast48BitsOfGramsIsInvalid() public {
        uint96 big = _tooBig(type(uint48).max);
        _filled(station, 1, 4, 1);
        _expect(station, Write.merge(big, _lot(station, 1), 4), INVALID);
        _expectLot(big, station, type(uint48).max, 1);
    }

    function test_AGiveWaitsForMergesIntoTheLot() public {
        _filled(crew, 1, 4, 10);
        uint96 into = _lot(station, 1);
        uint40 given = _write(crew, Write.give(mine, station));
        _expect(station, _takeOf(mine, 10, crew, given), DEFERRED);
        _expect(station, Write.merge(mine, into, 4), DEFERRED);
        _equal(_pendingsOf(into), 1, "pendings");
        _expect(station, Write.merge(into, _lot(station, 2), 4), DEFERRED);
        _expectLot(into, station, 0, 5);
        _expect(station, Write.load(into, 4), CONFLICT);
        _expect(station, Write.merge(mine, into, 4), CONFLICT);
        uint40 passed = _expect(station, Write.give(_lot(station, 2), park), DEFERRED);
        _send(_cut(crew, given, given));
        _equal(ledger.settle(mine, station, 9), 1, "steps on the lot");
        _equal(ledger.settle(into, station, 9), 1, "steps on the next");
        _equal(ledger.settle(_lot(station, 2), station, 9), 1, "steps on the last");
        _expectLot(_lot(station, 2), station, 10, 2);
        _expect(park, _takeOf(_lot(station, 2), 10, station, passed), APPLIED);
        _expectTotals(4, 10, 0, 0, 0);
    }

    function test_CloseBooksEachFate() public {
        for (uint8 fate = 1; fate <= 4; ++fate) {
            uint96 lot = _filled(crew, fate, 4, 10);
            _expect(crew, Write.close(lot, 0), INVALID);
            _expect(crew, Write.close(lot, 5), INVALID);
            _expect(crew, Write.close(lot, fate), APPLIED);
            _expectLot(lot, crew, 0, 4);
            _expect(crew, Write.close(lot, fate), CONFLICT);
        }
        _expectTotals(4, 40, 0, 30, 10);
    }

    /* ------------------------------------------ the rest ------------------------------------------ */

    function test_WeighSaysWhatIsWrongWithATicket() public {
        uint40 ok = Write.AT;
        _expect(crew, Write.weigh(mine, 10, 30, 20, 1, ok), 0x36);
        _expect(scale, Write.weigh(mine, 10, 30, 21, 1, ok), INVALID);
        _expect(scale, Write.weigh(mine, 0, 20, 30, 1, ok), INVALID);
        _expect(scale, Write.weigh(mine, type(uint48).max, 0, 1, 1, ok), INVALID);
        _expect(scale, Write.weigh(mine, 10, 30, 20, 0, ok), INVALID);
        // The first ticket may have any number.
        _expect(scale, Write.weigh(mine, 10, 30, 20, 70, ok), APPLIED);
        _expect(scale, Write.weigh(mine, 10, 30, 20, 70, ok), 0x56);
        _expect(scale, Write.weigh(mine, 10, 30, 20, 69, ok), 0x56);
        _expect(scale, Write.weigh(mine, 10, 30, 20, 71, ok), APPLIED);
        _expect(scale, Write.weigh(mine, 10, 30, 20, 73, ok), 0x46);
        _expect(scale, Write.weigh(mine, 10, 30, 20, 74, ok - 1), 0x66);
        _expect(scale, Write.weigh(mine, 10, 30, 20, 75, ok), APPLIED);
        (, , uint40 last) = ledger.deskOf(scale);
        _equal(last, 75, "last ticket");
        _expect(station, Write.weigh(mine, 10, 30, 20, 1, ok), APPLIED);
        _expect(scale, Write.weigh(mine, 10, 30, 20, type(uint40).max, ok), 0x46);
        _expect(scale, Write.weigh(mine, 10, 30, 20, type(uint40).max, ok), 0x56);
    }

    function test_StatementsWithoutCustodyEffectAreApplied() public {
        _expect(crew, Write.blank(13, 3), APPLIED);
        _expect(crew, Write.blank(14, 3), APPLIED);
        _expect(crew, Write.blank(16, 2), APPLIED);
        _expect(crew, Write.blank(17, 2), APPLIED);
        _expect(crew, Write.blank(18, 2), APPLIED);
        _expect(crew, Write.blank(19, 1), APPLIED);
        _expect(crew, Write.blank(20, 1), APPLIED);
    }

    function test_KindsWithoutARuleAreUnknown() public {
        uint8[6] memory kinds = [0, 21, 38, 42, 64, 255];
        for (uint256 i = 0; i < kinds.length; ++i) {
            _expect(crew, Write.blank(kinds[i], uint8(1 + (i % 5))), UNKNOWN);
        }
        _expect(crew, Write.blank(200, 255), UNKNOWN);
    }

    function testFuzz_AKnownKindWithAWrongNumberOfWordsIsInvalid(uint8 pick, uint8 words) public {
        uint8[27] memory kinds = [
            2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20,
            32, 33, 34, 35, 36, 37, 40, 41
        ];
        uint8[27] memory right = [
            1, 4, 5, 1, 3, 2, 2, 3, 3, 2, 2, 3, 3, 2, 2, 2, 2, 1, 1, 3, 1, 4, 2, 1, 7, 2, 2
        ];
        pick %= 27;
        bool repeats = kinds[pick] == 9 || kinds[pick] == 37;
        if (repeats) words = 1 + (words % (right[pick] - 1));
        else if (words == 0 || words == right[pick]) words = 6;
        _expect(crew, Write.blank(kinds[pick], words), INVALID);
    }

    function test_EntriesAfterNotAfterAreQuarantined() public {
        (uint256 x, uint256 y) = VM.publicKeyP256(_key(_device(1, 9)));
        _expect(root1, Write.enrol(_device(1, 9), CREW, 1, uint40(START + 9), x, y), APPLIED);
        VM.warp(START + 9);
        _expect(_device(1, 9), Write.load(_lot(_device(1, 9), 1), 4), APPLIED);
        VM.warp(START + 10);
        _expect(_device(1, 9), Write.lift(4, 1), QUARANTINED);
        _expectLot(_lot(_device(1, 9), 1), _device(1, 9), 0, 1);
        (bool isSet, uint40 seen, ) = ledger.seenOf(_device(1, 9));
        require(isSet && seen == 1, "seen");
    }

    function _tooBig(uint48 grams) private returns (uint96 lot) {
        lot = _filled(crew, 77, 4, 1);
        uint40 given = _expect(crew, Write.give(lot, station), APPLIED);
        _expect(station, _takeOf(lot, grams, crew, given), APPLIED);
    }
}
