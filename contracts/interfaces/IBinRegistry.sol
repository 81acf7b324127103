// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Sites, and the bins placed on them
/// @notice Anyone may bring a placement here, but only what a registrar of the site's organisation has sealed in
/// its journal, and only once.
interface IBinRegistry {
    /// @param number The bin's random number, which lifts name.
    /// @param serialDigest keccak256 of the 16 serial bytes on its label.
    /// @param from Unix seconds from which the bin stands there.
    struct Bin {
        uint40 number;
        bytes32 serialDigest;
        uint8 stream;
        uint40 from;
    }

    event SiteOpened(uint64 indexed site, uint8 siteKind, bytes32 digest);

    /// @param head The site's rolling head after these bins.
    event BinsPlaced(uint64 indexed site, Bin[] bins, bytes32 head);

    error BinRegistryNotAttested(bytes32 statement);
    error BinRegistryAlreadyUsed(bytes32 statement);

    /// @notice Opens a site, or says anew what it is.
    function openSite(uint64 site, uint8 siteKind, bytes32 digest) external;

    /// @notice Places bins on a site.
    /// @dev The sealed digest is keccak256 of each bin's abi.encodePacked(number, serialDigest, stream, from), joined.
    function place(uint64 site, Bin[] calldata bins) external;

    function ledger() external view returns (address);

    /// @notice Returns keccak256(head before || digest), rolled over every statement of the site; 0 before the first.
    function headOf(uint64 site) external view returns (bytes32);

    function isUsed(bytes32 statement) external view returns (bool);

    /// @notice Returns the digest that a `place` entry seals for these bins.
    function digestOf(Bin[] calldata bins) external pure returns (bytes32);
}
