// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ILedgerVersions} from "./interfaces/ILedgerVersions.sol";

/// @title An append-only list of ledgers
contract LedgerVersions is ILedgerVersions {
    struct Version {
        address ledger;
        uint40 activeFrom;
    }

    address public immutable admin;

    Version[] private _versions;

    constructor(address admin_) {
        if (admin_ == address(0)) revert LedgerVersionsNoAdmin();
        admin = admin_;
    }

    function add(address ledger, uint40 activeFrom) external {
        if (msg.sender != admin) revert LedgerVersionsNotAdmin(msg.sender, admin);
        if (ledger.code.length == 0) revert LedgerVersionsNoCode(ledger);
        uint256 version = _versions.length;
        if (version != 0) {
            uint40 last = _versions[version - 1].activeFrom;
            if (activeFrom <= last) revert LedgerVersionsNotLater(activeFrom, last);
        }
        _versions.push(Version({ledger: ledger, activeFrom: activeFrom}));
        emit LedgerAdded(version, ledger, activeFrom);
    }

    function count() external view returns (uint256) {
        return _versions.length;
    }

    function versionAt(uint256 version) external view returns (address ledger, uint40 activeFrom) {
        if (version >= _versions.length) revert LedgerVersionsUnknown(version, _versions.length);
        Version storage found = _versions[version];
        return (found.ledger, found.activeFrom);
    }

    function inForce() external view returns (address ledger) {
        for (uint256 i = _versions.length; i != 0; --i) {
            Version storage found = _versions[i - 1];
            if (found.activeFrom <= block.timestamp) return found.ledger;
        }
    }
}
