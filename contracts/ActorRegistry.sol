// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {FixedAuthority} from "./FixedAuthority.sol";
import {IActorRegistry} from "./interfaces/IActorRegistry.sol";
import {Ids} from "./libraries/Ids.sol";

/// @title Who may enrol devices for whom
contract ActorRegistry is IActorRegistry, FixedAuthority {
    /// @dev All that a ledger reads is in the first slot.
    struct Organisation {
        uint64 registrar;
        uint160 keyHash;
        uint8 epoch;
        bool isSuspended;
        bool isRegulator;
        bytes32 nameDigest;
        uint40 createdAt;
    }

    struct Proposal {
        uint64 registrar;
        uint160 keyHash;
        uint40 effectiveAt;
    }

    uint40 public constant NOTICE_SECONDS = 72 hours;

    mapping(uint64 device => bool) public wasNamed;

    mapping(uint24 organisation => Organisation) private _organisations;
    mapping(uint24 organisation => Proposal) private _proposals;

    constructor(address authority_) FixedAuthority(authority_) {}

    function createOrganisation(
        uint24 organisation,
        bytes32 nameDigest,
        uint64 registrar,
        uint160 keyHash
    ) external restricted {
        if (organisation == 0) revert ActorRegistryZeroOrganisation();
        if (_organisations[organisation].epoch != 0) {
            revert ActorRegistryOrganisationExists(organisation);
        }
        _name(organisation, registrar, keyHash);
        _organisations[organisation] = Organisation({
            registrar: registrar,
            keyHash: keyHash,
            epoch: 1,
            isSuspended: false,
            isRegulator: false,
            nameDigest: nameDigest,
            createdAt: uint40(block.timestamp)
        });
        emit OrganisationCreated(organisation, nameDigest, registrar, keyHash);
    }

    function proposeRegistrar(
        uint24 organisation,
        uint64 registrar,
        uint160 keyHash
    ) external restricted {
        if (_known(organisation).epoch == type(uint8).max) {
            revert ActorRegistryEpochsUsedUp(organisation);
        }
        _name(organisation, registrar, keyHash);
        uint40 effectiveAt = uint40(block.timestamp) + NOTICE_SECONDS;
        _proposals[organisation] = Proposal({
            registrar: registrar,
            keyHash: keyHash,
            effectiveAt: effectiveAt
        });
        emit RegistrarProposed(organisation, registrar, keyHash, effectiveAt);
    }

    function cancelProposal(uint24 organisation) external restricted {
        Proposal storage proposal = _proposals[organisation];
        if (proposal.effectiveAt == 0) revert ActorRegistryNothingProposed(organisation);
        uint64 registrar = proposal.registrar;
        delete _proposals[organisation];
        emit RegistrarProposalCancelled(organisation, registrar);
    }

    function suspendOrganisation(uint24 organisation) external restricted {
        _known(organisation).isSuspended = true;
        emit OrganisationSuspended(organisation);
    }

    function resumeOrganisation(uint24 organisation) external restricted {
        _known(organisation).isSuspended = false;
        emit OrganisationResumed(organisation);
    }

    function setRegulator(uint24 organisation, bool isRegulator) external restricted {
        _known(organisation).isRegulator = isRegulator;
        emit RegulatorSet(organisation, isRegulator);
    }

    function replaceRegistrar(uint24 organisation) external restricted {
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

    function standingOf(
        uint24 organisation
    ) external view returns (uint8 epoch, bool isSuspended, bool isRegulator) {
        Organisation storage found = _organisations[organisation];
        return (found.epoch, found.isSuspended, found.isRegulator);
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

    function _known(uint24 organisation) private view returns (Organisation storage found) {
        found = _organisations[organisation];
        if (found.epoch == 0) revert ActorRegistryUnknownOrganisation(organisation);
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
