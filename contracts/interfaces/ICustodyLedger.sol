// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title The ledger of custody
/// @notice Checks the seals of devices' journals, keeps the journals free of gaps, and says who holds each lot.
/// The rules are those of docs/spec/entries.md; masses are in grams, times in Unix seconds.
/// @dev Nothing here belongs to an administrator, and anyone may carry a sealed segment to it.
interface ICustodyLedger {
    /// @notice A run of consecutive entries of one journal, with one seal at its end.
    /// @param firstSeq The seq of the first entry.
    /// @param x The device's public key, with y.
    /// @param r The seal over the head after the last entry, with s; either half of s will do.
    /// @param words The entries, one after another, in whole 32-byte words.
    /// @param assertion What a passkey signed around the seal's digest; empty for a raw seal.
    struct Segment {
        uint64 device;
        uint40 firstSeq;
        bytes32 x;
        bytes32 y;
        bytes32 r;
        bytes32 s;
        bytes words;
        bytes assertion;
    }

    /// @notice One sealed entry of a journal, carried up by somebody else.
    /// @param before The head before the entry.
    struct Witness {
        uint64 device;
        uint40 seq;
        bytes32 before;
        bytes32 x;
        bytes32 y;
        bytes32 r;
        bytes32 s;
        bytes words;
        bytes assertion;
    }

    /// @notice A head with the seal over it.
    struct SealedHead {
        bytes32 head;
        bytes32 r;
        bytes32 s;
        bytes assertion;
    }

    /// @notice A segment was recorded, and will never be again.
    /// @dev What its entries did beside that (`Settled`, `Transcribed`) was told before it, as it happened.
    /// @param head The journal's head after it.
    /// @param outcomes One byte for each entry: its outcome in the low four bits, what is wrong in the high four.
    event SegmentRecorded(
        uint64 indexed device,
        uint40 indexed firstSeq,
        bytes32 head,
        bytes32 x,
        bytes32 y,
        bytes32 r,
        bytes32 s,
        bytes words,
        bytes outcomes,
        bytes assertion
    );

    /// @notice A segment, or a witness, was refused, and nothing of it was stored.
    /// @param reason 1 unknown device, 2 wrong key, 3 bad seal, 4 gap, 5 already recorded, 6 overlap, 7 malformed,
    /// 8 fork.
    event SegmentRefused(uint64 indexed device, uint40 indexed firstSeq, uint8 reason);

    /// @notice An entry that had waited got its last outcome.
    event Settled(uint64 indexed device, uint40 indexed seq, uint96 indexed lot, uint8 outcome);

    /// @notice A registrar's entry brought these entries of another device's journal, with this effect.
    /// @param outcomes One byte for each of them.
    event Transcribed(uint64 indexed device, uint40 indexed firstSeq, bytes outcomes);

    /// @notice A journal goes on behind entries that it has lost, as was announced 72 hours before.
    event GapClosed(uint64 indexed device, uint40 fromSeq, uint40 toSeq);

    /// @notice A journal is known to go on at least to here.
    event Witnessed(
        uint64 indexed device,
        uint40 indexed seq,
        bytes32 before,
        bytes32 x,
        bytes32 y,
        bytes32 r,
        bytes32 s,
        bytes words,
        bytes assertion
    );

    /// @notice A device has sealed two heads for one seq; nothing counts that it writes from now on.
    /// @param seq Where it shows.
    /// @param head The one that contradicts what was known.
    event Forked(uint64 indexed device, uint40 indexed seq, bytes32 head);

    /// @notice This chain has no P-256 precompile at 0x100, so that every seal would look forged.
    error NoP256();
    /// @notice There was not enough gas for a rule; nothing of this transaction was stored.
    error RuleFailed();

    /// @notice Records what it can of a batch. A refused segment does not stop the others.
    function record(Segment[] calldata segments) external;

    /// @notice Judges the steps that a device has waiting on a lot, in their order, at most `maxSteps` of them.
    /// @return steps How many left the queue.
    function settle(uint96 lot, uint64 device, uint256 maxSteps) external returns (uint256 steps);

    /// @notice Shows an entry that is sealed but not recorded yet, so that the journal cannot be another later.
    /// @dev The journal does not advance. Refused just as a segment is, with `SegmentRefused`.
    function witness(Witness calldata shown) external;

    /// @notice Shows two heads that a device has sealed for one seq, and marks it.
    /// @return isShown Whether they are two heads, both sealed with the device's key.
    function proveFork(
        uint64 device,
        uint40 seq,
        bytes32 x,
        bytes32 y,
        SealedHead calldata one,
        SealedHead calldata other
    ) external returns (bool isShown);

    function actorRegistry() external view returns (address);

    /// @notice Returns the ledger from which journals and lots move here, or 0 for the first.
    function predecessor() external view returns (address);

    /// @notice Returns where the rules for devices stand, which the ledger runs on its own storage.
    function deviceRules() external view returns (address);

    /// @notice Returns the EIP-712 domain separator of seals.
    function domainSeparator() external view returns (bytes32);

    /// @notice Returns a device, or zeros. A root registrar is known before its first segment, and so is a device
    /// that moved here.
    /// @dev `nextSeq` is the seq that its next entry must have. `flags`: 1 revoked, 2 forked, 4 passkey, 8 pinned,
    /// 16 moved, 32 announced.
    function deviceOf(
        uint64 device
    )
        external
        view
        returns (
            uint160 keyHash,
            uint40 nextSeq,
            uint32 notAfter,
            uint8 role,
            uint8 flags,
            uint8 epoch
        );

    /// @notice Returns the head of a device's journal, or 0 when there is no such device.
    function headOf(uint64 device) external view returns (bytes32);

    /// @notice Returns how far a witness has shown a journal; it may have been recorded since.
    /// @dev In force while the device has the flag `pinned`.
    function pinOf(uint64 device) external view returns (uint40 seq, bytes27 head27);

    /// @notice Returns the last seq of a device under review that still counts, and the last that a registrar
    /// has brought of it.
    function seenOf(uint64 device) external view returns (bool isSet, uint40 seq, uint40 brought);

    /// @notice Returns the gap that was announced last: from `opensAt` on the journal may go on after `toSeq`.
    function gapOf(
        uint64 device
    ) external view returns (uint40 toSeq, uint40 opensAt, bytes32 head);

    /// @notice Returns the first 8 bytes of keccak256 of the web origin that a passkey belongs to.
    function originOf(uint64 device) external view returns (uint64);

    /// @notice Returns the ledger in which a closed journal goes on, or 0.
    function movedTo(uint64 device) external view returns (address);

    /// @notice Returns what a later ledger takes over of a journal, or zeros when none is stored here.
    /// @param slot The device as it is packed.
    /// @param seen 0, or 2^80, the last brought seq times 2^40 and the last that still counts.
    function journalOf(
        uint64 device
    )
        external
        view
        returns (uint256 slot, bytes32 head, address ledger, uint64 origin, uint256 seen);

    /// @notice Returns a lot as it is packed, or 0; what a later ledger takes over of it.
    function packedLotOf(uint96 lot) external view returns (uint256);

    /// @notice Returns the serial of the lot that the device's next lifts go into (0: none), how many of its
    /// steps wait, and a scale's last ticket.
    function deskOf(
        uint64 device
    ) external view returns (uint32 serial, uint16 openDeferrals, uint40 lastTicket);

    /// @notice Returns a lot, or zeros.
    /// @dev `status`: 0 none, 1 held, 2 given, 3 merged, 4 closed, 5 leaving, 6 promised. `pendings`: merges into
    /// the lot that still wait. `lastSeq`: of its last lift. `shut`: whether it takes no more loads, lifts and
    /// merges. `mixture`: bit 1 << stream for each other stream in it.
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
            bool shut,
            uint8 mixture
        );

    /// @notice Returns the give under which a lot is given now, or zeros.
    function giveOf(
        uint96 lot
    ) external view returns (uint64 to, uint40 seq, uint48 grams, bytes13 head13);

    /// @notice Returns the steps that a device has waiting on a lot, packed as the treaty says, the front first.
    function queueOf(uint96 lot, uint64 device) external view returns (uint256[3][] memory steps);

    /// @notice Returns the device whose take or refusal of a give waits, or 0.
    /// @param organisation That device's.
    function expectedOf(
        uint64 giver,
        uint40 giveSeq,
        uint24 organisation,
        uint96 lot
    ) external view returns (uint64);

    /// @notice Returns a mandate by the entry that granted it, or zeros. `left` is in grams.
    function mandateOf(
        uint64 device,
        uint40 seq
    )
        external
        view
        returns (
            uint64 to,
            uint48 left,
            uint40 until,
            uint8 depth,
            uint16 streams,
            bool isRevoked,
            uint64 site,
            uint64 parent,
            uint40 parentSeq
        );

    /// @notice Returns whether an organisation has released the entries of a device up to this head.
    /// @param organisation 0 for any regulator.
    function releaseOf(
        uint64 device,
        uint40 seq,
        bytes17 head17,
        uint24 organisation
    ) external view returns (bool);

    /// @notice Returns a stream's sums in grams. lifted + gained = held + out + lost, modulo 2^64.
    function totalsOf(
        uint8 stream
    ) external view returns (uint64 lifted, uint64 gained, uint64 out, uint64 lost);

    /// @param day Days since 1970 in Asia/Shanghai: floor((block time + 8 h) / 24 h).
    function dayTotalsOf(
        uint24 organisation,
        uint32 day,
        uint8 stream
    ) external view returns (uint64 lifted, uint64 gained, uint64 out, uint64 lost);

    /// @notice Returns whether a registrar of the site's organisation sealed this statement.
    /// @param statement keccak256(abi.encode(uint8 kind, uint64 site, uint40 siteKindOrCount, bytes32 digest)).
    function attested(bytes32 statement) external view returns (bool);
}
