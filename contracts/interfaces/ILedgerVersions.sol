// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Which ledger is in force
/// @notice A list that only grows. An older ledger stays open for journals that come late.
interface ILedgerVersions {
    event LedgerAdded(uint256 indexed version, address indexed ledger, uint40 activeFrom);

    error LedgerVersionsNoCode(address ledger);
    error LedgerVersionsListedBefore(address ledger);
    error LedgerVersionsNotListed(address ledger);
    error LedgerVersionsNotLater(uint40 activeFrom, uint40 lastActiveFrom);
    error LedgerVersionsUnknown(uint256 version, uint256 count);

    /// @notice Adds a ledger that is in force from `activeFrom` (Unix seconds) on. Only the city, with notice.
    function add(address ledger, uint40 activeFrom) external;

    function count() external view returns (uint256);

    /// @param version Counts from 0.
    function versionAt(uint256 version) external view returns (address ledger, uint40 activeFrom);

    /// @notice Returns the ledger in force now, or zero when none is yet.
    function inForce() external view returns (address ledger);

    /// @notice Returns the ledger that follows a listed one, in force or not yet, or zeros when it is the last.
    function successorOf(
        address ledger
    ) external view returns (address successor, uint40 activeFrom);
}
