// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Organisations and their root registrars
/// @notice The city creates organisations here and names the first device of each. It can name another,
/// but only in public and 72 hours ahead; it cannot write anything into the ledger.
interface IActorRegistry {
    event OrganisationCreated(
        uint24 indexed organisation,
        bytes32 nameDigest,
        uint64 indexed registrar,
        uint160 keyHash
    );

    /// @notice A root registrar is to be replaced; nothing changes before `effectiveAt`.
    event RegistrarProposed(
        uint24 indexed organisation,
        uint64 indexed registrar,
        uint160 keyHash,
        uint40 effectiveAt
    );

    event RegistrarReplaced(
        uint24 indexed organisation,
        uint64 indexed registrar,
        uint160 keyHash,
        uint8 epoch
    );

    error ActorRegistryNoAdmin();
    error ActorRegistryNotAdmin(address sender, address admin);
    error ActorRegistryZeroOrganisation();
    error ActorRegistryOrganisationExists(uint24 organisation);
    error ActorRegistryUnknownOrganisation(uint24 organisation);
    /// @notice The device's id does not begin with the organisation's, or its serial is 0.
    error ActorRegistryForeignDevice(uint24 organisation, uint64 device);
    error ActorRegistryDeviceNamedBefore(uint64 device);
    error ActorRegistryEmptyKey(uint64 device);
    error ActorRegistryNothingProposed(uint24 organisation);
    error ActorRegistryTooEarly(uint24 organisation, uint40 effectiveAt, uint256 nowAt);
    error ActorRegistryEpochsUsedUp(uint24 organisation);

    /// @notice Creates an organisation with its first root registrar. Only the admin.
    /// @param nameDigest A digest of the organisation's public record.
    /// @param keyHash The low 160 bits of keccak256(x || y).
    function createOrganisation(
        uint24 organisation,
        bytes32 nameDigest,
        uint64 registrar,
        uint160 keyHash
    ) external;

    /// @notice Announces another root registrar; an earlier announcement that has not taken effect is dropped.
    /// Only the admin.
    /// @dev Warning: the device must not be enrolled in the ledger already, or the ledger keeps that device's key.
    /// From here on the ledger refuses to enrol it.
    function proposeRegistrar(uint24 organisation, uint64 registrar, uint160 keyHash) external;

    /// @notice Puts the announced registrar in place once 72 hours have passed, and begins a new epoch:
    /// every registrar of the old one stops being a registrar. Anyone.
    function replaceRegistrar(uint24 organisation) external;

    function admin() external view returns (address);

    /// @notice Returns the root registrar in place, or zeros when there is no such organisation.
    /// @dev `epoch` counts from 1.
    function registrarOf(
        uint24 organisation
    ) external view returns (uint64 device, uint160 keyHash, uint8 epoch);

    /// @notice Returns the announced registrar, or zeros.
    function proposalOf(
        uint24 organisation
    ) external view returns (uint64 device, uint160 keyHash, uint40 effectiveAt);

    /// @notice Returns what is kept of an organisation; `createdAt` is 0 when there is no such organisation.
    function organisationOf(
        uint24 organisation
    ) external view returns (bytes32 nameDigest, uint40 createdAt);

    /// @notice Returns whether the device was ever announced or in place as a root registrar.
    function wasNamed(uint64 device) external view returns (bool);
}
