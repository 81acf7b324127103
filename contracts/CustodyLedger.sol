// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {DeviceRules} from "./DeviceRules.sol";
import {CustodyStorage} from "./custody/CustodyStorage.sol";
import {CustodyViews} from "./custody/CustodyViews.sol";
import {Loading} from "./custody/Loading.sol";
import {Stepping} from "./custody/Stepping.sol";
import {Weighing} from "./custody/Weighing.sol";
import {ICustodyLedger} from "./interfaces/ICustodyLedger.sol";
import {Device, DeviceSlot} from "./libraries/Device.sol";
import {Entry} from "./libraries/Entry.sol";
import {Gives} from "./libraries/Gives.sol";
import {Heads, Journal} from "./libraries/Journal.sol";
import {Answers, Refusal} from "./libraries/Outcomes.sol";
import {Seal} from "./libraries/Seal.sol";

/// @title Journals, and what their entries do
/// @dev What lots go through is in custody/, what devices do in DeviceRules; the numbers in comments are those of
/// the rules in docs/spec/entries.md.
contract CustodyLedger is CustodyViews, Stepping, Loading, Weighing {
    /// @dev A run of entries of one journal on their way into the books.
    struct Run {
        uint64 id;
        Device device;
        uint40 firstSeq;
        /// @dev Entries beyond this seq do not count and get `rest`.
        uint256 countsUpTo;
        uint8 rest;
        /// @dev A registrar's kinds have no effect in a run that another device brings.
        bool isTranscribed;
    }

    /// @dev The ledger's own, from its constructor on: so its code is settled by the ledger's.
    address public immutable deviceRules;

    constructor(
        address actorRegistry_,
        address predecessor_
    ) CustodyStorage(actorRegistry_, predecessor_) {
        if (!Seal.hasP256()) revert NoP256();
        // Reverts when it is not a ledger that journals can move from.
        if (predecessor_ != address(0)) ICustodyLedger(predecessor_).journalOf(0);
        deviceRules = address(new DeviceRules(actorRegistry_, predecessor_));
    }

    function record(Segment[] calldata segments) external {
        bytes32 separator = domainSeparator();
        for (uint256 i = 0; i < segments.length; ++i) {
            Segment calldata segment = segments[i];
            Refusal refusal = _record(segment, separator);
            if (refusal != Refusal.None) {
                emit SegmentRefused(segment.device, segment.firstSeq, uint8(refusal));
            }
        }
        Gives.flush(_gives);
    }

    function settle(uint96 lot, uint64 device, uint256 maxSteps) external returns (uint256 steps) {
        while (steps < maxSteps && _settleFront(lot, device)) ++steps;
        Gives.flush(_gives);
    }

    function witness(Witness calldata) external {
        _runRule(msg.data);
    }

    function proveFork(
        uint64,
        uint40,
        bytes32,
        bytes32,
        SealedHead calldata,
        SealedHead calldata
    ) external returns (bool) {
        return abi.decode(_runRule(msg.data), (bool));
    }

    function domainSeparator() public view returns (bytes32) {
        return Seal.domainSeparator(block.chainid, address(this));
    }

    /* ----------------------------------------- segments ----------------------------------------- */

    function _record(Segment calldata segment, bytes32 separator) private returns (Refusal) {
        uint64 id = segment.device;
        uint40 firstSeq = segment.firstSeq;
        bytes calldata words = segment.words;
        bytes calldata assertion = segment.assertion;
        Device device = _findDevice(id);
        uint40 gapFrom = device.nextSeq();
        bool closesGap = device.has(DeviceSlot.ANNOUNCED) && _closesGap(id, device, firstSeq);
        if (closesGap) device = device.withNextSeq(firstSeq).withoutFlag(DeviceSlot.ANNOUNCED);

        Heads heads = Journal.roll(closesGap ? _gaps[id].head : _headOf(id), words);
        uint160 keyHash = Seal.keyHash(segment.x, segment.y);
        Refusal refusal = _check(device, keyHash, firstSeq, heads.count());
        if (refusal != Refusal.None) return refusal;

        bytes32 head = heads.at(words.length);
        // Was seen to fit.
        uint40 nextSeq;
        unchecked {
            nextSeq = uint40(firstSeq + heads.count());
        }
        bytes32 digest = Seal.digest(separator, id, nextSeq - 1, head);
        if (!_isSealed(segment, assertion, device, digest)) return Refusal.BadSeal;
        if (device.has(DeviceSlot.PINNED)) {
            uint40 pinnedSeq = uint40(_pins[id] >> 216);
            if (pinnedSeq < nextSeq) {
                if (_isFork(segment, heads, pinnedSeq)) return Refusal.Fork;
                device = device.withoutFlag(DeviceSlot.PINNED);
            }
        }

        _takeOver(id);
        _devices[id] = device.withNextSeq(nextSeq);
        _heads[id] = head;
        if (closesGap) {
            delete _gaps[id];
            emit GapClosed(id, gapFrom, firstSeq - 1);
        }
        bytes memory outcomes = _applyCounting(id, device, firstSeq, words, heads);
        emit SegmentRecorded(
            id,
            firstSeq,
            head,
            segment.x,
            segment.y,
            segment.r,
            segment.s,
            words,
            outcomes,
            assertion
        );
        return Refusal.None;
    }

    /// @dev Rule 16. Returns whether the segment goes on behind a gap that was announced in time.
    function _closesGap(uint64 id, Device device, uint40 firstSeq) private view returns (bool) {
        if (firstSeq <= device.nextSeq()) return false;
        Gap storage gap = _gaps[id];
        // What a witness has shown since is not lost: it can be handed in.
        if (device.has(DeviceSlot.PINNED) && uint40(_pins[id] >> 216) <= gap.toSeq) return false;
        return uint256(gap.toSeq) + 1 == firstSeq && block.timestamp >= gap.opensAt;
    }

    /// @dev In the order in which the treaty names a refusal, but for the seal and forks.
    /// @param keyHash Of the segment's key.
    function _check(
        Device device,
        uint160 keyHash,
        uint256 firstSeq,
        uint256 count
    ) private pure returns (Refusal) {
        // A seq has 40 bits and a segment 256 entries.
        unchecked {
            uint256 end = firstSeq + count;
            if (count == 0 || end > type(uint40).max) return Refusal.Malformed;
            if (device.isNone()) return Refusal.UnknownDevice;
            if (keyHash != device.keyHash()) return Refusal.WrongKey;
            uint256 nextSeq = device.nextSeq();
            if (firstSeq == nextSeq) return Refusal.None;
            if (firstSeq > nextSeq) return Refusal.Gap;
            return end <= nextSeq ? Refusal.AlreadyRecorded : Refusal.Overlap;
        }
    }

    function _isSealed(
        Segment calldata segment,
        bytes calldata assertion,
        Device device,
        bytes32 digest
    ) private view returns (bool) {
        (bytes32 x, bytes32 y) = (segment.x, segment.y);
        (bytes32 r, bytes32 s) = (segment.r, segment.s);
        if (!device.has(DeviceSlot.PASSKEY)) {
            return assertion.length == 0 && Seal.isValid(digest, r, s, x, y);
        }
        uint64 origin = _originOf(segment.device);
        return DeviceRules(deviceRules).isAssertion(digest, origin, assertion, r, s, x, y);
    }

    /// @dev Rule 15. Returns whether a witness has shown another head in the segment, and then marks the device.
    function _isFork(
        Segment calldata segment,
        Heads heads,
        uint40 pinnedSeq
    ) private returns (bool) {
        uint64 id = segment.device;
        bytes32 head = heads.afterEntry(segment.words, pinnedSeq - segment.firstSeq);
        if (uint216(bytes27(head)) == uint216(_pins[id])) return false;
        _markForked(id, pinnedSeq, head);
        return true;
    }

    function _applyCounting(
        uint64 id,
        Device device,
        uint40 firstSeq,
        bytes calldata words,
        Heads heads
    ) private returns (bytes memory) {
        Run memory run = Run({
            id: id,
            device: device,
            firstSeq: firstSeq,
            countsUpTo: type(uint256).max,
            rest: Answers.QUARANTINED,
            isTranscribed: false
        });
        if (device.has(DeviceSlot.REVOKED | DeviceSlot.FORKED)) {
            run.countsUpTo = uint40(_seen[id]);
            if (device.has(DeviceSlot.FORKED)) run.rest = Answers.QUARANTINED_FORKED;
        } else {
            uint32 notAfter = device.notAfter();
            bool isOver = notAfter != 0 && block.timestamp > notAfter;
            if (isOver || device.has(DeviceSlot.MOVED)) run.countsUpTo = 0;
        }
        unchecked {
            bool isCut = firstSeq + heads.count() - 1 > run.countsUpTo;
            if (isCut && _seen[id] == 0) _seen[id] = _keySeen(firstSeq - 1);
        }
        return _applyAll(run, words, heads);
    }

    function _applyAll(
        Run memory run,
        bytes calldata words,
        Heads heads
    ) private returns (bytes memory outcomes) {
        uint256 count = heads.count();
        uint256 firstSeq = run.firstSeq;
        if (firstSeq > run.countsUpTo) return _repeat(run.rest, count);
        outcomes = _repeat(Answers.APPLIED, count);
        uint256 offset = 0;
        uint256 done = 0;
        // Seqs and places in a run of words are far below 2^256.
        unchecked {
            while (done < count) {
                uint256 seq = firstSeq + done;
                if (seq > run.countsUpTo) {
                    outcomes[done++] = bytes1(run.rest);
                    continue;
                }
                bytes calldata entry = Entry.at(words, offset);
                uint8 kind = Entry.kind(Entry.word(entry, 0));
                if (kind == Entry.LIFT) {
                    uint256 end = words.length;
                    // A lift is one word.
                    if (run.countsUpTo < firstSeq + count) {
                        uint256 counting = offset + 32 * (run.countsUpTo - seq + 1);
                        if (counting < end) end = counting;
                    }
                    uint256 lifts = _lifts(run.id, words[offset:end], uint40(seq), outcomes, done);
                    done += lifts;
                    offset += 32 * lifts;
                    continue;
                }
                offset += entry.length;
                uint8 answer = _apply(run, entry, uint40(seq), heads.at(offset));
                if (kind == Entry.MOVED && answer == Answers.APPLIED) {
                    (run.countsUpTo, run.rest) = (seq, Answers.QUARANTINED);
                }
                // Most are, and all were written as applied.
                if (answer != Answers.APPLIED) outcomes[done] = bytes1(answer);
                ++done;
            }
        }
    }

    /// @param head The journal's head after this entry.
    function _apply(
        Run memory run,
        bytes calldata entry,
        uint40 seq,
        bytes32 head
    ) private returns (uint8) {
        uint256 word0 = Entry.word(entry, 0);
        uint8 kind = Entry.kind(word0);
        if (Entry.wordCountOf(kind) == 0) return Answers.UNKNOWN;
        if (!Entry.isWellFormed(word0)) return Answers.INVALID;
        if (kind == Entry.LOAD) return _load(run.id, word0);
        if (kind <= Entry.CLOSE && kind != Entry.WEIGH) return _step(run.id, seq, entry, head);
        if (kind >= Entry.REGISTRY_KINDS && run.isTranscribed) return Answers.QUARANTINED;
        if (kind == Entry.TRANSCRIBED) return _transcribe(run, entry);
        if (kind == Entry.WEIGH) {
            return _weigh(run.id, run.device, word0, Entry.word(entry, 1), Entry.word(entry, 2));
        }
        bool isRule = kind == Entry.MANDATE || kind == Entry.ACKNOWLEDGE;
        if (isRule || kind >= Entry.REGISTRY_KINDS) {
            return _askRule(abi.encodeCall(DeviceRules.judge, (run.id, run.device, seq, entry)));
        }
        // Rule 10: amend, dispute, anchor, mark, shift_end and decline say something, and move nothing.
        return Answers.APPLIED;
    }

    /// @dev Rule 17.
    function _transcribe(Run memory by, bytes calldata entry) private returns (uint8 answer) {
        answer = _askRule(abi.encodeCall(DeviceRules.judgeTranscript, (by.id, by.device, entry)));
        if (answer != Answers.APPLIED) return answer;
        uint256 head = Entry.word(entry, 0);
        uint64 id = Entry.subject(head);
        Run memory run = Run({
            id: id,
            device: _devices[id],
            firstSeq: Entry.subjectSeq(head),
            countsUpTo: type(uint256).max,
            rest: Answers.QUARANTINED,
            isTranscribed: true
        });
        bytes calldata words = entry[32 * Entry.TRANSCRIBED_WORDS_AT:];
        Heads heads = Journal.roll(bytes32(Entry.word(entry, 1)), words);
        emit Transcribed(id, run.firstSeq, _applyAll(run, words, heads));
    }

    /* ------------------------------------- rules kept elsewhere ------------------------------------- */

    function _askRule(bytes memory call) private returns (uint8) {
        return abi.decode(_runRule(call), (uint8));
    }

    /// @dev Runs code of DeviceRules on this ledger's storage. It fails only when gas runs out.
    function _runRule(bytes memory call) private returns (bytes memory answer) {
        bool success;
        // solhint-disable-next-line avoid-low-level-calls
        (success, answer) = deviceRules.delegatecall(call);
        if (!success) revert RuleFailed();
    }

    /// @dev Assembly because `new bytes` would first write zeros.
    function _repeat(uint8 answer, uint256 count) private pure returns (bytes memory outcomes) {
        // 0x0101..01 times a byte is that byte in all 32 places.
        uint256 filled;
        unchecked {
            filled = uint256(answer) * (type(uint256).max / 255);
        }
        assembly ("memory-safe") {
            outcomes := mload(0x40)
            mstore(outcomes, count)
            let at_ := add(outcomes, 0x20)
            let end := add(at_, count)
            for {} lt(at_, end) {
                at_ := add(at_, 0x20)
            } {
                mstore(at_, filled)
            }
            mstore(0x40, at_)
        }
    }
}
