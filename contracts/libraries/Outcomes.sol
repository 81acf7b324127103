// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @dev What the ledger says of one entry: its outcome in the low four bits, what is wrong with it in the high
/// four. The numbers are those of docs/spec/entries.md.
library Answers {
    /// @dev Not an answer yet: the step must wait.
    uint8 internal constant NOT_READY = 0;

    uint8 internal constant APPLIED = 1;
    uint8 internal constant DEFERRED = 2;
    uint8 internal constant LATE = 3;
    uint8 internal constant CONFLICT = 4;
    uint8 internal constant QUARANTINED = 5;
    uint8 internal constant INVALID = 6;
    uint8 internal constant UNKNOWN = 7;

    uint8 internal constant APPLIED_MIXED = 0x11;
    uint8 internal constant APPLIED_UNATTESTED = 0x21;
    uint8 internal constant INVALID_NOT_A_SCALE = 0x36;
    uint8 internal constant INVALID_TICKET_SKIPPED = 0x46;
    uint8 internal constant INVALID_TICKET_REPEATED = 0x56;
    uint8 internal constant INVALID_CALIBRATION_EXPIRED = 0x66;
    uint8 internal constant CONFLICT_CLEANER_STREAM = 0x74;
    uint8 internal constant CONFLICT_MANDATE_FOREIGN = 0x84;
    uint8 internal constant CONFLICT_MANDATE_ENDED = 0x94;
    uint8 internal constant CONFLICT_MANDATE_EXPIRED = 0xa4;
    uint8 internal constant CONFLICT_MANDATE_STREAM = 0xb4;
    uint8 internal constant CONFLICT_MANDATE_SITE = 0xc4;
    uint8 internal constant CONFLICT_MANDATE_GRAMS = 0xd4;
    uint8 internal constant CONFLICT_MANDATE_DEPTH = 0xe4;
    uint8 internal constant QUARANTINED_FORKED = 0xf5;
}

/// @dev Why a whole segment, or a witness, was refused. None: it was not.
enum Refusal {
    None,
    UnknownDevice,
    WrongKey,
    BadSeal,
    Gap,
    AlreadyRecorded,
    Overlap,
    Malformed,
    Fork
}
