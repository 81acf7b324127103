// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title The code lists of docs/spec/entries.md that a rule looks at
library Codes {
    uint8 internal constant STREAM_HAZARDOUS = 2;
    uint8 internal constant STREAM_RESIDUAL = 4;
    uint8 internal constant STREAM_LAST = 4;

    uint8 internal constant ROLE_GATE = 2;
    uint8 internal constant ROLE_SCALE = 3;
    uint8 internal constant ROLE_REGISTRAR = 4;
    uint8 internal constant ROLE_OFFICE = 5;
    uint8 internal constant ROLE_LAST = 5;

    uint8 internal constant SCHEME_RAW = 1;
    uint8 internal constant SCHEME_WEBAUTHN = 2;

    uint8 internal constant FATE_LOSS = 3;
    uint8 internal constant FATE_LAST = 4;

    uint8 internal constant MANDATE_GRANT = 1;
    uint8 internal constant MANDATE_REVOKE = 2;

    uint8 internal constant VERDICT_RELEASED = 3;

    function isStream(uint8 stream) internal pure returns (bool) {
        return stream != 0 && stream <= STREAM_LAST;
    }

    function isRole(uint8 role) internal pure returns (bool) {
        return role != 0 && role <= ROLE_LAST;
    }

    function isScheme(uint8 scheme) internal pure returns (bool) {
        return scheme == SCHEME_RAW || scheme == SCHEME_WEBAUTHN;
    }

    function isFate(uint8 fate) internal pure returns (bool) {
        return fate != 0 && fate <= FATE_LAST;
    }

    /// @notice Returns whether a device of this role may speak for its organisation to others.
    function isSpeaking(uint8 role) internal pure returns (bool) {
        return role == ROLE_GATE || role == ROLE_REGISTRAR || role == ROLE_OFFICE;
    }
}
