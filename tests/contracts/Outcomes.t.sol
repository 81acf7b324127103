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
        (uint32 serial, ) = ledger.deskOf(crew);
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
        (, uint48 grams, uint32 lifts, uint8 stream, , , uint40 lastSeq, ) = ledger.lotOf(mine);
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

    function test_LiftWithoutADeskOrOfAnotherStreamIsInvalid() public {
        _expect(crew, Write.lift(4, 1), INVALID);
        _expect(crew, Write.lift(0, 1), INVALID);
        _expect(crew, Write.load(mine, 4), APPLIED);
        _write(crew, Write.lift(4, 1));
        _write(crew, Write.lift(3, 1));
        _write(crew, Write.lift(4, 1));
        _write(crew, Write.lift(0, 1));
        require(keccak256(_upload(crew)) == keccak256(hex"01060106"), "outcomes");
        (, , uint32 lifts, , , , uint40 lastSeq, ) = ledger.lotOf(mine);
        _equal(lifts, 2, "lifts");
        _equal(lastSeq, 6, "last seq");
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
        _expect(crew, Write.lift(3, 1), INVALID);
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

    function test_GiveToItselfOrToNobodyIsInvalid() public {
        _filled(crew, 1, 4, 10);
        _expect(crew, Write.give(mine, crew), INVALID);
        _expect(crew, Write.give(mine, 5), INVALID);
    }

    function test_GiveOfALotItDoesNotHoldIsAConflict() public {
        _filled(crew, 1, 4, 10);
        _expect(crew2, Write.give(mine, station), CONFLICT);
        _expect(crew, Write.give(mine, station), APPLIED);
        _expect(crew, Write.give(mine, station), CONFLICT);
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
        (, , , , , , , bool taken) = ledger.lotOf(mine);
        require(taken, "taken");
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
        (uint8 kind, , , , , ) = ledger.waitingStepOf(mine, crew);
        _equal(kind, 0, "waiting step");
    }

    function test_TakeWaitsForItsGive() public {
        _filled(crew, 1, 4, 10);
        uint40 given = _write(crew, Write.give(mine, station));
        uint40 took = _expect(station, _takeOf(mine, 12, crew, given), DEFERRED);
        _equal(_openDeferrals(station), 1, "open deferrals");
        (uint64 taker, uint40 seq, uint48 grams, ) = ledger.waitingTakeOf(crew, given, 2, mine);
        require(taker == station && seq == took && grams == 12, "waiting take");
        (uint8 kind, , , , , ) = ledger.waitingStepOf(mine, station);
        _equal(kind, 255, "expecting");

        VM.expectEmit(address(ledger));
        emit ICustodyLedger.Settled(station, took, mine, APPLIED);
        _send(_cut(crew, given, given));
        _expectLot(mine, station, 12, 1);
        _equal(_openDeferrals(station), 0, "open deferrals");
        (kind, , , , , ) = ledger.waitingStepOf(mine, station);
        _equal(kind, 0, "expecting no more");
        (taker, , , ) = ledger.waitingTakeOf(crew, given, 2, mine);
        _equal(taker, 0, "waiting take after it applied");
    }

    function test_ASecondTakeIsAConflictWhileTheFirstWaits() public {
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
        VM.expectEmit(address(ledger));
        emit ICustodyLedger.Settled(station, passed, mine, CONFLICT);
        _send(_cut(crew, given, given));
        _equal(_openDeferrals(station), 0, "open deferrals");
        _expectLot(mine, crew, 10, 2);
        (, , , , , uint16 pendings, , ) = ledger.lotOf(_lot(station, 1));
        _equal(pendings, 0, "pendings");
        (uint8 kind, , , , , ) = ledger.waitingStepOf(mine, station);
        _equal(kind, 0, "waiting step");
        _expect(scale, _takeOf(mine, 10, crew, given), APPLIED);
    }

    function test_AWholeWayWaitsAndSettlesStepByStep() public {
        _filled(crew, 1, 4, 10);
        uint40 first = _write(crew, Write.give(mine, station));
        _expect(station, _takeOf(mine, 10, crew, first), DEFERRED);
        uint40 second = _expect(station, Write.give(mine, park), DEFERRED);
        uint40 third = _expect(park, _takeOf(mine, 9, station, second), DEFERRED);
        uint40 fourth = _expect(park, Write.close(mine, 1), DEFERRED);
        _expect(park, Write.close(mine, 1), CONFLICT);

        _send(_cut(crew, first, first));
        _expectLot(mine, station, 10, 5);
        _equal(ledger.settle(mine, 1), 1, "steps");
        _expectLot(mine, station, 10, 2);
        VM.expectEmit(address(ledger));
        emit ICustodyLedger.Settled(park, third, mine, APPLIED);
        VM.expectEmit(address(ledger));
        emit ICustodyLedger.Settled(park, fourth, mine, APPLIED);
        _equal(ledger.settle(mine, 9), 2, "steps");
        _expectLot(mine, park, 0, 4);
        _expectTotals(4, 10, 0, 9, 1);
        _equal(ledger.settle(mine, 9), 0, "steps");
    }

    function test_TheSixtyFifthOpenDeferralIsLate() public {
        for (uint40 i = 1; i <= 64; ++i) {
            _expect(station, Write.take(_lot(crew, uint32(i)), 1, crew, i, 0), DEFERRED);
        }
        _equal(_openDeferrals(station), 64, "open deferrals");
        _expect(station, Write.take(_lot(crew, 65), 1, crew, 65, 0), LATE);
        _expect(station, Write.give(_lot(crew, 1), park), LATE);
        _expect(station, Write.merge(_lot(crew, 1), _lot(station, 1), 4), LATE);
        (, , , , , uint16 pendings, , ) = ledger.lotOf(_lot(station, 1));
        _equal(pendings, 0, "pendings");
        (uint64 taker, , , ) = ledger.waitingTakeOf(crew, 65, 2, _lot(crew, 65));
        _equal(taker, 0, "waiting take");
    }

    /* ------------------------------------------ withdraw ------------------------------------------ */

    function test_WithdrawUndoesAGiveWithoutATake() public {
        _filled(crew, 1, 4, 10);
        uint40 given = _expect(crew, Write.give(mine, station), APPLIED);
        _expect(crew, Write.withdraw(mine, given + 1), CONFLICT);
        _expect(station, Write.withdraw(mine, given), CONFLICT);
        _expect(crew, Write.withdraw(mine, given), APPLIED);
        _expectLot(mine, crew, 10, 1);
        _expect(crew, Write.lift(4, 5), APPLIED);
        given = _expect(crew, Write.give(mine, station), APPLIED);
        _expect(station, _takeOf(mine, 15, crew, given), APPLIED);
        _expect(crew, Write.withdraw(mine, given), CONFLICT);
    }

    function test_WithdrawOfAWaitingGiveGoesBackToExpecting() public {
        _filled(crew, 1, 4, 10);
        uint40 first = _write(crew, Write.give(mine, station));
        _expect(station, _takeOf(mine, 10, crew, first), DEFERRED);
        uint40 second = _expect(station, Write.give(mine, park), DEFERRED);
        _expect(station, Write.withdraw(mine, second), APPLIED);
        _equal(_openDeferrals(station), 1, "open deferrals");
        (uint8 kind, , , , , ) = ledger.waitingStepOf(mine, station);
        _equal(kind, 255, "expecting");
        _send(_cut(crew, first, first));
        _expectLot(mine, station, 10, 1);
    }

    function test_WithdrawOfAGiveThatWaitsForMergesHoldsTheLotAgain() public {
        _filled(crew, 1, 4, 10);
        uint96 into = _lot(station, 1);
        uint40 first = _write(crew, Write.give(mine, station));
        _expect(station, _takeOf(mine, 10, crew, first), DEFERRED);
        _expect(station, Write.merge(mine, into, 4), DEFERRED);
        uint40 given = _expect(station, Write.give(into, park), DEFERRED);
        _expectLot(into, station, 0, 5);
        _expect(station, Write.withdraw(into, given), APPLIED);
        _expectLot(into, station, 0, 1);
        _equal(_openDeferrals(station), 2, "open deferrals");
    }

    /* ------------------------------------------ merge, close ------------------------------------------ */

    function test_MergeMovesGramsAndLifts() public {
        _filled(crew, 1, 4, 10);
        _filled(crew, 2, 4, 5);
        _expect(crew, Write.merge(mine, _lot(crew, 2), 4), APPLIED);
        _expectLot(mine, crew, 0, 3);
        _expectLot(_lot(crew, 2), crew, 15, 1);
        (, , uint32 lifts, , , , , ) = ledger.lotOf(_lot(crew, 2));
        _equal(lifts, 2, "lifts");
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
        ledger.settle(mine, 9);
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
        _expect(station, Write.merge(into, _lot(station, 2), 4), DEFERRED);
        _expect(station, Write.merge(into, _lot(station, 3), 4), CONFLICT);
        _expect(station, Write.load(into, 4), CONFLICT);
        _expect(station, Write.merge(mine, into, 4), CONFLICT);
        uint40 passed = _expect(station, Write.give(_lot(station, 2), park), DEFERRED);
        _send(_cut(crew, given, given));
        _equal(ledger.settle(mine, 9), 3, "steps");
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

    function test_WeighNeedsAScaleOrGateAndASoundTicket() public {
        _expect(scale, Write.weigh(mine, 10, 30, 20), APPLIED);
        _expect(station, Write.weigh(mine, 10, 30, 20), APPLIED);
        _expect(scale, Write.weigh(mine, 10, 30, 21), INVALID);
        _expect(scale, Write.weigh(mine, 0, 20, 30), INVALID);
        _expect(scale, Write.weigh(mine, type(uint48).max, 0, 1), INVALID);
        _expect(crew, Write.weigh(mine, 10, 30, 20), INVALID);
    }

    function test_StatementsWithoutCustodyEffectAreApplied() public {
        _expect(crew, Write.blank(16, 2), APPLIED);
        _expect(crew, Write.blank(17, 2), APPLIED);
        _expect(crew, Write.blank(18, 2), APPLIED);
        _expect(crew, Write.blank(19, 1), APPLIED);
        _expect(crew, Write.blank(20, 1), APPLIED);
    }

    function test_KindsWithoutARuleAreUnknown() public {
        uint8[15] memory kinds = [0, 8, 9, 10, 11, 13, 14, 15, 21, 34, 35, 36, 37, 42, 255];
        for (uint256 i = 0; i < kinds.length; ++i) {
            _expect(crew, Write.blank(kinds[i], uint8(1 + (i % 5))), UNKNOWN);
        }
        _expect(crew, Write.blank(200, 255), UNKNOWN);
    }

    function testFuzz_AKnownKindWithAWrongNumberOfWordsIsInvalid(uint8 pick, uint8 words) public {
        uint8[16] memory kinds = [2, 3, 4, 5, 6, 7, 12, 16, 17, 18, 19, 20, 32, 33, 40, 41];
        uint8[16] memory right = [1, 4, 4, 1, 3, 2, 2, 2, 2, 2, 1, 1, 3, 1, 2, 2];
        pick %= 16;
        if (words == 0 || words == right[pick]) words = 5;
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
    }

    function test_EntriesOfARevokedDeviceAreQuarantinedAndItsJournalGoesOn() public {
        _expect(root1, Write.revoke(crew), APPLIED);
        _expect(root1, Write.revoke(crew), APPLIED);
        _write(crew, Write.load(mine, 4));
        for (uint256 i = 0; i < 40; ++i) _write(crew, Write.lift(4, 1));
        bytes memory outcomes = _upload(crew);
        _equal(outcomes.length, 41, "entries");
        for (uint256 i = 0; i < 41; ++i) _equal(uint8(outcomes[i]), QUARANTINED, "outcome");
        _expectLot(mine, 0, 0, 0);
        (, uint40 nextSeq, , , uint8 flags, ) = ledger.deviceOf(crew);
        _equal(nextSeq, 42, "next seq");
        _equal(flags, 1, "flags");
        require(ledger.headOf(crew) == _head(crew, 41), "head");
    }

    function _tooBig(uint48 grams) private returns (uint96 lot) {
        lot = _filled(crew, 77, 4, 1);
        uint40 given = _expect(crew, Write.give(lot, station), APPLIED);
        _expect(station, _takeOf(lot, grams, crew, given), APPLIED);
    }
}
