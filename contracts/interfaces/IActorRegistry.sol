// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Organisations and their root registrars
/// @notice The city creates organisations here and names the first device of each. It or a district can name
/// another, but only in public and 72 hours ahead, and an auditor can stop it; none of them can write anything
/// into the ledger.
/// @dev Who is the city, a district or an auditor is known to the registry's authority, an access manager.
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

    /// @notice An auditor stopped an announcement; the registrar in place stays.
    event RegistrarProposalCancelled(uint24 indexed organisation, uint64 indexed registrar);

    /// @notice The organisation's registrars are to be obeyed no more. Sealed facts are recorded all the same.
    event OrganisationSuspended(uint24 indexed organisation);

    event OrganisationResumed(uint24 indexed organisation);

    event RegulatorSet(uint24 indexed organisation, bool isRegulator);

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

    /// @notice Creates an organisation with its first root registrar. Only the city.
    /// @param nameDigest A digest of the organisation's public record.
    /// @param keyHash The low 160 bits of keccak256(x || y).
    function createOrganisation(
        uint24 organisation,
        bytes32 nameDigest,
        uint64 registrar,
        uint160 keyHash
    ) external;

    /// @notice Announces another root registrar; an earlier announcement that has not taken effect is dropped.
    /// Only a district or the city.
    /// @dev Warning: the device must not be enrolled in the ledger already, or the ledger keeps that device's key.
    /// From here on the ledger refuses to enrol it.
    function proposeRegistrar(uint24 organisation, uint64 registrar, uint160 keyHash) external;

    /// @notice Drops the announcement of another root registrar, as long as it has not taken effect. Only an auditor.
    /// @dev The device's id stays used up.
    function cancelProposal(uint24 organisation) external;

    /// @notice Stops an organisation's registrars, until it is resumed. Only the city.
    function suspendOrganisation(uint24 organisation) external;

    /// @notice Lets a suspended organisation's registrars act again. Only the city.
    function resumeOrganisation(uint24 organisation) external;

    /// @notice Says whether an organisation is a regulator. Only the city.
    function setRegulator(uint24 organisation, bool isRegulator) external;

    /// @notice Puts the announced registrar in place once 72 hours have passed, and begins a new epoch:
    /// every registrar of the old one stops being a registrar. Anyone, unless an auditor has closed the registry.
    function replaceRegistrar(uint24 organisation) external;

    /// @notice Returns the root registrar in place, or zeros when there is no such organisation.
    /// @dev `epoch` counts from 1.
    function registrarOf(
        uint24 organisation
    ) external view returns (uint64 device, uint160 keyHash, uint8 epoch);

    /// @notice Returns how an organisation stands; `epoch` is 0 when there is no such organisation.
    function standingOf(
        uint24 organisation
    ) external view returns (uint8 epoch, bool isSuspended, bool isRegulator);

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
