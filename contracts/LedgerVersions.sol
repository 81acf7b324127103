// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {FixedAuthority} from "./FixedAuthority.sol";
import {ILedgerVersions} from "./interfaces/ILedgerVersions.sol";

/// @title An append-only list of ledgers
contract LedgerVersions is ILedgerVersions, FixedAuthority {
    struct Version {
        address ledger;
        uint40 activeFrom;
    }

    Version[] private _versions;

    /// @dev How many versions there were once the ledger was added; 0 when it never was.
    mapping(address ledger => uint256) private _countWith;

    constructor(address authority_) FixedAuthority(authority_) {}

    function add(address ledger, uint40 activeFrom) external restricted {
        if (ledger.code.length == 0) revert LedgerVersionsNoCode(ledger);
        if (_countWith[ledger] != 0) revert LedgerVersionsListedBefore(ledger);
        uint256 version = _versions.length;
        if (version != 0) {
            uint40 last = _versions[version - 1].activeFrom;
            if (activeFrom <= last) revert LedgerVersionsNotLater(activeFrom, last);
        }
        _versions.push(Version({ledger: ledger, activeFrom: activeFrom}));
        _countWith[ledger] = version + 1;
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

    function successorOf(
        address ledger
    ) external view returns (address successor, uint40 activeFrom) {
        uint256 next = _countWith[ledger];
        if (next == 0) revert LedgerVersionsNotListed(ledger);
        if (next == _versions.length) return (address(0), 0);
        Version storage found = _versions[next];
        return (found.ledger, found.activeFrom);
    }
}
