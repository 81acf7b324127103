// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ICustodyLedger} from "./interfaces/ICustodyLedger.sol";
import {Codes} from "./libraries/Codes.sol";
import {Desk} from "./libraries/Desk.sol";
import {Entry} from "./libraries/Entry.sol";
import {Half, HalfSlot, Step, StepSlot} from "./libraries/Handoff.sol";
import {Ids} from "./libraries/Ids.sol";
import {Lot, LotSlot} from "./libraries/Lot.sol";
import {Outcome} from "./libraries/Outcomes.sol";
import {Totals, TotalsSlot} from "./libraries/Totals.sol";

/// @title What entries do to lots
/// @dev The custody rules of docs/spec/entries.md; the numbers in comments are those of its rules.
abstract contract CustodyRules is ICustodyLedger {
    uint16 public constant MAX_OPEN_DEFERRALS = 64;

    mapping(uint64 device => Desk) private _desks;
    mapping(uint96 lot => Lot) private _lots;
    mapping(uint96 lot => Half) private _gives;
    mapping(uint256 takeKey => Half) private _waitingTakes;
    mapping(uint256 stepKey => Step) private _waitingSteps;
    mapping(uint8 stream => Totals) private _totals;
    mapping(uint256 dayKey => Totals) private _dayTotals;

    function settle(uint96 lot, uint256 maxSteps) external returns (uint256 steps) {
        while (steps < maxSteps) {
            lot = _settleStep(lot);
            if (lot == 0) break;
            ++steps;
        }
    }

    function deskOf(uint64 device) external view returns (uint32 serial, uint16 openDeferrals) {
        Desk desk = _desks[device];
        return (desk.serial(), desk.openDeferrals());
    }

    function lotOf(
        uint96 lot
    )
        external
        view
        returns (
            uint64 holder,
            uint48 grams,
            uint32 lifts,
            uint8 stream,
            uint8 status,
            uint16 pendings,
            uint40 lastSeq,
            bool taken
        )
    {
        Lot found = _lots[lot];
        holder = found.holder();
        grams = found.grams();
        lifts = found.lifts();
        stream = found.stream();
        status = found.status();
        pendings = found.pendings();
        lastSeq = found.lastSeq();
        taken = found.taken();
    }

    function giveOf(
        uint96 lot
    ) external view returns (uint64 to, uint40 seq, uint48 grams, bytes13 head13) {
        Half found = _gives[lot];
        return (found.party(), found.seq(), found.grams(), found.head13());
    }

    function waitingTakeOf(
        uint64 giver,
        uint40 giveSeq,
        uint24 organisation,
        uint96 lot
    ) external view returns (uint64 taker, uint40 seq, uint48 grams, bytes13 head13) {
        Half found = _waitingTakes[_takeKey(giver, giveSeq, organisation, lot)];
        return (found.party(), found.seq(), found.grams(), found.head13());
    }

    function waitingStepOf(
        uint96 lot,
        uint64 device
    )
        external
        view
        returns (uint8 kind, uint40 seq, uint64 to, bytes13 head13, uint32 intoSerial, uint8 fate)
    {
        Step found = _waitingSteps[_stepKey(lot, device)];
        kind = found.kind();
        seq = found.seq();
        if (kind == Entry.GIVE) (to, head13) = (found.to(), found.head13());
        if (kind == Entry.MERGE) intoSerial = found.intoSerial();
        if (kind == Entry.CLOSE) fate = found.fate();
    }

    function totalsOf(
        uint8 stream
    ) external view returns (uint64 lifted, uint64 gained, uint64 out, uint64 lost) {
        return _sums(_totals[stream]);
    }

    function dayTotalsOf(
        uint24 organisation,
        uint32 day,
        uint8 stream
    ) external view returns (uint64 lifted, uint64 gained, uint64 out, uint64 lost) {
        return _sums(_dayTotals[_dayKey(organisation, day, stream)]);
    }

    /* ------------------------------------- load and lift ------------------------------------- */

    /// @dev Rule 1.
    function _load(uint64 device, uint256 head) internal returns (Outcome) {
        uint96 lotId = Entry.lot(head);
        uint8 stream = Entry.loadStream(head);
        if (!_isOwn(device, lotId) || !Codes.isStream(stream)) return Outcome.Invalid;

        Lot lot = _lots[lotId];
        if (lot.isNone()) {
            _lots[lotId] = LotSlot.opened(device, stream);
        } else if (!lot.isOpenTo(device) || lot.stream() != stream) {
            return Outcome.Conflict;
        }
        _desks[device] = _desks[device].withSerial(Ids.lotSerialOf(lotId));
        return Outcome.Applied;
    }

    /// @dev Rule 2, for all lifts that follow one another: the lot is read once and written once.
    /// @param offset Where the first of these lifts is in the segment's words.
    /// @param outcomes Filled with `Applied`; only other outcomes are written.
    /// @param index The first lift's place in the segment.
    /// @return count How many lifts there were.
    function _lifts(
        Segment calldata segment,
        uint256 offset,
        bytes memory outcomes,
        uint256 index
    ) internal returns (uint256 count) {
        uint64 device = segment.device;
        uint96 lotId = Ids.lotOf(device, _desks[device].serial());
        Lot lot = Ids.lotSerialOf(lotId) == 0 ? Lot.wrap(0) : _lots[lotId];
        uint256 applied;
        uint256 last;
        uint256 grams;
        (count, applied, last, grams) = _weighLifts(
            lot,
            lot.isOpenTo(device),
            segment.words[offset:],
            outcomes,
            index
        );
        if (applied != 0) {
            uint256 lifted = grams - lot.grams();
            uint40 lastSeq = segment.firstSeq + uint40(index + last);
            _lots[lotId] = lot.plus(uint48(lifted), uint32(applied)).withLastSeq(lastSeq);
            _book(device, lot.stream(), TotalsSlot.LIFTED, lifted);
        }
    }

    /// @return count How many lifts there were.
    /// @return applied How many of them are in the lot now.
    /// @return last The place among them of the last one applied.
    /// @return grams The lot's mass with them.
    function _weighLifts(
        Lot lot,
        bool isOpen,
        bytes calldata words,
        bytes memory outcomes,
        uint256 index
    ) private pure returns (uint256 count, uint256 applied, uint256 last, uint256 grams) {
        // A lot that is not open matches no lift.
        uint256 wanted = isOpen ? Entry.liftOf(lot.stream()) : 0;
        grams = lot.grams();
        while (true) {
            uint256 fitting;
            (fitting, grams) = _countFitting(words[32 * count:], wanted, grams);
            count += fitting;
            applied += fitting;
            if (fitting != 0) last = count - 1;

            if (32 * count == words.length) break;
            uint256 lift = uint256(bytes32(words[32 * count:]));
            if (Entry.kind(lift) != Entry.LIFT) break;
            // A desk without a lot has stream 0, and so may a lift.
            bool isInvalid =
                lot.isNone() ||
                    Entry.liftStream(lift) != lot.stream() ||
                    grams + Entry.liftGrams(lift) > LotSlot.MAX_GRAMS;
            outcomes[index + count] = bytes1(uint8(isInvalid ? Outcome.Invalid : Outcome.Conflict));
            ++count;
        }
    }

    /// @dev Assembly because every lift of a city passes here.
    /// @param wanted What a lift must show under the mask of kind and stream.
    /// @return count How many words from the first on are lifts that the lot takes.
    /// @return sum The lot's mass with them.
    function _countFitting(
        bytes calldata words,
        uint256 wanted,
        uint256 grams
    ) private pure returns (uint256 count, uint256 sum) {
        uint256 mask = Entry.LIFT_KIND_AND_STREAM;
        uint256 maxGrams = LotSlot.MAX_GRAMS;
        sum = grams;
        assembly ("memory-safe") {
            let at_ := words.offset
            let end := add(at_, words.length)
            for {} lt(at_, end) {
                at_ := add(at_, 0x20)
            } {
                let lift := calldataload(at_)
                let more := add(sum, and(shr(120, lift), 0xffffffff))
                if or(xor(and(lift, mask), wanted), gt(more, maxGrams)) {
                    break
                }
                sum := more
            }
            count := shr(5, sub(at_, words.offset))
        }
    }

    /* ------------------------------ give, merge, close: a lot leaves ------------------------------ */

    /// @dev Rule 3.
    function _give(
        uint64 device,
        uint40 seq,
        uint256 head,
        uint256 word1,
        bytes32 journalHead
    ) internal returns (Outcome outcome) {
        uint96 lotId = Entry.lot(head);
        uint64 to = Entry.giveTo1(word1);
        if (to == device || Ids.organisationOf(to) == 0) return Outcome.Invalid;
        Step step = StepSlot.give(Entry.GIVE, seq, to, bytes13(journalHead));
        outcome = _leave(device, lotId, step);
        if (outcome == Outcome.Applied) _settleStep(lotId);
    }

    /// @dev Rule 6. Here and in a close, a settle step would find nothing: no step waits on an open lot.
    function _merge(
        uint64 device,
        uint40 seq,
        uint256 head,
        uint256 word1
    ) internal returns (Outcome outcome) {
        uint96 lotId = Entry.lot(head);
        uint96 intoId = Entry.mergeInto1(word1);
        uint8 stream = Entry.mergeStream1(word1);
        if (!_isOwn(device, intoId) || intoId == lotId || !Codes.isStream(stream)) {
            return Outcome.Invalid;
        }

        Lot into = _lots[intoId];
        if (into.isNone()) {
            into = LotSlot.opened(device, stream);
            _lots[intoId] = into;
        } else if (!into.isOpenTo(device) || into.stream() != stream) {
            return Outcome.Conflict;
        }

        Step step = StepSlot.merge(Entry.MERGE, seq, Ids.lotSerialOf(intoId));
        outcome = _leave(device, lotId, step);
        if (outcome == Outcome.Deferred) _lots[intoId] = into.withOneMorePending();
    }

    /// @dev Rule 7.
    function _close(
        uint64 device,
        uint40 seq,
        uint256 head,
        uint256 word1
    ) internal returns (Outcome) {
        uint8 fate = Entry.closeFate1(word1);
        if (!Codes.isFate(fate)) return Outcome.Invalid;
        return _leave(device, Entry.lot(head), StepSlot.close(Entry.CLOSE, seq, fate));
    }

    /// @dev Carries a step out, or lets it wait for merges into the lot or for this device's own take of it.
    function _leave(uint64 device, uint96 lotId, Step step) private returns (Outcome outcome) {
        Lot lot = _lots[lotId];
        if (lot.isHeldBy(device)) {
            if (lot.pendings() == 0) return _carryOut(device, lotId, lot, step);
            outcome = _deferStep(device, lotId, step);
            if (outcome == Outcome.Deferred) _lots[lotId] = lot.withStatus(LotSlot.LEAVING);
            return outcome;
        }
        if (_waitingSteps[_stepKey(lotId, device)].isExpecting()) {
            return _deferStep(device, lotId, step);
        }
        return Outcome.Conflict;
    }

    function _deferStep(uint64 device, uint96 lotId, Step step) private returns (Outcome) {
        if (!_openDeferral(device)) return Outcome.Late;
        _waitingSteps[_stepKey(lotId, device)] = step;
        return Outcome.Deferred;
    }

    /// @param lot The lot as it is in the holder's hands, status held.
    function _carryOut(uint64 holder, uint96 lotId, Lot lot, Step step) private returns (Outcome) {
        uint8 kind = step.kind();
        uint48 grams = lot.grams();
        if (kind == Entry.GIVE) {
            _gives[lotId] = HalfSlot.pack(step.to(), step.seq(), grams, step.head13());
            _lots[lotId] = lot.withStatus(LotSlot.GIVEN);
        } else if (kind == Entry.MERGE) {
            uint96 intoId = Ids.lotOf(holder, step.intoSerial());
            Lot into = _lots[intoId];
            if (into.stream() != lot.stream() || uint256(into.grams()) + grams > LotSlot.MAX_GRAMS)
                return Outcome.Invalid;
            _lots[intoId] = into.plus(grams, lot.lifts());
            _lots[lotId] = lot.withGrams(0).withStatus(LotSlot.MERGED);
        } else {
            uint256 lane = step.fate() == Codes.FATE_LOSS ? TotalsSlot.LOST : TotalsSlot.OUT;
            _lots[lotId] = lot.withGrams(0).withStatus(LotSlot.CLOSED);
            _book(holder, lot.stream(), lane, grams);
        }
        return Outcome.Applied;
    }

    /* ------------------------------------ take and withdraw ------------------------------------ */

    /// @dev Rule 4. After a take a settle step would find nothing: the taker had no step waiting.
    function _take(
        uint64 device,
        uint40 seq,
        uint256 head,
        uint256 word1,
        bytes32 giveHead
    ) internal returns (Outcome) {
        uint96 lotId = Entry.lot(head);
        uint64 giver = Entry.takeGiver1(word1);
        uint40 giveSeq = Entry.takeGiveSeq(head);
        uint256 stepKey = _stepKey(lotId, device);
        if (!_waitingSteps[stepKey].isNone()) return Outcome.Conflict;
        Lot lot = _lots[lotId];
        // Nobody can have given a lot that this device is still to open; were the take to wait, the lot would be
        // opened under it.
        bool isUnopened = lot.isNone() && Ids.openerOf(lotId) == device;
        if (lot.isHeldBy(device) || isUnopened) return Outcome.Conflict;

        Half take = HalfSlot.pack(device, seq, Entry.grams(head), bytes13(giveHead));
        if (lot.isGiven() && lot.holder() == giver) {
            Half give = _gives[lotId];
            if (give.seq() == giveSeq) {
                uint64 to = give.party();
                bool isNamed = to == device || to == Ids.organisationAsReceiver(device);
                if (!isNamed || give.head13() != take.head13()) return Outcome.Conflict;
                _receive(lotId, lot, take, LotSlot.HELD);
                return Outcome.Applied;
            }
        }

        uint256 takeKey = _takeKey(giver, giveSeq, Ids.organisationOf(device), lotId);
        if (!_waitingTakes[takeKey].isNone()) return Outcome.Conflict;
        if (!_openDeferral(device)) return Outcome.Late;
        _waitingTakes[takeKey] = take;
        _waitingSteps[stepKey] = StepSlot.EXPECTING;
        return Outcome.Deferred;
    }

    function _receive(uint96 lotId, Lot lot, Half take, uint8 status) private {
        uint48 before = lot.grams();
        uint48 grams = take.grams();
        uint64 taker = take.party();
        _gives[lotId] = HalfSlot.NONE;
        _lots[lotId] = lot.takenBy(taker, grams).withStatus(status);
        if (grams > before) _book(taker, lot.stream(), TotalsSlot.GAINED, grams - before);
        if (grams < before) _book(taker, lot.stream(), TotalsSlot.LOST, before - grams);
    }

    /// @dev Rule 5.
    function _withdraw(uint64 device, uint256 head) internal returns (Outcome) {
        uint96 lotId = Entry.lot(head);
        uint40 giveSeq = Entry.withdrawGiveSeq(head);
        uint256 stepKey = _stepKey(lotId, device);
        Step step = _waitingSteps[stepKey];
        Lot lot = _lots[lotId];

        if (step.isNone()) {
            bool isOurs = lot.isGiven() && lot.holder() == device;
            if (!isOurs || _gives[lotId].seq() != giveSeq) return Outcome.Conflict;
            _gives[lotId] = HalfSlot.NONE;
            _lots[lotId] = lot.withStatus(LotSlot.HELD);
            return Outcome.Applied;
        }
        if (step.kind() != Entry.GIVE || step.seq() != giveSeq) return Outcome.Conflict;
        if (lot.isLeaving() && lot.holder() == device) {
            _waitingSteps[stepKey] = StepSlot.NONE;
            _lots[lotId] = lot.withStatus(LotSlot.HELD);
        } else {
            _waitingSteps[stepKey] = StepSlot.EXPECTING;
        }
        _closeDeferral(device);
        return Outcome.Applied;
    }

    /* ------------------------------------------ settle ------------------------------------------ */

    /// @dev Applies at most one waiting step.
    /// @return next The lot that may have something to settle now, or 0 when nothing was done.
    function _settleStep(uint96 lotId) private returns (uint96 next) {
        Lot lot = _lots[lotId];
        if (lot.isGiven()) return _settleTake(lotId, lot);
        if (lot.isLeaving() && lot.pendings() == 0) return _settleLeaving(lotId, lot);
        return 0;
    }

    function _settleTake(uint96 lotId, Lot lot) private returns (uint96 next) {
        Half give = _gives[lotId];
        uint64 to = give.party();
        uint256 takeKey = _takeKey(lot.holder(), give.seq(), Ids.organisationOf(to), lotId);
        Half take = _waitingTakes[takeKey];
        if (take.isNone()) return 0;

        _waitingTakes[takeKey] = HalfSlot.NONE;
        uint64 taker = take.party();
        uint256 stepKey = _stepKey(lotId, taker);
        Step step = _waitingSteps[stepKey];
        bool isStepOver = !step.isExpecting();
        bool isNamed = to == taker || Ids.serialOf(to) == 0;
        _closeDeferral(taker);

        if (isNamed && give.head13() == take.head13()) {
            _receive(lotId, lot, take, isStepOver ? LotSlot.LEAVING : LotSlot.HELD);
            if (!isStepOver) _waitingSteps[stepKey] = StepSlot.NONE;
            emit Settled(taker, take.seq(), lotId, uint8(Outcome.Applied));
            return lotId;
        }

        _waitingSteps[stepKey] = StepSlot.NONE;
        emit Settled(taker, take.seq(), lotId, uint8(Outcome.Conflict));
        next = lotId;
        if (isStepOver) {
            _closeDeferral(taker);
            emit Settled(taker, step.seq(), lotId, uint8(Outcome.Conflict));
            if (step.kind() == Entry.MERGE) next = _dropPending(taker, step);
        }
    }

    function _settleLeaving(uint96 lotId, Lot lot) private returns (uint96 next) {
        uint64 holder = lot.holder();
        uint256 stepKey = _stepKey(lotId, holder);
        Step step = _waitingSteps[stepKey];
        _waitingSteps[stepKey] = StepSlot.NONE;
        _closeDeferral(holder);
        next = step.kind() == Entry.MERGE ? _dropPending(holder, step) : lotId;

        lot = lot.withStatus(LotSlot.HELD);
        Outcome outcome = _carryOut(holder, lotId, lot, step);
        if (outcome != Outcome.Applied) _lots[lotId] = lot;
        emit Settled(holder, step.seq(), lotId, uint8(outcome));
    }

    function _dropPending(uint64 device, Step merge) private returns (uint96 intoId) {
        intoId = Ids.lotOf(device, merge.intoSerial());
        _lots[intoId] = _lots[intoId].withOneLessPending();
    }

    /* ---------------------------------------- bookkeeping ---------------------------------------- */

    function _openDeferral(uint64 device) private returns (bool) {
        Desk desk = _desks[device];
        if (desk.openDeferrals() >= MAX_OPEN_DEFERRALS) return false;
        _desks[device] = desk.withOneMore();
        return true;
    }

    function _closeDeferral(uint64 device) private {
        _desks[device] = _desks[device].withOneLess();
    }

    function _book(uint64 device, uint8 stream, uint256 lane, uint256 grams) private {
        // The date in Asia/Shanghai.
        uint32 day = uint32((block.timestamp + 8 hours) / 1 days);
        uint256 key = _dayKey(Ids.organisationOf(device), day, stream);
        _totals[stream] = _totals[stream].plus(lane, grams);
        _dayTotals[key] = _dayTotals[key].plus(lane, grams);
    }

    function _isOwn(uint64 device, uint96 lotId) private pure returns (bool) {
        return Ids.openerOf(lotId) == device && Ids.lotSerialOf(lotId) != 0;
    }

    function _takeKey(
        uint64 giver,
        uint40 giveSeq,
        uint24 organisation,
        uint96 lotId
    ) private pure returns (uint256) {
        return
            (uint256(giver) << 160) |
            (uint256(giveSeq) << 120) |
            (uint256(organisation) << 96) |
            lotId;
    }

    function _stepKey(uint96 lotId, uint64 device) private pure returns (uint256) {
        return (uint256(lotId) << 64) | device;
    }

    function _dayKey(uint24 organisation, uint32 day, uint8 stream) private pure returns (uint256) {
        return (uint256(organisation) << 40) | (uint256(day) << 8) | stream;
    }

    function _sums(Totals totals) private pure returns (uint64, uint64, uint64, uint64) {
        return (
            totals.sum(TotalsSlot.LIFTED),
            totals.sum(TotalsSlot.GAINED),
            totals.sum(TotalsSlot.OUT),
            totals.sum(TotalsSlot.LOST)
        );
    }
}
