// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Entry} from "../libraries/Entry.sol";
import {Heads, Journal} from "../libraries/Journal.sol";
import {Seal} from "../libraries/Seal.sol";
import {WebAuthn} from "../libraries/WebAuthn.sol";

/// @title The treaty's pure functions, for tests that compare them with tests/vectors
contract TreatyHarness {
    struct Lift {
        uint8 kind;
        uint40 bin;
        uint8 stream;
        uint8 grade;
        uint8 basis;
        uint8 flags;
        uint40 occurredAt;
        uint32 grams;
        bytes15 evidence;
    }

    struct Header {
        uint8 kind;
        uint8 words;
        uint16 flags;
        uint40 occurredAt;
    }

    function isValid(
        bytes32 digest_,
        bytes32 r,
        bytes32 s,
        bytes32 x,
        bytes32 y
    ) external view returns (bool) {
        return Seal.isValid(digest_, r, s, x, y);
    }

    function verifyP256(
        bytes32 hash,
        bytes32 r,
        bytes32 s,
        bytes32 x,
        bytes32 y
    ) external view returns (bool) {
        return Seal.verifyP256(hash, r, s, x, y);
    }

    function isAssertion(
        bytes32 digest_,
        uint64 originDigest,
        bytes calldata assertion,
        bytes32 r,
        bytes32 s,
        bytes32 x,
        bytes32 y
    ) external view returns (bool) {
        return WebAuthn.isValid(digest_, originDigest, assertion, r, s, x, y);
    }

    function domainSeparator(uint256 chainId, address ledger) external pure returns (bytes32) {
        return Seal.domainSeparator(chainId, ledger);
    }

    function digest(
        uint256 chainId,
        address ledger,
        uint64 device,
        uint40 seq,
        bytes32 head
    ) external pure returns (bytes32) {
        return Seal.digest(Seal.domainSeparator(chainId, ledger), device, seq, head);
    }

    function keyHash(bytes32 x, bytes32 y) external pure returns (uint160) {
        return Seal.keyHash(x, y);
    }

    function statementOf(
        uint8 kind,
        uint64 site,
        uint40 detail,
        bytes32 digest_
    ) external pure returns (bytes32) {
        return Seal.statementOf(kind, site, detail, digest_);
    }

    function head0(uint256 chainId, address ledger, uint64 device) external pure returns (bytes32) {
        return Journal.head0(chainId, ledger, device);
    }

    /// @notice Returns the head after each entry, or nothing when the words are malformed.
    function rollHead(
        bytes32 head,
        bytes calldata words
    ) external pure returns (bytes32[] memory heads) {
        Heads rolled = Journal.roll(head, words);
        heads = new bytes32[](rolled.count());
        for (uint256 i = 0; i < heads.length; ++i) heads[i] = rolled.afterEntry(words, i);
    }

    function wordCountOf(uint8 kind) external pure returns (uint8) {
        return Entry.wordCountOf(kind);
    }

    function liftOf(uint256 word) external pure returns (Lift memory) {
        return
            Lift({
                kind: Entry.kind(word),
                bin: Entry.liftBin(word),
                stream: Entry.liftStream(word),
                grade: Entry.liftGrade(word),
                basis: Entry.liftBasis(word),
                flags: Entry.liftFlags(word),
                occurredAt: Entry.liftOccurredAt(word),
                grams: Entry.liftGrams(word),
                evidence: Entry.liftEvidence(word)
            });
    }

    function headerOf(uint256 word) external pure returns (Header memory) {
        return
            Header({
                kind: Entry.kind(word),
                words: Entry.words(word),
                flags: Entry.flags(word),
                occurredAt: Entry.occurredAt(word)
            });
    }

    function loadOf(uint256 head) external pure returns (uint96 lot, uint8 stream) {
        return (Entry.lot(head), Entry.loadStream(head));
    }

    function giveOf(
        uint256 head,
        uint256 word1
    ) external pure returns (uint96 lot, uint48 grams, uint64 to) {
        return (Entry.lot(head), Entry.grams(head), Entry.party1(word1));
    }

    function takeOf(
        uint256 head,
        uint256 word1
    ) external pure returns (uint96 lot, uint48 grams, uint40 giveSeq, uint64 giver) {
        lot = Entry.lot(head);
        grams = Entry.grams(head);
        giveSeq = Entry.giveSeq(head);
        giver = Entry.party1(word1);
    }

    function withdrawOf(uint256 head) external pure returns (uint96 lot, uint40 giveSeq) {
        return (Entry.lot(head), Entry.undoneSeq(head));
    }

    function weighOf(
        uint256 head,
        uint256 word1
    ) external pure returns (uint96 lot, uint48 net, uint48 gross, uint48 tare) {
        lot = Entry.lot(head);
        net = Entry.grams(head);
        gross = Entry.weighGross1(word1);
        tare = Entry.weighTare1(word1);
    }

    function mergeOf(
        uint256 head,
        uint256 word1
    ) external pure returns (uint96 lot, uint48 grams, uint96 into, uint8 stream) {
        lot = Entry.lot(head);
        grams = Entry.grams(head);
        into = Entry.into1(word1);
        stream = Entry.intoStream1(word1);
    }

    function closeOf(
        uint256 head,
        uint256 word1
    ) external pure returns (uint96 lot, uint48 grams, uint8 fate) {
        return (Entry.lot(head), Entry.grams(head), Entry.closeFate1(word1));
    }

    function enrolOf(
        uint256 head
    ) external pure returns (uint64 device, uint8 role, uint8 scheme, uint40 notAfter) {
        device = Entry.subject(head);
        role = Entry.enrolRole(head);
        scheme = Entry.enrolScheme(head);
        notAfter = Entry.enrolNotAfter(head);
    }

    function siteOf(
        uint256 head
    ) external pure returns (uint64 site, uint8 siteKind, uint40 placeCount) {
        return (Entry.subject(head), Entry.siteKind(head), Entry.placeCount(head));
    }
}
