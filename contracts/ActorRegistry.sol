// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IActorRegistry} from "./interfaces/IActorRegistry.sol";
import {Ids} from "./libraries/Ids.sol";

/// @title Who may enrol devices for whom
contract ActorRegistry is IActorRegistry {
    struct Organisation {
        bytes32 nameDigest;
        uint64 registrar;
        uint160 keyHash;
        uint8 epoch;
        uint40 createdAt;
    }

    struct Proposal {
        uint64 registrar;
        uint160 keyHash;
        uint40 effectiveAt;
    }

    uint40 public constant NOTICE_SECONDS = 72 hours;

    address public immutable admin;

    mapping(uint64 device => bool) public wasNamed;

    mapping(uint24 organisation => Organisation) private _organisations;
    mapping(uint24 organisation => Proposal) private _proposals;

    modifier onlyAdmin() {
        if (msg.sender != admin) revert ActorRegistryNotAdmin(msg.sender, admin);
        _;
    }

    constructor(address admin_) {
        if (admin_ == address(0)) revert ActorRegistryNoAdmin();
        admin = admin_;
    }

    function createOrganisation(
        uint24 organisation,
        bytes32 nameDigest,
        uint64 registrar,
        uint160 keyHash
    ) external onlyAdmin {
        if (organisation == 0) revert ActorRegistryZeroOrganisation();
        if (_organisations[organisation].epoch != 0) {
            revert ActorRegistryOrganisationExists(organisation);
        }
        _name(organisation, registrar, keyHash);
        _organisations[organisation] = Organisation({
            nameDigest: nameDigest,
            registrar: registrar,
            keyHash: keyHash,
            epoch: 1,
            createdAt: uint40(block.timestamp)
        });
        emit OrganisationCreated(organisation, nameDigest, registrar, keyHash);
    }

    function proposeRegistrar(
        uint24 organisation,
        uint64 registrar,
        uint160 keyHash
    ) external onlyAdmin {
        uint8 epoch = _organisations[organisation].epoch;
        if (epoch == 0) revert ActorRegistryUnknownOrganisation(organisation);
        if (epoch == type(uint8).max) revert ActorRegistryEpochsUsedUp(organisation);
        _name(organisation, registrar, keyHash);
        uint40 effectiveAt = uint40(block.timestamp) + NOTICE_SECONDS;
        _proposals[organisation] = Proposal({
            registrar: registrar,
            keyHash: keyHash,
            effectiveAt: effectiveAt
        });
        emit RegistrarProposed(organisation, registrar, keyHash, effectiveAt);
    }

    function replaceRegistrar(uint24 organisation) external {
        Proposal memory proposal = _proposals[organisation];
        if (proposal.effectiveAt == 0) revert ActorRegistryNothingProposed(organisation);
        if (block.timestamp < proposal.effectiveAt) {
            revert ActorRegistryTooEarly(organisation, proposal.effectiveAt, block.timestamp);
        }
        delete _proposals[organisation];
        Organisation storage replaced = _organisations[organisation];
        uint8 epoch = replaced.epoch + 1;
        replaced.registrar = proposal.registrar;
        replaced.keyHash = proposal.keyHash;
        replaced.epoch = epoch;
        emit RegistrarReplaced(organisation, proposal.registrar, proposal.keyHash, epoch);
    }

    function registrarOf(
        uint24 organisation
    ) external view returns (uint64 device, uint160 keyHash, uint8 epoch) {
        Organisation storage found = _organisations[organisation];
        return (found.registrar, found.keyHash, found.epoch);
    }

    function proposalOf(
        uint24 organisation
    ) external view returns (uint64 device, uint160 keyHash, uint40 effectiveAt) {
        Proposal storage found = _proposals[organisation];
        return (found.registrar, found.keyHash, found.effectiveAt);
    }

    function organisationOf(
        uint24 organisation
    ) external view returns (bytes32 nameDigest, uint40 createdAt) {
        Organisation storage found = _organisations[organisation];
        return (found.nameDigest, found.createdAt);
    }

    /// @dev A name is used up even when its announcement never takes effect, so that the ledger can refuse
    /// to enrol it from the first moment on.
    function _name(uint24 organisation, uint64 device, uint160 keyHash) private {
        if (Ids.organisationOf(device) != organisation || Ids.serialOf(device) == 0) {
            revert ActorRegistryForeignDevice(organisation, device);
        }
        if (wasNamed[device]) revert ActorRegistryDeviceNamedBefore(device);
        if (keyHash == 0) revert ActorRegistryEmptyKey(device);
        wasNamed[device] = true;
    }
}
