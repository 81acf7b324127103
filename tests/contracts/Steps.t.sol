// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ICustodyLedger} from "../../contracts/interfaces/ICustodyLedger.sol";
import {Fixture} from "./Fixture.sol";
import {VM} from "./Vm.sol";
import {Write} from "./Write.sol";

/// @dev Takes in part and as another stream, refusals, redirections, splits, transformations and queues.
contract StepsTest is Fixture {
    uint8 private constant UNATTESTED = 0x21;
    uint8 private constant CLEANER = 0x74;

    uint96 private mine = _lot(crew, 1);

    function _takeAs(
        uint40 given,
        uint48 grams,
        uint8 stream,
        uint96 into
    ) private view returns (bytes memory) {
        Write.Take memory more = Write.Take(stream, into, 0, 0, 0, Write.AT);
        return Write.takeAs(mine, grams, crew, given, _head(crew, given), more);
    }

    function _given(uint48 grams) private returns (uint40) {
        _filled(crew, 1, 4, uint32(grams));
        return _expect(crew, Write.give(mine, station), APPLIED);
    }

    /* ------------------------------------- take in part, unattested ------------------------------------- */

    function test_ATakeInPartLeavesTheRestWithTheGiver() public {
        uint40 given = _given(100);
        _expect(station, _takeAs(given, 30, 0, _lot(station, 1)), APPLIED);
        _expectLot(mine, crew, 70, 1);
        _expectLot(_lot(station, 1), station, 30, 1);
        _equal(_streamOf(_lot(station, 1)), 4, "stream");
        require(_isShut(mine) && _isShut(_lot(station, 1)), "shut");
        _expectTotals(4, 100, 0, 0, 0);
        (uint64 to, , , ) = ledger.giveOf(mine);
        _equal(to, 0, "give");
        _expect(crew, Write.give(mine, park), APPLIED);
    }

    function test_ATakeInPartOfMoreThanTheLotEmptiesItAndBooksTheRest() public {
        uint40 given = _given(100);
        _expect(station, _takeAs(given, 130, 0, _lot(station, 1)), APPLIED);
        _expectLot(mine, crew, 0, 1);
        _expectLot(_lot(station, 1), station, 130, 1);
        _expectTotals(4, 100, 30, 0, 0);
    }

    function test_ATakeInPartGoesIntoANewLotOfItsOwn() public {
        uint40 given = _given(100);
        _expect(station, _takeAs(given, 30, 0, _lot(scale, 1)), INVALID);
        _expect(station, _takeAs(given, 30, 0, _lot(station, 0)), INVALID);
        _expect(station, _takeAs(given, 30, 5, 0), INVALID);
        _filled(station, 1, 4, 1);
        _expect(station, _takeAs(given, 30, 0, _lot(station, 1)), CONFLICT);
        _expectLot(mine, crew, 100, 2);
    }

    function test_ATakeInPartThatWaitsPromisesItsLot() public {
        uint40 took = _expect(
            station,
            Write.takeAs(
                mine,
                30,
                crew,
                3,
                bytes32("other"),
                Write.Take(3, _lot(station, 1), 0, 0, 0, 1)
            ),
            DEFERRED
        );
        _expectLot(_lot(station, 1), station, 30, 6);
        _expect(station, Write.give(_lot(station, 1), park), DEFERRED);
        _expect(station, Write.withdraw(_lot(station, 1), 99), DEFERRED);
        _expect(station, Write.load(_lot(station, 1), 3), CONFLICT);
        _given(100);
        _equal(_waiting(mine, station), 0, "waiting");
        // The head it cites is another: the lot is there, and empty.
        _expectLot(_lot(station, 1), station, 0, 5);
        _equal(ledger.settle(_lot(station, 1), station, 1), 1, "steps");
        _expectLot(_lot(station, 1), station, 0, 2);
        require(took != 0, "seq");
    }

    function test_AnUnattestedLegBeginsWithTheTaker() public {
        bytes memory entry = Write.takeAs(
            _lot(station, 1),
            50,
            0,
            0,
            0,
            Write.Take(3, 0, 0, 0, 0, 1)
        );
        _expect(station, entry, UNATTESTED);
        _expectLot(_lot(station, 1), station, 50, 1);
        _expectTotals(3, 0, 50, 0, 0);
        require(_isShut(_lot(station, 1)), "shut");
        _expect(station, entry, CONFLICT);
        _expect(
            station,
            Write.takeAs(mine, 50, 0, 0, 0, Write.Take(3, 0, 0, 0, 0, 1)),
            INVALID
        );
        _expect(
            station,
            Write.takeAs(_lot(station, 2), 50, 0, 0, 0, Write.Take(0, 0, 0, 0, 0, 1)),
            INVALID
        );
        _expect(
            station,
            Write.takeAs(
                _lot(station, 2),
                50,
                0,
                0,
                0,
                Write.Take(3, _lot(station, 3), 0, 0, 0, 1)
            ),
            INVALID
        );
    }

    /* ------------------------------------------ mixing ------------------------------------------ */

    function test_ALotMayBeTakenAsWorseNeverAsCleaner() public {
        _expect(crew, Write.load(mine, 1), APPLIED);
        _expect(crew, Write.lift(1, 100), APPLIED);
        uint40 given = _expect(crew, Write.give(mine, station), APPLIED);
        _expect(station, _takeAs(given, 100, 3, 0), CLEANER);
        _expectLot(mine, crew, 100, 2);
        _expect(station, _takeAs(given, 90, 4, 0), APPLIED);
        _expectLot(mine, station, 90, 1);
        _equal(_streamOf(mine), 4, "stream");
        _equal(_mixtureOf(mine), 1 << 1, "mixture");
        _expectTotals(1, 100, 0, 0, 100);
        _expectTotals(4, 0, 90, 0, 0);
    }

    function test_AMixedLotIsResidualAtBestAndHazardousWithHazardousInIt() public {
        _expect(crew, Write.load(mine, 3), APPLIED);
        _expect(crew, Write.lift(1, 5), 0x11);
        uint40 given = _expect(crew, Write.give(mine, station), APPLIED);
        _expect(station, _takeAs(given, 5, 0, 0), CLEANER);
        _expect(station, _takeAs(given, 5, 4, 0), APPLIED);

        uint96 bad = _lot(crew, 2);
        _expect(crew, Write.load(bad, 3), APPLIED);
        _expect(crew, Write.lift(2, 5), 0x11);
        given = _expect(crew, Write.give(bad, station), APPLIED);
        bytes32 head = _head(crew, given);
        Write.Take memory more = Write.Take(4, 0, 0, 0, 0, 1);
        _expect(station, Write.takeAs(bad, 5, crew, given, head, more), CLEANER);
        more.stream = 2;
        _expect(station, Write.takeAs(bad, 5, crew, given, head, more), APPLIED);
        _expectTotals(2, 0, 5, 0, 0);
    }

    /* ------------------------------------- refuse and redirect ------------------------------------- */

    function test_ARefusalBringsTheLotBack() public {
        uint40 given = _given(100);
        bytes32 head = _head(crew, given);
        _expect(station, Write.refuse(mine, 0, given, head), INVALID);
        _expect(station, Write.refuse(mine, station, given, head), INVALID);
        _expect(park, Write.refuse(mine, crew, given, head), CONFLICT);
        _expect(station, Write.refuse(mine, crew, given, bytes32("other")), CONFLICT);
        _expect(station, Write.refuse(mine, crew, given, head), APPLIED);
        _expectLot(mine, crew, 100, 1);
        _expect(station, _takeAs(given, 100, 0, 0), DEFERRED);
        _expect(crew, Write.give(mine, park), APPLIED);
    }

    function test_ARefusalThatWaitsSetsTheGiversNextStepFree() public {
        _filled(crew, 1, 4, 100);
        uint40 given = _write(crew, Write.give(mine, station));
        uint40 again = _write(crew, Write.give(mine, park));
        _send(_cut(crew, given, again));
        _expectLot(mine, crew, 100, 2);
        VM.expectEmit(address(ledger));
        emit ICustodyLedger.Settled(crew, again, mine, APPLIED);
        _expect(station, Write.refuse(mine, crew, given, _head(crew, given)), APPLIED);
        (uint64 to, uint40 seq, , ) = ledger.giveOf(mine);
        require(to == park && seq == again, "give");
    }

    function test_ARedirectionIsAnotherGive() public {
        uint40 given = _given(100);
        _expect(crew, Write.redirect(mine, given, crew), INVALID);
        _expect(crew, Write.redirect(mine, given, 7), INVALID);
        _expect(crew, Write.redirect(mine, given + 9, park), CONFLICT);
        _expect(station, Write.redirect(mine, given, park), CONFLICT);
        uint40 sent = _expect(crew, Write.redirect(mine, given, park), APPLIED);
        (uint64 to, uint40 seq, uint48 grams, bytes13 head13) = ledger.giveOf(mine);
        require(to == park && seq == sent && grams == 100, "give");
        require(head13 == bytes13(_head(crew, sent)), "head13");
        _expect(station, _takeAs(given, 100, 0, 0), DEFERRED);
        _expect(park, _takeAs(sent, 100, 0, 0), APPLIED);
        _equal(ledger.settle(mine, station, 1), 0, "the old give never comes back");
    }

    function test_ARedirectionSetsATakeFree() public {
        uint40 given = _given(100);
        uint40 sent = _write(crew, Write.redirect(mine, given, park));
        uint40 took = _expect(park, _takeAs(sent, 100, 0, 0), DEFERRED);
        VM.expectEmit(address(ledger));
        emit ICustodyLedger.Settled(park, took, mine, APPLIED);
        _send(_cut(crew, sent, sent));
        _expectLot(mine, park, 100, 1);
    }

    /* ------------------------------------- split and transform ------------------------------------- */

    function test_ASplitTakesGramsOffALot() public {
        _filled(crew, 1, 4, 100);
        _expect(crew, Write.lift(3, 10), 0x11);
        _expect(crew, Write.split(mine, 30, _lot(crew, 2), 4), APPLIED);
        _expectLot(mine, crew, 80, 1);
        _expectLot(_lot(crew, 2), crew, 30, 1);
        _equal(_mixtureOf(_lot(crew, 2)), 1 << 3, "mixture");
        _expect(crew, Write.split(mine, 30, _lot(crew, 2), 4), CONFLICT);
        _expect(crew, Write.split(mine, 30, mine, 4), INVALID);
        _expect(crew, Write.split(mine, 30, _lot(crew2, 1), 4), INVALID);
        _expect(crew, Write.split(mine, 30, _lot(crew, 3), 0), INVALID);
        _expect(crew, Write.split(mine, 81, _lot(crew, 3), 4), INVALID);
        _expectLot(_lot(crew, 3), crew, 0, 1);
        _expect(crew, Write.split(mine, 30, _lot(crew, 4), 3), INVALID);
        _expect(crew2, Write.split(mine, 30, _lot(crew2, 4), 4), CONFLICT);
        _expectLot(mine, crew, 80, 1);
        _expectTotals(4, 110, 0, 0, 0);
    }

    function test_ATransformationBringsForthItsOutputs() public {
        _filled(crew, 1, 3, 100);
        bytes memory items = bytes.concat(
            Write.item(_lot(crew, 5), 60),
            Write.item(_lot(crew, 6), 30),
            Write.item(0, 999)
        );
        _expect(crew, Write.transform(mine, 2, 10, 0, items), APPLIED);
        _expectLot(mine, crew, 0, 4);
        _expectLot(_lot(crew, 5), crew, 60, 1);
        _expectLot(_lot(crew, 6), crew, 30, 1);
        _equal(_streamOf(_lot(crew, 6)), 3, "stream");
        _expectTotals(3, 100, 0, 0, 10);
        _expect(crew, Write.transform(mine, 2, 10, 0, items), CONFLICT);
    }

    function test_ATransformationMayGain() public {
        _filled(crew, 1, 3, 100);
        bytes memory items = Write.item(_lot(crew, 5), 160);
        _expect(crew, Write.transform(mine, 1, 60, 1, items), APPLIED);
        _expectLot(_lot(crew, 5), crew, 160, 1);
        _expectTotals(3, 100, 60, 0, 0);
    }

    function test_ATransformationIsInvalidForAnythingOutOfPlace() public {
        _filled(crew, 1, 3, 100);
        bytes memory one = Write.item(_lot(crew, 5), 100);
        bytes memory two = bytes.concat(one, Write.item(_lot(crew, 7), 0));
        _expect(crew, Write.transform(mine, 0, 0, 0, one), INVALID);
        _expect(crew, Write.transform(mine, 2, 0, 0, one), INVALID);
        _expect(crew, Write.transform(mine, 17, 0, 0, one), INVALID);
        _expect(crew, Write.transform(mine, 2, 0, 0, two), INVALID);
        _expect(crew, Write.transform(mine, 1, 0, 0, two), INVALID);
        _expect(crew, Write.transform(mine, 1, 0, 2, one), INVALID);
        _expect(crew, Write.transform(mine, 1, 0, 0, Write.item(mine, 100)), INVALID);
        _expect(crew, Write.transform(mine, 1, 0, 0, Write.item(_lot(crew2, 5), 100)), INVALID);
        bytes memory last = bytes.concat(
            Write.item(_lot(crew, type(uint32).max), 1),
            Write.item(_lot(crew, type(uint32).max) + 1, 1)
        );
        _expect(crew, Write.transform(mine, 2, 0, 0, last), INVALID);
        bytes memory heavy = bytes.concat(
            Write.item(_lot(crew, 5), type(uint48).max),
            Write.item(_lot(crew, 6), 1)
        );
        _expect(crew, Write.transform(mine, 2, 0, 0, heavy), INVALID);
        _expect(crew, Write.transform(mine, 1, 1, 0, one), INVALID);
        _expectLot(mine, crew, 100, 1);
        // The last was seen only when it was judged: its output is there, and empty.
        _expectLot(_lot(crew, 5), crew, 0, 1);
    }

    function test_SixteenOutputsAndNotOneMore() public {
        _filled(crew, 1, 3, 160);
        bytes memory items;
        for (uint32 i = 0; i < 17; ++i) {
            items = bytes.concat(items, Write.item(_lot(crew, 100 + i), 10));
        }
        _expect(crew, Write.transform(mine, 17, 0, 0, items), INVALID);
        assembly ("memory-safe") {
            mstore(items, 512)
        }
        _expect(crew, Write.transform(mine, 16, 0, 0, items), APPLIED);
        _expectLot(_lot(crew, 115), crew, 10, 1);
    }

    /* ------------------------------------------- queues ------------------------------------------- */

    function test_TheSeventeenthStepOfAQueueIsLate() public {
        for (uint40 i = 1; i <= 16; ++i) {
            _expect(station, Write.take(mine, 1, crew, i, 0), DEFERRED);
        }
        _expect(station, Write.take(mine, 1, crew, 17, 0), LATE);
        _expect(station, Write.merge(mine, _lot(station, 1), 4), LATE);
        _equal(_pendingsOf(_lot(station, 1)), 0, "pendings");
        _expect(station, Write.split(mine, 5, _lot(station, 2), 4), LATE);
        _expectLot(_lot(station, 2), station, 0, 1);
        _equal(_openDeferrals(station), 16, "open deferrals");
        _equal(ledger.expectedOf(crew, 17, 2, mine), 0, "expected");
    }

    function test_The257thOpenDeferralIsLate() public {
        for (uint40 i = 0; i < 256; ++i) {
            _write(station, Write.take(_lot(crew, uint32(1 + i)), 1, crew, 1, 0));
        }
        bytes memory outcomes = _upload(station);
        for (uint256 i = 0; i < 256; ++i) _equal(uint8(outcomes[i]), DEFERRED, "outcome");
        _equal(_openDeferrals(station), 256, "open deferrals");
        _expect(station, Write.take(_lot(crew, 999), 1, crew, 1, 0), LATE);
    }

    /// @dev Steps come and go at both ends, so that the ring turns past its end.
    function testFuzz_AQueueKeepsTheOrderOfTheJournal(uint256 seed) public {
        uint40[] memory kept = new uint40[](200);
        uint256 count = 0;
        for (uint256 i = 0; i < 60; ++i) {
            uint256 random = uint256(keccak256(abi.encode(seed, i)));
            if (random % 5 < 3 && count < 16) {
                kept[count++] = _expect(
                    station,
                    Write.take(mine, 1, crew, uint40(1000 + i), 0),
                    DEFERRED
                );
            } else if (count != 0) {
                uint256 place = random % 7 < 4 ? 0 : (random >> 8) % count;
                _expect(station, Write.withdraw(mine, kept[place]), APPLIED);
                for (uint256 k = place; k + 1 < count; ++k) kept[k] = kept[k + 1];
                --count;
            }
            uint256[3][] memory steps = ledger.queueOf(mine, station);
            _equal(steps.length, count, "steps");
            for (uint256 k = 0; k < count; ++k) {
                _equal(uint40(steps[k][0] >> 208), kept[k], "seq");
            }
        }
        _equal(_openDeferrals(station), count, "open deferrals");
    }

    function test_AWithdrawalGivesUpWhatWaitsButForWhatChangesTheReceiver() public {
        uint40 took = _expect(station, Write.take(mine, 10, crew, 9, 0), DEFERRED);
        uint40 cut = _expect(station, Write.split(mine, 5, _lot(station, 1), 4), DEFERRED);
        uint40 passed = _expect(station, Write.give(mine, park), DEFERRED);
        VM.expectEmit(address(ledger));
        emit ICustodyLedger.Settled(station, cut, mine, CONFLICT);
        _expect(station, Write.withdraw(mine, cut), APPLIED);
        _expectLot(_lot(station, 1), station, 0, 1);
        _expect(station, Write.withdraw(mine, passed), DEFERRED);
        _expect(station, Write.withdraw(mine, took), APPLIED);
        _equal(_waiting(mine, station), 2, "waiting");
    }

    function test_AnUndoingOnAPromisedLotWaits() public {
        _expect(station, Write.take(mine, 10, crew, 9, 0), DEFERRED);
        _expect(station, Write.split(mine, 5, _lot(station, 1), 4), DEFERRED);
        _expect(station, Write.withdraw(_lot(station, 1), 1), DEFERRED);
        _expect(station, Write.redirect(_lot(station, 1), 1, park), DEFERRED);
        _equal(_waiting(_lot(station, 1), station), 2, "waiting");
    }

    /// @dev Everybody's entries arrive in the wrong order, and two hundred handoffs settle one by one.
    function test_AReversedChainOf200HandoffsSettles() public {
        _filled(crew, 1, 4, 100);
        uint64[2] memory pair = [station, park];
        uint64 giver = crew;
        uint40[201] memory seqs;
        uint40 firstGive = _write(crew, Write.give(mine, pair[0]));
        uint40 given = firstGive;
        for (uint256 i = 0; i < 200; ++i) {
            uint64 taker = pair[i % 2];
            _write(taker, _takeOf(mine, 100, giver, given));
            given = _write(taker, Write.give(mine, pair[(i + 1) % 2]));
            giver = taker;
            seqs[i] = given;
        }
        // Sixteen steps of a device wait on one lot, so the pair brings eight handoffs each at a time.
        uint256 done = 0;
        _uploadTo(park, 16);
        _uploadTo(station, 16);
        _send(_cut(crew, firstGive, firstGive));
        while (true) {
            uint256 steps = ledger.settle(mine, station, 16) + ledger.settle(mine, park, 16);
            done += steps;
            if (steps != 0) continue;
            uint40 next = recorded[park] + 16;
            if (next > 200) next = 200;
            if (recorded[park] == 200) break;
            _uploadTo(park, next);
            _uploadTo(station, next);
        }
        require(done > 16, "nothing waited");
        _expectLot(mine, park, 100, 2);
        _equal(_openDeferrals(park) + _openDeferrals(station), 0, "open deferrals");
    }

    function test_TenThousandBogusTakesBlockNobody() public {
        _filled(crew, 1, 4, 100);
        uint40 given = _write(crew, Write.give(mine, station));
        for (uint256 round = 0; round < 40; ++round) this.sendBogusTakes(round);
        _send(_cut(crew, given, given));
        _expect(station, _takeOf(mine, 100, crew, given), APPLIED);
        _expectLot(mine, station, 100, 1);
        _equal(_openDeferrals(park), 256, "open deferrals");
    }

    /// @dev A stranger's takes, of this lot and others, until its cap; then they are late. A call of its own, because
    /// memory is given back at its end.
    function sendBogusTakes(uint256 round) external {
        for (uint40 n = uint40(round) * 250; n < (round + 1) * 250; ++n) {
            uint96 lot = n % 3 == 0 ? mine : _lot(crew2, 1 + uint32(n));
            _write(park, Write.take(lot, 1, crew, n, "bogus"));
        }
        uint40 end = uint40(journals[park].entries.length);
        ICustodyLedger.Segment memory segment = _cut(park, recorded[park] + 1, end);
        uint256 before = gasleft();
        _send(segment);
        // Beside this a transaction of 250 takes pays less than 800,000 for its calldata.
        require(before - gasleft() < 15_900_000, "gas");
        recorded[park] = end;
    }
}
