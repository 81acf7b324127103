// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {BinRegistry} from "../../contracts/BinRegistry.sol";
import {IActorRegistry} from "../../contracts/interfaces/IActorRegistry.sol";
import {IBinRegistry} from "../../contracts/interfaces/IBinRegistry.sol";
import {ILedgerVersions} from "../../contracts/interfaces/ILedgerVersions.sol";
import {Fixture} from "./Fixture.sol";
import {VM} from "./Vm.sol";
import {Write} from "./Write.sol";

/// @dev Who may enrol whom, and what the city and anyone else cannot do.
contract RegistrarsTest is Fixture {
    uint64 private next = _device(1, 50);

    /* -------------------------------------- entries of a registrar -------------------------------------- */

    function test_ARootRegistrarIsKnownBeforeItsFirstSegment() public {
        _found(9, _device(9, 1));
        (
            uint160 keyHash,
            uint40 nextSeq,
            uint32 notAfter,
            uint8 role,
            uint8 flags,
            uint8 epoch
        ) = ledger.deviceOf(_device(9, 1));
        _equal(keyHash, _keyHash(_device(9, 1)), "key hash");
        _equal(nextSeq, 1, "next seq");
        _equal(notAfter + flags, 0, "not after and flags");
        _equal(role, REGISTRAR, "role");
        _equal(epoch, 1, "epoch");
        require(
            ledger.headOf(_device(9, 1)) ==
                keccak256(abi.encode(block.chainid, address(ledger), _device(9, 1))),
            "head"
        );
        require(ledger.headOf(_device(9, 2)) == 0, "head of an unknown device");
    }

    function test_EnrolIsInvalidForAnythingOutOfPlace() public {
        _expect(crew, Write.enrol(_device(1, 9), CREW, 1, 0, 1, 2), INVALID);
        _expect(root1, Write.enrol(_device(2, 9), CREW, 1, 0, 1, 2), INVALID);
        _expect(root1, Write.enrol(_device(1, 0), CREW, 1, 0, 1, 2), INVALID);
        _expect(root1, Write.enrol(_device(1, 9), 0, 1, 0, 1, 2), INVALID);
        _expect(root1, Write.enrol(_device(1, 9), 6, 1, 0, 1, 2), INVALID);
        _expect(root1, Write.enrol(_device(1, 9), CREW, 0, 0, 1, 2), INVALID);
        _expect(root1, Write.enrol(_device(1, 9), CREW, 3, 0, 1, 2), INVALID);
        _expect(root1, Write.enrol(_device(1, 9), CREW, 1, 1 << 32, 1, 2), INVALID);
        _expect(root1, Write.enrol(_device(1, 9), CREW, 1, (1 << 32) - 1, 1, 2), APPLIED);
    }

    function test_EnrolOfADeviceThatExistsIsAConflict() public {
        _expect(root1, Write.enrol(crew, CREW, 1, 0, 1, 2), CONFLICT);
        _expect(root1, Write.enrol(root1, CREW, 1, 0, 1, 2), CONFLICT);
    }

    function test_AnEnrolledRegistrarMayEnrol() public {
        _enrol(root1, next, REGISTRAR);
        _enrol(next, _device(1, 51), CREW);
    }

    function test_RevokeIsForAnotherDeviceOfTheSameOrganisation() public {
        _expect(root1, Write.revoke(root1), INVALID);
        _expect(root1, Write.revoke(station), INVALID);
        _expect(root1, Write.revoke(_device(1, 99)), INVALID);
        _expect(crew, Write.revoke(crew2), INVALID);
        _enrol(root1, next, REGISTRAR);
        _expect(next, Write.revoke(root1), APPLIED);
        _expect(root1, Write.revoke(crew), QUARANTINED);
    }

    function test_AnOldRegistrarCannotTakeTheIdOfTheNextOne() public {
        VM.prank(CITY);
        registry.proposeRegistrar(1, next, _keyHash(next));
        _expect(root1, Write.enrol(next, REGISTRAR, 1, 0, 1, 2), CONFLICT);
    }

    function test_AReplacedRegistrarBeginsANewEpoch() public {
        _enrol(root1, _device(1, 40), REGISTRAR);
        VM.prank(CITY);
        registry.proposeRegistrar(1, next, _keyHash(next));
        VM.warp(START + 72 hours);
        registry.replaceRegistrar(1);

        _expect(root1, Write.revoke(crew), INVALID);
        _expect(_device(1, 40), Write.revoke(crew), INVALID);
        _expect(crew, Write.load(_lot(crew, 1), 4), APPLIED);
        _expect(next, Write.revoke(root1), APPLIED);
        (, , , , , uint8 epoch) = ledger.deviceOf(next);
        _equal(epoch, 2, "epoch");
    }

    /* ------------------------------------------ ActorRegistry ------------------------------------------ */

    function test_AnOrganisationIsCreatedOnce() public {
        (bytes32 nameDigest, uint40 createdAt) = registry.organisationOf(1);
        require(nameDigest == bytes32("name") && createdAt == START, "organisation");
        VM.expectRevert(
            abi.encodeWithSelector(IActorRegistry.ActorRegistryOrganisationExists.selector, 1)
        );
        VM.prank(CITY);
        registry.createOrganisation(1, 0, next, 1);
        VM.expectRevert(
            abi.encodeWithSelector(IActorRegistry.ActorRegistryZeroOrganisation.selector)
        );
        VM.prank(CITY);
        registry.createOrganisation(0, 0, 1, 1);
    }

    function test_ARegistrarIsADeviceOfItsOrganisationWithAKey() public {
        VM.expectRevert(
            abi.encodeWithSelector(
                IActorRegistry.ActorRegistryForeignDevice.selector,
                8,
                _device(7, 1)
            )
        );
        VM.prank(CITY);
        registry.createOrganisation(8, 0, _device(7, 1), 1);
        VM.expectRevert(
            abi.encodeWithSelector(
                IActorRegistry.ActorRegistryForeignDevice.selector,
                8,
                _device(8, 0)
            )
        );
        VM.prank(CITY);
        registry.createOrganisation(8, 0, _device(8, 0), 1);
        VM.expectRevert(
            abi.encodeWithSelector(IActorRegistry.ActorRegistryEmptyKey.selector, _device(8, 1))
        );
        VM.prank(CITY);
        registry.createOrganisation(8, 0, _device(8, 1), 0);
    }

    function test_ANameIsUsedOnce() public {
        VM.expectRevert(
            abi.encodeWithSelector(IActorRegistry.ActorRegistryDeviceNamedBefore.selector, root1)
        );
        VM.prank(CITY);
        registry.proposeRegistrar(1, root1, 1);

        VM.prank(CITY);
        registry.proposeRegistrar(1, next, 1);
        VM.prank(CITY);
        registry.proposeRegistrar(1, _device(1, 60), 1);
        require(registry.wasNamed(next), "named");
        VM.expectRevert(
            abi.encodeWithSelector(IActorRegistry.ActorRegistryDeviceNamedBefore.selector, next)
        );
        VM.prank(CITY);
        registry.proposeRegistrar(1, next, 1);
    }

    function test_ReplacingTakes72Hours() public {
        VM.expectRevert(
            abi.encodeWithSelector(IActorRegistry.ActorRegistryNothingProposed.selector, 1)
        );
        registry.replaceRegistrar(1);
        VM.expectRevert(
            abi.encodeWithSelector(IActorRegistry.ActorRegistryUnknownOrganisation.selector, 8)
        );
        VM.prank(CITY);
        registry.proposeRegistrar(8, _device(8, 1), 1);

        uint40 effectiveAt = uint40(START + 72 hours);
        VM.expectEmit(address(registry));
        emit IActorRegistry.RegistrarProposed(1, next, 7, effectiveAt);
        VM.prank(CITY);
        registry.proposeRegistrar(1, next, 7);
        (uint64 proposed, uint160 proposedKey, uint40 at) = registry.proposalOf(1);
        require(proposed == next && proposedKey == 7 && at == effectiveAt, "proposal");

        VM.warp(effectiveAt - 1);
        VM.expectRevert(
            abi.encodeWithSelector(
                IActorRegistry.ActorRegistryTooEarly.selector,
                1,
                effectiveAt,
                effectiveAt - 1
            )
        );
        registry.replaceRegistrar(1);
        VM.warp(effectiveAt);
        VM.expectEmit(address(registry));
        emit IActorRegistry.RegistrarReplaced(1, next, 7, 2);
        registry.replaceRegistrar(1);
        (uint64 device, uint160 keyHash, uint8 epoch) = registry.registrarOf(1);
        require(device == next && keyHash == 7 && epoch == 2, "registrar");
        VM.expectRevert(
            abi.encodeWithSelector(IActorRegistry.ActorRegistryNothingProposed.selector, 1)
        );
        registry.replaceRegistrar(1);
    }

    function test_EpochsRunOutWithoutStartingAgain() public {
        for (uint40 i = 0; i < 254; ++i) {
            VM.prank(CITY);
            registry.proposeRegistrar(1, _device(1, 1000 + i), 1);
            VM.warp(START + (uint256(i) + 1) * 72 hours);
            registry.replaceRegistrar(1);
        }
        VM.expectRevert(
            abi.encodeWithSelector(IActorRegistry.ActorRegistryEpochsUsedUp.selector, 1)
        );
        VM.prank(CITY);
        registry.proposeRegistrar(1, next, 1);
    }

    function test_OnlyAnOrganisationThatIsThereHasAStanding() public {
        bytes memory unknown = abi.encodeWithSelector(
            IActorRegistry.ActorRegistryUnknownOrganisation.selector,
            8
        );
        VM.expectRevert(unknown);
        VM.prank(CITY);
        registry.suspendOrganisation(8);
        VM.expectRevert(unknown);
        VM.prank(CITY);
        registry.resumeOrganisation(8);
        VM.expectRevert(unknown);
        VM.prank(CITY);
        registry.setRegulator(8, true);
        _expectStanding(8, 0, false, false);
    }

    function test_SuspendingAndResumingKeepTheRegistrar() public {
        _expectStanding(1, 1, false, false);
        VM.expectEmit(address(registry));
        emit IActorRegistry.OrganisationSuspended(1);
        VM.prank(CITY);
        registry.suspendOrganisation(1);
        _expectStanding(1, 1, true, false);
        _expectStanding(2, 1, false, false);
        (uint64 device, uint160 keyHash, uint8 epoch) = registry.registrarOf(1);
        require(device == root1 && keyHash == _keyHash(root1) && epoch == 1, "registrar");

        VM.expectEmit(address(registry));
        emit IActorRegistry.OrganisationResumed(1);
        VM.prank(CITY);
        registry.resumeOrganisation(1);
        _expectStanding(1, 1, false, false);
    }

    function test_ASuspensionOutlastsAChangeOfRegistrar() public {
        VM.prank(CITY);
        registry.suspendOrganisation(1);
        VM.prank(CITY);
        registry.setRegulator(1, true);
        VM.prank(CITY);
        registry.proposeRegistrar(1, next, 7);
        VM.warp(START + 72 hours);
        registry.replaceRegistrar(1);
        _expectStanding(1, 2, true, true);
    }

    function test_ARegulatorIsOneUntilTheCitySaysOtherwise() public {
        VM.expectEmit(address(registry));
        emit IActorRegistry.RegulatorSet(2, true);
        VM.prank(CITY);
        registry.setRegulator(2, true);
        _expectStanding(2, 1, false, true);
        VM.expectEmit(address(registry));
        emit IActorRegistry.RegulatorSet(2, false);
        VM.prank(CITY);
        registry.setRegulator(2, false);
        _expectStanding(2, 1, false, false);
    }

    function test_RegistrarAndStandingAreReadFromOneSlot() public {
        VM.record();
        registry.registrarOf(1);
        registry.standingOf(1);
        (bytes32[] memory reads, ) = VM.accesses(address(registry));
        require(reads.length != 0, "nothing was read");
        for (uint256 i = 1; i < reads.length; ++i) require(reads[i] == reads[0], "another slot");
    }

    function test_AnAuditorStopsAnAnnouncementUntilItTakesEffect() public {
        VM.expectRevert(
            abi.encodeWithSelector(IActorRegistry.ActorRegistryNothingProposed.selector, 1)
        );
        VM.prank(AUDITOR);
        registry.cancelProposal(1);

        VM.prank(DISTRICT);
        registry.proposeRegistrar(1, next, 7);
        VM.warp(START + 72 hours);
        VM.expectEmit(address(registry));
        emit IActorRegistry.RegistrarProposalCancelled(1, next);
        VM.prank(AUDITOR);
        registry.cancelProposal(1);
        (uint64 proposed, uint160 proposedKey, uint40 at) = registry.proposalOf(1);
        require(proposed == 0 && proposedKey == 0 && at == 0, "proposal");
        VM.expectRevert(
            abi.encodeWithSelector(IActorRegistry.ActorRegistryNothingProposed.selector, 1)
        );
        registry.replaceRegistrar(1);
        (uint64 device, , uint8 epoch) = registry.registrarOf(1);
        require(device == root1 && epoch == 1, "registrar");
        VM.expectRevert(
            abi.encodeWithSelector(IActorRegistry.ActorRegistryDeviceNamedBefore.selector, next)
        );
        VM.prank(DISTRICT);
        registry.proposeRegistrar(1, next, 7);
    }

    function _expectStanding(
        uint24 organisation,
        uint8 epoch,
        bool isSuspended,
        bool isRegulator
    ) private view {
        (uint8 epoch_, bool isSuspended_, bool isRegulator_) = registry.standingOf(organisation);
        _equal(epoch_, epoch, "epoch");
        require(isSuspended_ == isSuspended, "suspended");
        require(isRegulator_ == isRegulator, "regulator");
    }

    /* ------------------------------------------ BinRegistry ------------------------------------------ */

    function test_OpensOnlyWhatARegistrarHasSealedAndOnce() public {
        BinRegistry bins = new BinRegistry(address(ledger));
        uint64 site = _device(1, 7);
        bytes32 statement = keccak256(abi.encode(uint8(40), site, uint40(2), bytes32("papers")));
        VM.expectRevert(
            abi.encodeWithSelector(IBinRegistry.BinRegistryNotAttested.selector, statement)
        );
        bins.openSite(site, 2, "papers");

        _expect(crew, Write.site(site, 2, "papers"), INVALID);
        _expect(root2, Write.site(site, 2, "papers"), INVALID);
        require(!ledger.attested(statement), "attested too early");
        _expect(root1, Write.site(site, 2, "papers"), APPLIED);
        require(ledger.attested(statement), "not attested");

        VM.expectEmit(address(bins));
        emit IBinRegistry.SiteOpened(site, 2, "papers");
        bins.openSite(site, 2, "papers");
        VM.expectRevert(
            abi.encodeWithSelector(IBinRegistry.BinRegistryAlreadyUsed.selector, statement)
        );
        bins.openSite(site, 2, "papers");
    }

    function testFuzz_PlacesExactlyTheSealedBins(uint256 seed, uint8 count) public {
        BinRegistry bins = new BinRegistry(address(ledger));
        uint64 site = _device(1, 7);
        IBinRegistry.Bin[] memory list = new IBinRegistry.Bin[](count);
        bytes memory packed;
        for (uint256 i = 0; i < count; ++i) {
            bytes32 random = keccak256(abi.encode(seed, i));
            list[i] = IBinRegistry.Bin({
                number: uint40(uint256(random)),
                serialDigest: random,
                stream: uint8(1 + (i % 4)),
                from: uint40(uint256(random) >> 100)
            });
            packed = abi.encodePacked(
                packed,
                list[i].number,
                list[i].serialDigest,
                list[i].stream,
                list[i].from
            );
        }
        bytes32 digest = keccak256(packed);
        require(bins.digestOf(list) == digest, "digest");
        _expect(root1, Write.place(site, count, digest), APPLIED);
        bytes32 head = keccak256(abi.encodePacked(bytes32(0), digest));
        VM.expectEmit(address(bins));
        emit IBinRegistry.BinsPlaced(site, list, head);
        bins.place(site, list);
        require(bins.headOf(site) == head, "head");
    }

    /* ------------------------------------------ LedgerVersions ------------------------------------------ */

    function test_TheListOfLedgersOnlyGrows() public {
        require(versions.inForce() == address(0), "in force");
        _announce(address(7), 1);
        _announce(address(ledger), uint40(START));
        _announce(address(registry), uint40(START));
        _announce(address(registry), uint40(START + 96 hours));
        _announce(address(ledger), uint40(START + 99 hours));
        VM.warp(START + 72 hours);

        VM.expectRevert(
            abi.encodeWithSelector(ILedgerVersions.LedgerVersionsNoCode.selector, address(7))
        );
        _add(address(7), 1);
        VM.expectEmit(address(versions));
        emit ILedgerVersions.LedgerAdded(0, address(ledger), uint40(START));
        _add(address(ledger), uint40(START));
        VM.expectRevert(
            abi.encodeWithSelector(
                ILedgerVersions.LedgerVersionsNotLater.selector,
                uint40(START),
                uint40(START)
            )
        );
        _add(address(registry), uint40(START));
        _add(address(registry), uint40(START + 96 hours));
        VM.expectRevert(
            abi.encodeWithSelector(
                ILedgerVersions.LedgerVersionsListedBefore.selector,
                address(ledger)
            )
        );
        _add(address(ledger), uint40(START + 99 hours));

        require(versions.inForce() == address(ledger), "in force");
        VM.warp(START + 96 hours);
        require(versions.inForce() == address(registry), "in force later");
        _equal(versions.count(), 2, "count");
        (address second, uint40 activeFrom) = versions.versionAt(1);
        require(second == address(registry) && activeFrom == START + 96 hours, "version");
        VM.expectRevert(
            abi.encodeWithSelector(ILedgerVersions.LedgerVersionsUnknown.selector, 2, 2)
        );
        versions.versionAt(2);
    }

    function test_ALedgerIsFollowedByTheNextInTheList() public {
        VM.expectRevert(
            abi.encodeWithSelector(
                ILedgerVersions.LedgerVersionsNotListed.selector,
                address(ledger)
            )
        );
        versions.successorOf(address(ledger));
        _announce(address(ledger), uint40(START));
        _announce(address(registry), uint40(START + 96 hours));
        VM.warp(START + 72 hours);
        _add(address(ledger), uint40(START));
        _expectSuccessor(address(ledger), address(0), 0);
        _add(address(registry), uint40(START + 96 hours));
        _expectSuccessor(address(ledger), address(registry), uint40(START + 96 hours));
        _expectSuccessor(address(registry), address(0), 0);
    }

    function _expectSuccessor(address of_, address successor, uint40 activeFrom) private view {
        (address successor_, uint40 activeFrom_) = versions.successorOf(of_);
        require(successor_ == successor, "successor");
        _equal(activeFrom_, activeFrom, "active from");
    }

    function _announce(address added, uint40 activeFrom) private {
        VM.prank(CITY);
        authority.schedule(address(versions), abi.encodeCall(versions.add, (added, activeFrom)), 0);
    }

    function _add(address added, uint40 activeFrom) private {
        VM.prank(CITY);
        versions.add(added, activeFrom);
    }
}
