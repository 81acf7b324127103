// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @dev What the ledger says of one entry. The numbers are those of docs/spec/entries.md.
enum Outcome {
    NotRecorded,
    Applied,
    Deferred,
    Late,
    Conflict,
    Quarantined,
    Invalid,
    Unknown
}

/// @dev Why a whole segment was refused. None: it was recorded.
enum Refusal {
    None,
    UnknownDevice,
    WrongKey,
    BadSeal,
    Gap,
    AlreadyRecorded,
    Overlap,
    Malformed
}
