// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ICustodyLedger} from "../../contracts/interfaces/ICustodyLedger.sol";
import {Fixture} from "./Fixture.sol";
import {VM, Vm} from "./Vm.sol";
import {Write} from "./Write.sol";

/// @dev Devices of three organisations that do whatever comes into their heads, much of it wrong.
contract Crowd is Fixture {
    uint32 private constant SERIALS = 3;

    uint64[] private devices;
    uint96[] private lots;
    uint64[] private givers;
    uint40[] private giveSeqs;
    uint96[] private givenLots;
    mapping(uint64 device => uint32) private serials;
    /// @dev What the ledger said of an entry first, and how often it settled it.
    mapping(uint256 entryKey => uint8) private said;
    mapping(uint256 entryKey => uint8) private settledTo;
    mapping(uint64 device => uint40) private nextSeqs;
    bool private hasBroken;

    function setUp() public override {
        super.setUp();
        devices = [crew, crew2, station, park];
        for (uint256 i = 0; i < devices.length; ++i) {
            serials[devices[i]] = SERIALS;
            for (uint32 serial = 1; serial <= SERIALS; ++serial) {
                lots.push(_lot(devices[i], serial));
            }
        }
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
        _gave(giver, _write(giver, Write.give(lot, receiver)), lot);
        // Not uploaded at once: a take may come first.
        if (to % 5 != 0) _sendAll(giver);
    }

    function redirect(uint256 which, uint256 to) external {
        if (givers.length == 0) return;
        uint256 at_ = which % givers.length;
        uint64 giver = givers[at_];
        bytes memory entry = Write.redirect(givenLots[at_], giveSeqs[at_], _pick(to));
        _gave(giver, _write(giver, entry), givenLots[at_]);
        _sendAll(giver);
    }

    function take(uint256 who, uint256 which, uint48 grams, bool isSound, uint8 stream) external {
        if (givers.length == 0) return;
        uint256 last = _recent(which);
        uint64 device = _answerer(last, who, isSound);
        Write.Take memory more = Write.Take(
            stream % 3 == 0 ? _stream(stream) : 0,
            stream % 4 == 0 ? _newLot(device) : 0,
            0,
            0,
            0,
            1
        );
        bytes32 head = _head(givers[last], giveSeqs[last]);
        _try(
            device,
            Write.takeAs(givenLots[last], grams, givers[last], giveSeqs[last], head, more)
        );
    }

    function takeUnattested(uint256 who, uint48 grams, uint256 stream) external {
        uint64 device = _pick(who);
        Write.Take memory more = Write.Take(_stream(stream), 0, 0, 0, 0, 1);
        _try(device, Write.takeAs(_newLot(device), grams, 0, 0, 0, more));
    }

    function refuse(uint256 who, uint256 which, bool isSound) external {
        if (givers.length == 0) return;
        uint256 last = _recent(which);
        bytes32 head = _head(givers[last], giveSeqs[last]);
        _try(
            _answerer(last, who, isSound),
            Write.refuse(givenLots[last], givers[last], giveSeqs[last], head)
        );
    }

    function withdraw(uint256 which, uint256 seq) external {
        if (givers.length == 0) return;
        uint256 index = which % givers.length;
        uint64 device = seq % 3 == 0 ? givers[index] : _pick(seq);
        uint256[3][] memory steps = ledger.queueOf(givenLots[index], device);
        uint40 undone = giveSeqs[index];
        if (steps.length != 0) undone = uint40(steps[(seq >> 8) % steps.length][0] >> 208);
        _try(device, Write.withdraw(givenLots[index], undone));
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
        uint8 own = _streamOf(lot);
        _try(device, Write.merge(lot, into, isSound && own != 0 ? own : _stream(stream)));
    }

    function split(uint256 who, uint256 which, uint48 grams, bool isSound) external {
        uint96 lot = _pickLot(which);
        uint64 device = isSound ? _holderOf(lot) : _pick(who);
        (, uint48 held, , uint8 stream, , , , , ) = ledger.lotOf(lot);
        if (isSound) grams = uint48(grams % (uint256(held) + 1));
        _try(device, Write.split(lot, grams, _newLot(device), stream == 0 ? 3 : stream));
    }

    function transform(uint256 which, uint48 loss, bool isGain, uint256 count, bool isSound) external {
        uint96 lot = _pickLot(which);
        uint64 device = _holderOf(lot);
        (, uint48 held, , , , , , , ) = ledger.lotOf(lot);
        count = 1 + (count % 3);
        if (isSound) loss = isGain ? loss >> 8 : uint48(loss % (uint256(held) + 1));
        uint256 total = isGain ? uint256(held) + loss : (held > loss ? held - loss : 0);
        if (total > type(uint48).max) return;
        bytes memory items = Write.item(0, 5);
        for (uint256 i = 0; i < count; ++i) _newLot(device);
        for (uint256 i = count; i != 0; --i) {
            uint48 amount = uint48(i == 1 ? total - (total / count) * (count - 1) : total / count);
            uint32 serial = serials[device] - uint32(count - i);
            items = bytes.concat(Write.item(_lot(device, serial), amount), items);
        }
        _try(device, Write.transform(lot, uint8(count), loss, isGain ? 1 : 0, items));
    }

    function close(uint256 who, uint256 which, uint8 fate, bool isSound) external {
        uint96 lot = _pickLot(which);
        _try(isSound ? _holderOf(lot) : _pick(who), Write.close(lot, fate % 5));
    }

    function settle(uint256 which, uint256 who, uint8 steps) external {
        VM.recordLogs();
        ledger.settle(_pickLot(which), _pick(who), steps % 4);
        _hear(VM.getRecordedLogs());
    }

    function suspend(uint256 which, bool isSuspended) external {
        VM.startPrank(CITY);
        if (isSuspended) registry.suspendOrganisation(uint24(1 + (which % 3)));
        else registry.resumeOrganisation(uint24(1 + (which % 3)));
        VM.stopPrank();
    }

    /* ------------------------------------- what must hold ------------------------------------- */

    function checkConservation() external view {
        uint64[5] memory held;
        for (uint256 i = 0; i < lots.length; ++i) {
            (, uint48 grams, , uint8 stream, uint8 status, , , , ) = ledger.lotOf(lots[i]);
            if (status == 3 || status == 4) _equal(grams, 0, "grams of a lot that is gone");
            if (status == 6) continue;
            unchecked {
                held[stream] += grams;
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

    /// @dev Every open deferral is a step in a queue, pendings are waiting merges, promises are waiting steps, each
    /// lot has one holder, and is leaving just when that holder's steps wait on it.
    function checkQueues() external view {
        for (uint256 i = 0; i < devices.length; ++i) {
            uint64 device = devices[i];
            uint256 open = 0;
            uint256[SERIALS + 1] memory merges;
            for (uint256 k = 0; k < lots.length; ++k) {
                uint256[3][] memory steps = ledger.queueOf(lots[k], device);
                open += steps.length;
                for (uint256 n = 0; n < steps.length; ++n) {
                    if (steps[n][0] >> 248 == 7) ++merges[uint32(steps[n][0] >> 176)];
                    if (n != 0) require(steps[n][0] << 8 > steps[n - 1][0] << 8, "order");
                }
                (uint64 holder, , , , uint8 status, , , , ) = ledger.lotOf(lots[k]);
                require((holder == 0) == (status == 0), "a lot without a holder");
                if (holder != device || (status != 1 && status != 5)) continue;
                _equal(status, steps.length == 0 ? 1 : 5, "status");
            }
            _equal(_openDeferrals(device), open, "open deferrals");
            for (uint32 serial = 1; serial <= SERIALS; ++serial) {
                _equal(_pendingsOf(_lot(device, serial)), merges[serial], "pendings");
            }
        }
    }

    /// @dev A journal has no gap and never goes back, and an entry's outcome changes at most once, from deferred.
    function checkOutcomes() external view {
        require(!hasBroken, "an outcome that changed, or a journal that went back");
    }

    /* ------------------------------------------ inside ------------------------------------------ */

    function _try(uint64 device, bytes memory entry) private {
        _write(device, entry);
        _sendAll(device);
    }

    function _sendAll(uint64 device) private {
        uint40 from = recorded[device] + 1;
        uint40 end = uint40(journals[device].entries.length);
        if (from > end) return;
        VM.recordLogs();
        _send(_cut(device, from, end));
        recorded[device] = end;
        _hear(VM.getRecordedLogs());
        (, uint40 nextSeq, , , , ) = ledger.deviceOf(device);
        if (nextSeq != end + 1 || ledger.headOf(device) != _head(device, end)) hasBroken = true;
    }

    function _hear(Vm.Log[] memory logs) private {
        Vm.Log[] memory one = new Vm.Log[](1);
        for (uint256 i = 0; i < logs.length; ++i) {
            uint64 device = uint64(uint256(logs[i].topics[1]));
            uint40 seq = uint40(uint256(logs[i].topics[2]));
            if (logs[i].topics[0] == ICustodyLedger.Settled.selector) {
                uint256 key = (uint256(device) << 40) | seq;
                uint8 outcome = abi.decode(logs[i].data, (uint8));
                // 1 applied, 4 conflict or 6 invalid, once.
                uint8 low = outcome & 0xf;
                bool isLast = low == 1 || low == 4 || low == 6;
                if (settledTo[key] != 0 || !isLast) hasBroken = true;
                if (said[key] != 0 && said[key] != 2) hasBroken = true;
                settledTo[key] = outcome;
            } else if (logs[i].topics[0] == ICustodyLedger.SegmentRecorded.selector) {
                one[0] = logs[i];
                bytes memory found = _outcomesIn(one);
                for (uint40 k = 0; k < found.length; ++k) {
                    uint256 key = (uint256(device) << 40) | (seq + k);
                    if (said[key] != 0) hasBroken = true;
                    if (settledTo[key] != 0 && uint8(found[k]) != 2) hasBroken = true;
                    said[key] = uint8(found[k]);
                }
                if (nextSeqs[device] != 0 && seq != nextSeqs[device]) hasBroken = true;
                nextSeqs[device] = seq + uint40(found.length);
            } else {
                hasBroken = true;
            }
        }
    }

    function _gave(uint64 giver, uint40 seq, uint96 lot) private {
        givers.push(giver);
        giveSeqs.push(seq);
        givenLots.push(lot);
    }

    function _recent(uint256 which) private view returns (uint256) {
        return givers.length - 1 - (which % (givers.length < 4 ? givers.length : 4));
    }

    function _answerer(
        uint256 given,
        uint256 who,
        bool isSound
    ) private view returns (uint64 device) {
        (uint64 to, uint40 seq, , ) = ledger.giveOf(givenLots[given]);
        device = _pick(who);
        if (isSound && seq == giveSeqs[given] && uint40(to) != 0) device = to;
    }

    function _newLot(uint64 device) private returns (uint96 lot) {
        lot = _lot(device, ++serials[device]);
        lots.push(lot);
    }

    function _pick(uint256 who) private view returns (uint64) {
        return devices[who % devices.length];
    }

    function _pickLot(uint256 which) private view returns (uint96) {
        return lots[which % lots.length];
    }

    function _holderOf(uint96 lot) private view returns (uint64 holder) {
        (holder, , , , , , , , ) = ledger.lotOf(lot);
        if (holder == 0) holder = devices[0];
    }

    function _stream(uint256 random) private pure returns (uint8) {
        return uint8(1 + (random % 4));
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

    function invariant_QueuesPendingsAndHoldersAgree() public view {
        crowd.checkQueues();
    }

    function invariant_JournalsOnlyGrowAndOutcomesStay() public view {
        crowd.checkOutcomes();
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
            ledger.settle(lot, device, 4);
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
        uint256 what = random % 11;
        uint48 grams = uint48(random >> 8);
        if (what == 0) return Write.load(lot, 4);
        if (what == 1) return Write.give(lot, station);
        if (what == 2) return Write.close(lot, uint8(1 + (grams % 4)));
        if (what == 3) return Write.merge(lot, _lot(device, 1), 4);
        if (what == 4) return Write.merge(lot, lot ^ 3, 4);
        if (what == 5) return Write.withdraw(lot, giveSeq);
        if (what == 6) return _takeOf(lot, grams, crew, giveSeq);
        if (what == 7) return Write.split(lot, grams, _lot(device, uint32(9 + (grams % 9))), 4);
        if (what == 8) return Write.redirect(lot, giveSeq, device == park ? crew2 : park);
        if (what == 9) return Write.refuse(lot, crew, giveSeq, _head(crew, giveSeq));
        return _takeOf(lot, grams, crew, giveSeq - 1);
    }
}
