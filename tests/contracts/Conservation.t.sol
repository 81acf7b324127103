// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ICustodyLedger} from "../../contracts/interfaces/ICustodyLedger.sol";
import {Fixture} from "./Fixture.sol";
import {Write} from "./Write.sol";

/// @dev Devices of three organisations that do whatever comes into their heads, much of it wrong.
contract Crowd is Fixture {
    uint32 private constant SERIALS = 3;

    uint64[] private devices;
    uint64[] private givers;
    uint40[] private giveSeqs;
    uint96[] private givenLots;
    mapping(uint8 outcome => uint256) public seen;

    function setUp() public override {
        super.setUp();
        devices = [crew, crew2, station, park];
    }

    function load(uint256 who, uint256 serial, uint256 stream) external {
        uint64 device = _pick(who);
        _try(device, Write.load(_lot(device, 1 + uint32(serial % SERIALS)), _stream(stream)));
    }

    function lift(uint256 who, uint256 stream, uint32 grams) external {
        _try(_pick(who), Write.lift(_stream(stream), grams));
    }

    function give(uint256 who, uint256 which, uint256 to, bool isSound) external {
        uint96 lot = _pickLot(which);
        uint64 giver = isSound ? _holderOf(lot) : _pick(who);
        uint64 receiver = to % 3 == 0 ? (_pick(to >> 2) >> 40) << 40 : _pick(to >> 2);
        uint40 seq = _write(giver, Write.give(lot, receiver));
        givers.push(giver);
        giveSeqs.push(seq);
        givenLots.push(lot);
        // Not uploaded at once: a take may come first.
        if (to % 5 != 0) _sendAll(giver);
    }

    function take(uint256 who, uint256 which, uint48 grams, bool isSound) external {
        if (givers.length == 0) return;
        uint256 last = givers.length - 1 - (which % (givers.length < 4 ? givers.length : 4));
        uint64 giver = givers[last];
        uint40 seq = giveSeqs[last];
        uint64 device = _pick(who);
        (uint64 to, uint40 givenSeq, , ) = ledger.giveOf(givenLots[last]);
        if (isSound && givenSeq == seq && uint40(to) != 0) device = to;
        _try(device, Write.take(givenLots[last], grams, giver, seq, _head(giver, seq)));
    }

    function withdraw(uint256 which) external {
        if (givers.length == 0) return;
        uint256 index = which % givers.length;
        _try(givers[index], Write.withdraw(givenLots[index], giveSeqs[index]));
    }

    function merge(
        uint256 who,
        uint256 which,
        uint256 serial,
        uint256 stream,
        bool isSound
    ) external {
        uint96 lot = _pickLot(which);
        uint64 device = isSound ? _holderOf(lot) : _pick(who);
        uint96 into = _lot(device, 1 + uint32(serial % SERIALS));
        (, , , uint8 own, , , , ) = ledger.lotOf(lot);
        _try(device, Write.merge(lot, into, isSound && own != 0 ? own : _stream(stream)));
    }

    function close(uint256 who, uint256 which, uint8 fate, bool isSound) external {
        uint96 lot = _pickLot(which);
        _try(isSound ? _holderOf(lot) : _pick(who), Write.close(lot, fate % 5));
    }

    function settle(uint256 which, uint8 steps) external {
        ledger.settle(_pickLot(which), steps % 4);
    }

    function checkConservation() external view {
        uint64[5] memory held;
        for (uint256 i = 0; i < devices.length; ++i) {
            for (uint32 serial = 1; serial <= SERIALS; ++serial) {
                (, uint48 grams, , uint8 stream, uint8 status, , , ) = ledger.lotOf(
                    _lot(devices[i], serial)
                );
                if (status == 3 || status == 4) _equal(grams, 0, "grams of a lot that is gone");
                unchecked {
                    held[stream] += grams;
                }
            }
        }
        for (uint8 stream = 1; stream <= 4; ++stream) {
            (uint64 lifted, uint64 gained, uint64 out, uint64 lost) = ledger.totalsOf(stream);
            unchecked {
                _equal(lifted + gained, held[stream] + out + lost, "balance");
            }
        }
    }

    function checkDayTotals() external view {
        uint32 day = uint32((START + 8 hours) / 1 days);
        for (uint8 stream = 1; stream <= 4; ++stream) {
            uint64[4] memory sums;
            for (uint24 organisation = 1; organisation <= 3; ++organisation) {
                (uint64 a, uint64 b, uint64 c, uint64 d) = ledger.dayTotalsOf(
                    organisation,
                    day,
                    stream
                );
                unchecked {
                    (sums[0], sums[1], sums[2], sums[3]) = (
                        sums[0] + a,
                        sums[1] + b,
                        sums[2] + c,
                        sums[3] + d
                    );
                }
            }
            _expectTotals(stream, sums[0], sums[1], sums[2], sums[3]);
        }
    }

    /// @dev Every open deferral is a slot, every slot is an open deferral, and pendings are waiting merges.
    function checkDeferrals() external view {
        for (uint256 i = 0; i < devices.length; ++i) {
            uint64 device = devices[i];
            uint256 open = 0;
            uint256[SERIALS + 1] memory merges;
            for (uint256 k = 0; k < devices.length * SERIALS; ++k) {
                uint96 lot = _lotAt(k);
                (uint8 kind, , , , uint32 into, ) = ledger.waitingStepOf(lot, device);
                (uint64 holder, , , , uint8 status, , , ) = ledger.lotOf(lot);
                bool isLeaving = status == 5 && holder == device;
                if (holder == device && status == 1) _equal(kind, 0, "step on a lot in hand");
                if (isLeaving) require(kind != 0 && kind != 255, "leaving without a step");
                if (kind != 0) open += kind == 255 || isLeaving ? 1 : 2;
                if (kind == 7) ++merges[into];
            }
            _equal(_openDeferrals(device), open, "open deferrals");
            for (uint32 serial = 1; serial <= SERIALS; ++serial) {
                (, , , , , uint16 pendings, , ) = ledger.lotOf(_lot(device, serial));
                _equal(pendings, merges[serial], "pendings");
            }
        }
    }

    function _try(uint64 device, bytes memory entry) private {
        _write(device, entry);
        _sendAll(device);
    }

    function _sendAll(uint64 device) private {
        bytes memory outcomes = _upload(device);
        require(outcomes.length != 0, "refused");
        for (uint256 i = 0; i < outcomes.length; ++i) ++seen[uint8(outcomes[i])];
    }

    function _pick(uint256 who) private view returns (uint64) {
        return devices[who % devices.length];
    }

    function _pickLot(uint256 which) private view returns (uint96) {
        return _lotAt(which % (devices.length * SERIALS));
    }

    function _lotAt(uint256 index) private view returns (uint96) {
        return _lot(devices[index / SERIALS], 1 + uint32(index % SERIALS));
    }

    function _holderOf(uint96 lot) private view returns (uint64 holder) {
        (holder, , , , , , , ) = ledger.lotOf(lot);
        if (holder == 0) holder = devices[0];
    }

    function _stream(uint256 random) private pure returns (uint8) {
        return uint8(3 + (random % 2));
    }
}

/// @dev What must hold whatever the crowd has done.
contract ConservationTest {
    Crowd private crowd;

    function setUp() public {
        crowd = new Crowd();
        crowd.setUp();
    }

    function targetContracts() public view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(crowd);
    }

    function excludeSelectors() public view returns (FuzzSelector[] memory excluded) {
        excluded = new FuzzSelector[](1);
        bytes4[] memory selectors = new bytes4[](1);
        selectors[0] = Crowd.setUp.selector;
        excluded[0] = FuzzSelector({addr: address(crowd), selectors: selectors});
    }

    struct FuzzSelector {
        address addr;
        bytes4[] selectors;
    }

    function invariant_NoGramIsMadeOrLost() public view {
        crowd.checkConservation();
    }

    function invariant_DaysAddUpToTheWhole() public view {
        crowd.checkDayTotals();
    }

    function invariant_DeferralsAndPendingsAreCounted() public view {
        crowd.checkDeferrals();
    }
}

/// @dev Nobody moves the mass of an organisation that has not sealed it away.
contract ForeignTest is Fixture {
    function testFuzz_AForeignDeviceMovesNothing(uint256 seed) public {
        uint96 held = _filled(crew, 1, 4, 1_000);
        uint96 given = _filled(crew, 2, 4, 500);
        uint40 giveSeq = _expect(crew, Write.give(given, station), APPLIED);
        uint64[3] memory foreign = [park, crew2, scale];
        for (uint256 i = 0; i < 12; ++i) {
            uint256 random = uint256(keccak256(abi.encode(seed, i)));
            uint64 device = foreign[random % 3];
            uint96 lot = (random >> 8) % 2 == 0 ? held : given;
            _write(device, _mischief(device, lot, giveSeq, random >> 16));
            _upload(device);
            ledger.settle(lot, 4);
        }
        _expectLot(held, crew, 1_000, 1);
        _expectLot(given, crew, 500, 2);
        _expectTotals(4, 1_500, 0, 0, 0);
    }

    function _mischief(
        uint64 device,
        uint96 lot,
        uint40 giveSeq,
        uint256 random
    ) private view returns (bytes memory) {
        uint256 what = random % 8;
        uint48 grams = uint48(random >> 8);
        if (what == 0) return Write.load(lot, 4);
        if (what == 1) return Write.give(lot, station);
        if (what == 2) return Write.close(lot, uint8(1 + (grams % 4)));
        if (what == 3) return Write.merge(lot, _lot(device, 1), 4);
        if (what == 4) return Write.merge(lot, lot ^ 3, 4);
        if (what == 5) return Write.withdraw(lot, giveSeq);
        if (what == 6) return _takeOf(lot, grams, crew, giveSeq);
        return _takeOf(lot, grams, crew, giveSeq - 1);
    }
}
