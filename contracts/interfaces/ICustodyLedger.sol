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
    struct Segment {
        uint64 device;
        uint40 firstSeq;
        bytes32 x;
        bytes32 y;
        bytes32 r;
        bytes32 s;
        bytes words;
    }

    /// @notice A segment was recorded, and will never be again.
    /// @param head The journal's head after it.
    /// @param outcomes One byte for each entry.
    event SegmentRecorded(
        uint64 indexed device,
        uint40 indexed firstSeq,
        bytes32 head,
        bytes32 x,
        bytes32 y,
        bytes32 r,
        bytes32 s,
        bytes words,
        bytes outcomes
    );

    /// @notice A segment was refused, and nothing of it was stored.
    /// @param reason 1 unknown device, 2 wrong key, 3 bad seal, 4 gap, 5 already recorded, 6 overlap, 7 malformed.
    event SegmentRefused(uint64 indexed device, uint40 indexed firstSeq, uint8 reason);

    /// @notice An entry that had waited got its last outcome.
    event Settled(uint64 indexed device, uint40 indexed seq, uint96 indexed lot, uint8 outcome);

    /// @notice This chain has no P-256 precompile at 0x100, so that every seal would look forged.
    error NoP256();

    /// @notice Records what it can of a batch. A refused segment does not stop the others.
    function record(Segment[] calldata segments) external;

    /// @notice Applies the steps that wait on a lot, at most `maxSteps` of them.
    /// @return steps How many were applied, or became conflict or invalid.
    function settle(uint96 lot, uint256 maxSteps) external returns (uint256 steps);

    function actorRegistry() external view returns (address);

    /// @notice Returns the EIP-712 domain separator of seals.
    function domainSeparator() external view returns (bytes32);

    /// @notice Returns a device, or zeros. A root registrar is known before its first segment.
    /// @dev `nextSeq` is the seq that its next entry must have. `flags` is 1 when it is revoked.
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

    /// @notice Returns the serial of the lot that the device's next lifts go into (0: none), and how many of its
    /// takes and steps wait.
    function deskOf(uint64 device) external view returns (uint32 serial, uint16 openDeferrals);

    /// @notice Returns a lot, or zeros.
    /// @dev `status`: 0 none, 1 held, 2 given, 3 merged, 4 closed, 5 leaving. `pendings`: merges into the lot that
    /// still wait. `lastSeq`: of its last lift. `taken`: whether its custody has ever passed.
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
        );

    /// @notice Returns the give under which a lot is given now, or zeros.
    function giveOf(
        uint96 lot
    ) external view returns (uint64 to, uint40 seq, uint48 grams, bytes13 head13);

    /// @notice Returns the take that waits for a give, or zeros.
    /// @param organisation The taker's.
    function waitingTakeOf(
        uint64 giver,
        uint40 giveSeq,
        uint24 organisation,
        uint96 lot
    ) external view returns (uint64 taker, uint40 seq, uint48 grams, bytes13 head13);

    /// @notice Returns the step of a device that waits on a lot, or zeros.
    /// @dev `kind` is an entry's, or 255 when only the device's take waits.
    function waitingStepOf(
        uint96 lot,
        uint64 device
    )
        external
        view
        returns (uint8 kind, uint40 seq, uint64 to, bytes13 head13, uint32 intoSerial, uint8 fate);

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
