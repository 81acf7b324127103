// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {CustodyLedger} from "../../contracts/CustodyLedger.sol";
import {Fixture} from "./Fixture.sol";
import {VM} from "./Vm.sol";
import {Write} from "./Write.sol";

/// @dev Two ledgers, and journals and lots that go from one to the other.
contract MovingTest is Fixture {
    CustodyLedger private first;
    CustodyLedger private second;

    function setUp() public override {
        super.setUp();
        first = ledger;
        second = new CustodyLedger(address(registry), address(first));
    }

    function _move(uint64 device) private {
        ledger = first;
        _expect(device, Write.moved(address(second)), APPLIED);
        ledger = second;
    }

    function test_AJournalGoesOnInTheNextLedger() public {
        uint96 lot = _filled(crew, 1, 4, 100);
        _expect(crew, Write.moved(address(0)), INVALID);
        _expect(crew, Write.moved(address(first)), INVALID);
        ledger = second;
        _write(crew, Write.moved(address(second)));
        _expectRefusal(_cut(crew, 5, 5), 1);
        ledger = first;
        require(keccak256(_upload(crew)) == keccak256(hex"01"), "moved");
        require(first.movedTo(crew) == address(second), "moved to");

        // The old ledger keeps what comes, and it no longer counts there.
        uint40 given = _write(crew, Write.give(lot, station));
        uint256 snapshot = VM.snapshotState();
        _send(_cut(crew, given, given));
        _expectLot(lot, crew, 100, 1);
        VM.revertToState(snapshot);

        ledger = second;
        (, uint40 nextSeq, , , uint8 flags, ) = second.deviceOf(crew);
        require(nextSeq == given && flags == 0, "device");
        require(second.headOf(crew) == _head(crew, given - 1), "head");
        require(keccak256(_upload(crew)) == keccak256(hex"01"), "give");
        _expectLot(lot, crew, 100, 2);
        (, uint64 gained, , ) = second.totalsOf(4);
        _equal(gained, 100, "gained");
        _expectOld(lot, crew, 100, 1);
        _move(station);
        _expect(station, _takeOf(lot, 90, crew, given), APPLIED);
        _expectLot(lot, station, 90, 1);
        require(second.predecessor() == address(first), "predecessor");
    }

    function test_ALotComesOverOnceAndOnlyWithItsHolder() public {
        uint96 lot = _filled(crew, 1, 4, 100);
        _move(crew);
        _move(station);
        _expect(station, Write.give(lot, park), CONFLICT);
        _expectLot(lot, 0, 0, 0);
        _expect(crew, Write.split(lot, 40, _lot(crew, 2), 4), APPLIED);
        _expectLot(lot, crew, 60, 1);
        _expect(crew, Write.split(lot, 40, _lot(crew, 3), 4), APPLIED);
        _expectTotals(4, 0, 100, 0, 0);
        // What it shows is shut.
        _expect(crew, Write.load(lot, 4), CONFLICT);
    }

    function test_APhoneThatWasOfflineDuringTheChangeOverLosesNothing() public {
        _expect(crew, Write.load(_lot(crew, 1), 4), APPLIED);
        _write(crew, Write.lift(4, 10));
        _write(crew, Write.lift(4, 20));
        uint40 moved = _write(crew, Write.moved(address(second)));
        _write(crew, Write.lift(4, 5));
        uint40 given = _write(crew, Write.give(_lot(crew, 1), station));
        // Everybody else has moved long ago.
        _move(station);
        _expectRefusal(_cut(crew, moved + 1, given), 1);
        ledger = first;
        require(keccak256(_uploadTo(crew, moved)) == keccak256(hex"010101"), "what belongs here");
        ledger = second;
        // The desk did not come along: a lift needs a load here first.
        require(keccak256(_upload(crew)) == keccak256(hex"0601"), "what belongs there");
        _expect(station, _takeOf(_lot(crew, 1), 30, crew, given), APPLIED);
        _expectLot(_lot(crew, 1), station, 30, 1);
    }

    function test_ADeviceThatDidNotMoveIsNotKnownAndItsIdIsUsedUp() public {
        ledger = second;
        _write(crew, Write.blank(19, 1));
        _expectRefusal(_cut(crew, 1, 1), 1);
        _move(root1);
        (uint256 x, uint256 y) = VM.publicKeyP256(7);
        _expect(root1, Write.enrol(crew, CREW, 1, 0, x, y), CONFLICT);
        _expect(root1, Write.enrol(_device(1, 60), CREW, 1, 0, x, y), APPLIED);
    }

    function test_ARevokedDeviceStaysRevoked() public {
        _filled(crew, 1, 4, 100);
        _write(crew, Write.moved(address(second)));
        _uploadTo(crew, 3);
        _expect(root1, Write.revoke(crew), APPLIED);
        ledger = second;
        _expect(crew, Write.give(_lot(crew, 1), station), QUARANTINED);
        (bool isSet, uint40 seen, ) = second.seenOf(crew);
        require(isSet && seen == 3, "seen");
    }

    function test_AMarkedDeviceThatIsMetFirstByAWitnessComesOverWhole() public {
        _filled(crew, 1, 4, 100);
        _move(crew);
        uint40 seq = _write(crew, Write.blank(19, 1));
        bytes memory call = abi.encodeCall(
            second.witness,
            (_shown(seq))
        );
        (bool success, ) = address(second).call(call);
        require(success, "witness");
        require(second.headOf(crew) == _head(crew, seq - 1), "head");
        require(keccak256(_upload(crew)) == keccak256(hex"01"), "recorded");
    }

    function test_ANewRootRegistrarIsKnownInBoth() public {
        _found(9, _device(9, 1));
        ledger = second;
        _expect(_device(9, 1), Write.blank(19, 1), APPLIED);
    }

    function test_ALedgerFollowsOnlyALedger() public {
        (bool success, ) = address(this).call(abi.encodeCall(this.follow, (address(registry))));
        require(!success, "a registry");
    }

    function follow(address predecessor) external {
        new CustodyLedger(address(registry), predecessor);
    }

    function _shown(
        uint40 seq
    ) private view returns (CustodyLedger.Witness memory shown) {
        CustodyLedger.Segment memory cut = _cut(crew, seq, seq);
        (shown.device, shown.seq, shown.before) = (crew, seq, _head(crew, seq - 1));
        (shown.x, shown.y, shown.r, shown.s) = (cut.x, cut.y, cut.r, cut.s);
        shown.words = cut.words;
    }

    function _expectOld(uint96 lot, uint64 holder, uint48 grams, uint8 status) private {
        ledger = first;
        _expectLot(lot, holder, grams, status);
        ledger = second;
    }
}
