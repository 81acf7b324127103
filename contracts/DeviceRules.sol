// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {CustodyStorage} from "./custody/CustodyStorage.sol";
import {Knowing} from "./custody/Knowing.sol";
import {IActorRegistry} from "./interfaces/IActorRegistry.sol";
import {ICustodyLedger} from "./interfaces/ICustodyLedger.sol";
import {Codes} from "./libraries/Codes.sol";
import {Device, DeviceSlot} from "./libraries/Device.sol";
import {Entry} from "./libraries/Entry.sol";
import {Ids} from "./libraries/Ids.sol";
import {Heads, Journal} from "./libraries/Journal.sol";
import {Answers, Refusal} from "./libraries/Outcomes.sol";
import {Seal} from "./libraries/Seal.sol";
import {WebAuthn} from "./libraries/WebAuthn.sol";

/// @title What entries do that move no lot: devices, mandates and statements
/// @dev The ledger runs this code on its own storage. Called by anybody else it works on storage that nobody reads.
contract DeviceRules is Knowing {
    uint256 private constant _NOTICE_SECONDS = 72 hours;

    constructor(
        address actorRegistry_,
        address predecessor_
    ) CustodyStorage(actorRegistry_, predecessor_) {}

    /// @dev A well-formed entry of a kind that has a rule here, by a device whose entries count.
    function judge(
        uint64 id,
        Device device,
        uint40 seq,
        bytes calldata entry
    ) external returns (uint8) {
        uint256 head = Entry.word(entry, 0);
        uint8 kind = Entry.kind(head);
        if (kind == Entry.MANDATE) return _mandate(id, device, seq, head, Entry.word(entry, 1));
        if (kind == Entry.ACKNOWLEDGE) return _acknowledge(id, device, head, Entry.word(entry, 1));
        if (kind == Entry.ENROL) return _enrol(id, device, entry);
        if (kind == Entry.REVOKE) return _revoke(id, device, head);
        if (kind == Entry.ROTATE) return _rotate(id, device, entry);
        if (kind == Entry.CLOSE_GAP) return _closeGap(id, device, head, Entry.word(entry, 1));
        if (kind == Entry.MOVED) return _move(id, seq, head);
        return _attest(id, device, head, bytes32(Entry.word(entry, 1)));
    }

    /// @dev Rule 17: says `applied`, and keeps how far it was brought, when the ledger may judge its entries.
    /// 1. a registrar of its organisation, 2. that device's key and raw seal, over readable entries,
    /// 3. beyond what already counts, 4. released by a regulator or by a counterparty that the run names.
    function judgeTranscript(
        uint64 id,
        Device device,
        bytes calldata entry
    ) external returns (uint8) {
        uint256 word0 = Entry.word(entry, 0);
        uint64 otherId = Entry.subject(word0);
        uint256 firstSeq = Entry.subjectSeq(word0);
        Device other = _devices[otherId];
        // 1.
        if (!_isRegistrarOf(id, device, otherId) || otherId == id || other.isNone()) {
            return Answers.INVALID;
        }
        // 2.
        bytes calldata words = entry[32 * Entry.TRANSCRIBED_WORDS_AT:];
        Heads heads = Journal.roll(bytes32(Entry.word(entry, 1)), words);
        uint256 last = firstSeq + heads.count();
        if (heads.count() == 0 || last > uint256(type(uint40).max) + 1) return Answers.INVALID;
        uint40 lastSeq = uint40(last - 1);
        bytes32 head = heads.at(words.length);
        if (!_isRawSeal(otherId, other, lastSeq, head, entry)) return Answers.INVALID;
        // 3.
        uint256 seen = _seen[otherId];
        uint40 brought = uint40(seen >> 40);
        if (seen == 0 || firstSeq <= uint40(seen) || firstSeq <= brought)
            return Answers.QUARANTINED;
        if (other.has(DeviceSlot.MOVED)) return Answers.QUARANTINED;
        // 4.
        if (!_isReleased(otherId, lastSeq, bytes17(head), words)) return Answers.QUARANTINED;
        _seen[otherId] = _keySeen((uint256(lastSeq) << 40) | uint40(seen));
        return Answers.APPLIED;
    }

    /// @dev Rule 14: 1. one readable entry, 2. known device, 3. its key, 4. further on than anything known,
    /// 5. its seal. Only the furthest witness is kept: a head stands for every entry before it.
    function witness(ICustodyLedger.Witness calldata shown) external {
        (Refusal refusal, bytes32 head) = _check(shown);
        uint64 id = shown.device;
        if (refusal != Refusal.None) {
            if (refusal == Refusal.Fork) _markForked(id, shown.seq, head);
            emit ICustodyLedger.SegmentRefused(id, shown.seq, uint8(refusal));
            return;
        }
        Device device = _findDevice(id);
        _takeOver(id);
        _pins[id] = (uint256(shown.seq) << 216) | uint216(bytes27(head));
        _devices[id] = device.withFlag(DeviceSlot.PINNED);
        emit ICustodyLedger.Witnessed(
            id,
            shown.seq,
            shown.before,
            shown.x,
            shown.y,
            shown.r,
            shown.s,
            shown.words,
            shown.assertion
        );
    }

    /// @dev Rule 15.
    function proveFork(
        uint64 id,
        uint40 seq,
        bytes32 x,
        bytes32 y,
        ICustodyLedger.SealedHead calldata one,
        ICustodyLedger.SealedHead calldata other
    ) external returns (bool) {
        Device device = _findDevice(id);
        if (device.isNone() || one.head == other.head) return false;
        if (Seal.keyHash(x, y) != device.keyHash()) return false;
        if (!_isSealed(id, device, seq, one.head, one.assertion, one.r, one.s, x, y)) return false;
        if (!_isSealed(id, device, seq, other.head, other.assertion, other.r, other.s, x, y)) {
            return false;
        }
        _markForked(id, seq, other.head);
        return true;
    }

    function isAssertion(
        bytes32 digest,
        uint64 origin,
        bytes calldata assertion,
        bytes32 r,
        bytes32 s,
        bytes32 x,
        bytes32 y
    ) external view returns (bool) {
        return WebAuthn.isValid(digest, origin, assertion, r, s, x, y);
    }

    /* ------------------------------------- what moves nothing ------------------------------------- */

    /// @dev Rule 9.
    function _mandate(
        uint64 id,
        Device device,
        uint40 seq,
        uint256 head,
        uint256 word1
    ) private returns (uint8) {
        if (!Codes.isSpeaking(device.role())) return Answers.INVALID;
        uint8 op = Entry.mandateOp(head);
        uint64 parent = Entry.mandateParent1(word1);
        uint40 parentSeq = Entry.mandateParentSeq1(word1);
        if (op == Codes.MANDATE_GRANT) {
            uint64 to = Entry.mandateTo(head);
            if (Ids.organisationOf(to) == 0) return Answers.INVALID;
            _mandates[_entryKey(id, seq)] = Mandate({
                to: to,
                left: Entry.mandateGrams(head),
                until: Entry.mandateUntil(head),
                depth: Entry.mandateDepth(head),
                streams: Entry.mandateStreams(head),
                isRevoked: false,
                site: Entry.mandateSite1(word1),
                parent: parent,
                parentSeq: parentSeq
            });
            return Answers.APPLIED;
        }
        if (op != Codes.MANDATE_REVOKE || parent != id) return Answers.INVALID;
        Mandate storage granted = _mandates[_entryKey(id, parentSeq)];
        if (granted.to == 0) return Answers.CONFLICT;
        granted.isRevoked = true;
        return Answers.APPLIED;
    }

    /// @dev Rule 10. A release lets a registrar of the other organisation bring quarantined entries back.
    function _acknowledge(
        uint64 id,
        Device device,
        uint256 head,
        uint256 word1
    ) private returns (uint8) {
        if (Entry.acknowledgeVerdict(head) != Codes.VERDICT_RELEASED) return Answers.APPLIED;
        uint24 organisation = Ids.organisationOf(id);
        uint64 other = Entry.subject(head);
        if (!Codes.isSpeaking(device.role()) || Ids.organisationOf(other) == organisation) {
            return Answers.INVALID;
        }
        (, , bool isRegulator) = IActorRegistry(_actorRegistry).standingOf(organisation);
        uint24 by = isRegulator ? 0 : organisation;
        bytes17 head17 = Entry.acknowledgeHead1(word1);
        _releases[_releaseKey(other, Entry.subjectSeq(head), head17, by)] = true;
        return Answers.APPLIED;
    }

    /// @dev Rule 13.
    function _attest(
        uint64 id,
        Device device,
        uint256 head,
        bytes32 digest
    ) private returns (uint8) {
        uint64 site = Entry.subject(head);
        if (!_isRegistrarOf(id, device, site)) return Answers.INVALID;
        uint8 kind = Entry.kind(head);
        uint40 detail = kind == Entry.SITE ? Entry.siteKind(head) : Entry.placeCount(head);
        _attested[Seal.statementOf(kind, site, detail, digest)] = true;
        return Answers.APPLIED;
    }

    /* ------------------------------------------ devices ------------------------------------------ */

    /// @dev Rule 11.
    function _enrol(uint64 id, Device device, bytes calldata entry) private returns (uint8) {
        uint256 head = Entry.word(entry, 0);
        uint64 newId = Entry.subject(head);
        uint8 role = Entry.enrolRole(head);
        uint8 scheme = Entry.enrolScheme(head);
        uint40 notAfter = Entry.enrolNotAfter(head);
        if (
            !_isRegistrarOf(id, device, newId) ||
            Ids.serialOf(newId) == 0 ||
            !Codes.isRole(role) ||
            !Codes.isScheme(scheme) ||
            notAfter > type(uint32).max
        ) return Answers.INVALID;
        if (_isUsedUp(newId)) return Answers.CONFLICT;
        bool isPasskey = scheme == Codes.SCHEME_WEBAUTHN;
        _devices[newId] = DeviceSlot.enrolled(
            Seal.keyHash(bytes32(Entry.word(entry, 1)), bytes32(Entry.word(entry, 2))),
            uint32(notAfter),
            role,
            isPasskey ? DeviceSlot.PASSKEY : 0,
            device.epoch()
        );
        if (isPasskey) _origins[newId] = Entry.enrolOrigin(head);
        return Answers.APPLIED;
    }

    function _rotate(
        uint64 id,
        Device device,
        bytes calldata entry
    ) private returns (uint8 answer) {
        uint64 replacedId = Entry.rotateReplaced3(Entry.word(entry, 3));
        Device replaced = _devices[replacedId];
        if (!_isRegistrarOf(id, device, replacedId) || replacedId == id || replaced.isNone()) {
            return Answers.INVALID;
        }
        answer = _enrol(id, device, entry);
        if (answer != Answers.APPLIED) return answer;
        // It has 72 hours to hand in what it has sealed.
        uint256 end = block.timestamp + _NOTICE_SECONDS;
        uint32 notAfter = replaced.notAfter();
        if (notAfter == 0 || end < notAfter)
            _devices[replacedId] = replaced.withNotAfter(uint32(end));
    }

    /// @dev Rule 12.
    function _revoke(uint64 id, Device device, uint256 head) private returns (uint8) {
        uint64 otherId = Entry.subject(head);
        Device other = _devices[otherId];
        if (!_isRegistrarOf(id, device, otherId) || otherId == id || other.isNone()) {
            return Answers.INVALID;
        }
        if (_seen[otherId] == 0) {
            uint40 last = other.nextSeq() - 1;
            uint40 pinned = _pinnedSeq(otherId, other);
            _seen[otherId] = _keySeen(last > pinned ? last : pinned);
        }
        _devices[otherId] = other.withFlag(DeviceSlot.REVOKED);
        return Answers.APPLIED;
    }

    /// @dev Rule 16.
    function _closeGap(
        uint64 id,
        Device device,
        uint256 head,
        uint256 word1
    ) private returns (uint8) {
        uint64 otherId = Entry.subject(head);
        Device other = _devices[otherId];
        if (!_isRegistrarOf(id, device, otherId) || otherId == id || other.isNone()) {
            return Answers.INVALID;
        }
        uint40 fromSeq = Entry.subjectSeq(head);
        uint40 toSeq = Entry.closeGapToSeq(head);
        if (fromSeq != other.nextSeq() || toSeq < fromSeq) return Answers.CONFLICT;
        if (other.has(DeviceSlot.PINNED) && _pinnedSeq(otherId, other) <= toSeq) {
            return Answers.CONFLICT;
        }
        uint40 opensAt = uint40(block.timestamp + _NOTICE_SECONDS);
        _gaps[otherId] = Gap({toSeq: toSeq, opensAt: opensAt, head: bytes32(word1)});
        _devices[otherId] = other.withFlag(DeviceSlot.ANNOUNCED);
        return Answers.APPLIED;
    }

    /// @dev Rule 18.
    function _move(uint64 id, uint40 seq, uint256 head) private returns (uint8) {
        address ledger = Entry.movedLedger(head);
        if (ledger == address(0) || ledger == address(this)) return Answers.INVALID;
        _moves[id] = ledger;
        _devices[id] = _devices[id].withFlag(DeviceSlot.MOVED);
        if (_seen[id] == 0) _seen[id] = _keySeen(seq);
        return Answers.APPLIED;
    }

    /// @dev A root registrar's id is kept for the registry's key, or an old registrar could take it first.
    function _isUsedUp(uint64 id) private view returns (bool) {
        if (!_devices[id].isNone() || IActorRegistry(_actorRegistry).wasNamed(id)) return true;
        if (_predecessor == address(0)) return false;
        (bool wasKnown, , , , ) = _findBefore(id);
        return wasKnown;
    }

    function _pinnedSeq(uint64 id, Device device) private view returns (uint40) {
        return device.has(DeviceSlot.PINNED) ? uint40(_pins[id] >> 216) : 0;
    }

    /* ------------------------------------------- seals ------------------------------------------- */

    function _check(
        ICustodyLedger.Witness calldata shown
    ) private view returns (Refusal, bytes32 head) {
        // 1.
        Heads heads = Journal.roll(shown.before, shown.words);
        if (heads.count() != 1) return (Refusal.Malformed, head);
        head = heads.at(shown.words.length);
        // 2. and 3.
        uint64 id = shown.device;
        Device device = _findDevice(id);
        if (device.isNone()) return (Refusal.UnknownDevice, head);
        if (Seal.keyHash(shown.x, shown.y) != device.keyHash()) return (Refusal.WrongKey, head);
        // 4.
        uint40 pinned = _pinnedSeq(id, device);
        bool isOther = uint216(bytes27(head)) != uint216(_pins[id]);
        bool isKnown = shown.seq < pinned || (shown.seq == pinned && !isOther);
        if (isKnown || shown.seq < device.nextSeq()) return (Refusal.AlreadyRecorded, head);
        // 5.
        bool isSealed_ = _isSealed(
            id,
            device,
            shown.seq,
            head,
            shown.assertion,
            shown.r,
            shown.s,
            shown.x,
            shown.y
        );
        if (!isSealed_) return (Refusal.BadSeal, head);
        return (shown.seq == pinned ? Refusal.Fork : Refusal.None, head);
    }

    function _isRawSeal(
        uint64 id,
        Device device,
        uint40 seq,
        bytes32 head,
        bytes calldata transcript
    ) private view returns (bool) {
        bytes32 x = bytes32(Entry.word(transcript, 2));
        bytes32 y = bytes32(Entry.word(transcript, 3));
        bytes32 r = bytes32(Entry.word(transcript, 4));
        bytes32 s = bytes32(Entry.word(transcript, 5));
        if (device.has(DeviceSlot.PASSKEY) || Seal.keyHash(x, y) != device.keyHash()) return false;
        return Seal.isValid(_digest(id, seq, head), r, s, x, y);
    }

    function _isSealed(
        uint64 id,
        Device device,
        uint40 seq,
        bytes32 head,
        bytes calldata assertion,
        bytes32 r,
        bytes32 s,
        bytes32 x,
        bytes32 y
    ) private view returns (bool) {
        bytes32 digest = _digest(id, seq, head);
        if (device.has(DeviceSlot.PASSKEY)) {
            return WebAuthn.isValid(digest, _originOf(id), assertion, r, s, x, y);
        }
        return assertion.length == 0 && Seal.isValid(digest, r, s, x, y);
    }

    function _digest(uint64 id, uint40 seq, bytes32 head) private view returns (bytes32) {
        bytes32 separator = Seal.domainSeparator(block.chainid, address(this));
        return Seal.digest(separator, id, seq, head);
    }

    /// @dev Rule 17. Returns whether a regulator, or another organisation that the run names, has released it.
    function _isReleased(
        uint64 id,
        uint40 lastSeq,
        bytes17 head17,
        bytes calldata words
    ) private view returns (bool) {
        if (_releases[_releaseKey(id, lastSeq, head17, 0)]) return true;
        uint24 own = Ids.organisationOf(id);
        uint256 offset = 0;
        while (offset < words.length) {
            bytes calldata entry = words[offset:];
            uint256 head = Entry.word(entry, 0);
            offset += 32 * uint256(Entry.words(head));
            if (!Entry.isHandoff(head)) continue;
            uint24 party = Ids.organisationOf(Entry.party1(Entry.word(entry, 1)));
            if (party != own && _releases[_releaseKey(id, lastSeq, head17, party)]) return true;
        }
        return false;
    }
}
