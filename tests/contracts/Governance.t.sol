// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {IAccessManager} from "@openzeppelin/contracts/access/manager/IAccessManager.sol";
import {ActorRegistry} from "../../contracts/ActorRegistry.sol";
import {CityAuthority} from "../../contracts/CityAuthority.sol";
import {LedgerVersions} from "../../contracts/LedgerVersions.sol";
import {IActorRegistry} from "../../contracts/interfaces/IActorRegistry.sol";
import {ICustodyLedger} from "../../contracts/interfaces/ICustodyLedger.sol";
import {ILedgerVersions} from "../../contracts/interfaces/ILedgerVersions.sol";
import {Fixture} from "./Fixture.sol";
import {VM} from "./Vm.sol";
import {Write} from "./Write.sol";

/// @dev Who governs: every role at every restricted function, notice, vetoes, and what no power reaches.
contract GovernanceTest is Fixture {
    uint8 private constant WRONG_KEY = 2;

    uint64 private next = _device(1, 50);

    /* ------------------------------------- roles and functions ------------------------------------- */

    function test_OnlyTheCityCreatesAnOrganisation() public {
        _onlyFor(
            address(registry),
            abi.encodeCall(registry.createOrganisation, (8, 0, _device(8, 1), 1)),
            _just(CITY)
        );
    }

    function test_OnlyTheCitySuspends() public {
        _onlyFor(address(registry), abi.encodeCall(registry.suspendOrganisation, (1)), _just(CITY));
    }

    function test_OnlyTheCityResumes() public {
        _onlyFor(address(registry), abi.encodeCall(registry.resumeOrganisation, (1)), _just(CITY));
    }

    function test_OnlyTheCityNamesARegulator() public {
        _onlyFor(address(registry), abi.encodeCall(registry.setRegulator, (1, true)), _just(CITY));
    }

    function test_OnlyADistrictOrTheCityAnnouncesARegistrar() public {
        address[] memory allowed = new address[](2);
        (allowed[0], allowed[1]) = (CITY, DISTRICT);
        _onlyFor(
            address(registry),
            abi.encodeCall(registry.proposeRegistrar, (1, next, 1)),
            allowed
        );
    }

    function test_OnlyAnAuditorStopsAnAnnouncedRegistrar() public {
        _propose();
        _onlyFor(address(registry), abi.encodeCall(registry.cancelProposal, (1)), _just(AUDITOR));
    }

    function test_AnybodyCarriesOutAnAnnouncementThatStood72Hours() public {
        _propose();
        VM.warp(START + 72 hours);
        _onlyFor(address(registry), abi.encodeCall(registry.replaceRegistrar, (1)), _everybody());
    }

    function test_OnlyAnAuditorClosesARegistry() public {
        bytes memory call = abi.encodeCall(authority.closeTarget, (address(registry)));
        address[] memory callers = _everybody();
        for (uint256 i = 0; i < callers.length; ++i) {
            if (callers[i] == AUDITOR) continue;
            _refused(
                callers[i],
                address(authority),
                call,
                _noRole(callers[i], authority.AUDITOR())
            );
        }
        VM.expectEmit(address(authority));
        emit IAccessManager.TargetClosed(address(registry), true);
        VM.prank(AUDITOR);
        authority.closeTarget(address(registry));
        require(authority.isTargetClosed(address(registry)), "open");
    }

    function test_NobodyAddsALedgerAtOnce() public {
        bytes memory call = _addLedger();
        _refused(CITY, address(versions), call, _notScheduled(CITY, address(versions), call));
        _refused(DISTRICT, address(versions), call, _unauthorised(DISTRICT));
        _refused(AUDITOR, address(versions), call, _unauthorised(AUDITOR));
        _refused(RELAYER, address(versions), call, _unauthorised(RELAYER));
        _equal(versions.count(), 0, "ledgers");
    }

    function test_OnlyTheCityAdministersAndOnlyWithNotice() public {
        bytes[] memory calls = _administration();
        for (uint256 i = 0; i < calls.length; ++i) {
            address to = address(authority);
            _refused(CITY, to, calls[i], _notScheduled(CITY, to, calls[i]));
            _refused(DISTRICT, to, calls[i], _noRole(DISTRICT, 0));
            _refused(AUDITOR, to, calls[i], _noRole(AUDITOR, 0));
            _refused(RELAYER, to, calls[i], _noRole(RELAYER, 0));
        }
    }

    function test_NobodyGivesARegistryAnotherAuthority() public {
        CityAuthority other = new CityAuthority(RELAYER);
        bytes memory call = abi.encodeCall(IAccessManaged.setAuthority, (address(other)));
        address[] memory callers = _everybody();
        for (uint256 i = 0; i < callers.length; ++i) {
            _refused(callers[i], address(registry), call, _unauthorised(callers[i]));
            _refused(callers[i], address(versions), call, _unauthorised(callers[i]));
        }
        bytes memory update = abi.encodeCall(
            authority.updateAuthority,
            (address(registry), address(other))
        );
        _schedule(CITY, address(authority), update);
        _schedule(CITY, address(registry), call);
        VM.warp(START + NOTICE);
        _refused(CITY, address(authority), update, _unauthorised(address(authority)));
        bytes memory execute = abi.encodeCall(authority.execute, (address(registry), call));
        _refused(CITY, address(authority), execute, _unauthorised(address(authority)));
        require(registry.authority() == address(authority), "authority");
    }

    function test_NeedsAnAuthority() public {
        bytes memory noAuthority = abi.encodeWithSelector(
            IAccessManaged.AccessManagedInvalidAuthority.selector,
            address(0)
        );
        VM.expectRevert(noAuthority);
        new ActorRegistry(address(0));
        VM.expectRevert(noAuthority);
        new LedgerVersions(address(0));
        VM.expectRevert(
            abi.encodeWithSelector(
                IAccessManager.AccessManagerInvalidInitialAdmin.selector,
                address(0)
            )
        );
        new CityAuthority(address(0));
    }

    /* ------------------------------------------ notice ------------------------------------------ */

    function test_TheCityAddsALedger72HoursAfterSayingSo() public {
        bytes memory call = _addLedger();
        bytes32 id = authority.hashOperation(CITY, address(versions), call);
        VM.expectEmit(address(authority));
        emit IAccessManager.OperationScheduled(
            id,
            1,
            uint48(START + NOTICE),
            CITY,
            address(versions),
            call
        );
        _schedule(CITY, address(versions), call);

        VM.warp(START + NOTICE - 1);
        _refused(CITY, address(versions), call, _notReady(id));
        _refused(DISTRICT, address(versions), call, _unauthorised(DISTRICT));
        VM.warp(START + NOTICE);
        VM.expectEmit(address(versions));
        emit ILedgerVersions.LedgerAdded(0, address(ledger), uint40(START));
        _allowed(CITY, address(versions), call);
        require(versions.inForce() == address(ledger), "in force");
    }

    function test_AnAnnouncementLapsesAWeekAfterItsTime() public {
        bytes memory call = _addLedger();
        bytes32 id = authority.hashOperation(CITY, address(versions), call);
        _schedule(CITY, address(versions), call);
        VM.warp(START + NOTICE + 1 weeks);
        _refused(
            CITY,
            address(versions),
            call,
            abi.encodeWithSelector(IAccessManager.AccessManagerExpired.selector, id)
        );
    }

    function test_NoWayRoundTheNoticeIsOpenToTheCity() public {
        bytes memory add = _addLedger();
        bytes memory execute = abi.encodeCall(authority.execute, (address(versions), add));
        bytes memory notScheduled = _notScheduled(CITY, address(versions), add);
        _refused(CITY, address(authority), execute, notScheduled);
        bytes[] memory wrapped = new bytes[](1);
        wrapped[0] = execute;
        bytes memory multicall = abi.encodeCall(authority.multicall, (wrapped));
        _refused(CITY, address(authority), multicall, notScheduled);
        _refused(
            CITY,
            address(authority),
            abi.encodeCall(authority.schedule, (address(versions), add, uint48(START + 1))),
            _unauthorisedCall(CITY, address(versions), versions.add.selector)
        );
        _refused(
            CITY,
            address(authority),
            abi.encodeCall(authority.consumeScheduledOp, (CITY, add)),
            ""
        );
        bytes memory own = abi.encodeCall(
            authority.grantRole,
            (authority.CITY_WITH_NOTICE(), CITY, 0)
        );
        bytes memory others = abi.encodeCall(
            authority.grantRole,
            (authority.CITY_WITH_NOTICE(), RELAYER, 0)
        );
        bytes memory open = abi.encodeCall(
            authority.setTargetFunctionRole,
            (address(versions), _selectors(versions.add.selector), authority.CITY())
        );
        _refused(CITY, address(authority), own, _notScheduled(CITY, address(authority), own));
        _refused(CITY, address(authority), others, _notScheduled(CITY, address(authority), others));
        _refused(CITY, address(authority), open, _notScheduled(CITY, address(authority), open));
    }

    function test_LessNoticeTakesEffectOnlyAfterTheOldOne() public {
        bytes memory add = _addLedger();
        bytes memory own = abi.encodeCall(
            authority.grantRole,
            (authority.CITY_WITH_NOTICE(), CITY, 0)
        );
        _schedule(CITY, address(authority), own);
        VM.warp(START + NOTICE);
        _allowed(CITY, address(authority), own);
        VM.warp(START + 2 * NOTICE - 1);
        _refused(CITY, address(versions), add, _notScheduled(CITY, address(versions), add));
        VM.warp(START + 2 * NOTICE);
        _allowed(CITY, address(versions), add);
    }

    /* ------------------------------------------ auditors ------------------------------------------ */

    function test_AnAuditorCancelsAnAnnouncedLedger() public {
        bytes memory call = _addLedger();
        bytes32 id = authority.hashOperation(CITY, address(versions), call);
        _schedule(CITY, address(versions), call);
        VM.expectEmit(address(authority));
        emit IAccessManager.OperationCanceled(id, 1);
        VM.prank(AUDITOR);
        authority.cancel(CITY, address(versions), call);
        VM.warp(START + NOTICE);
        _refused(CITY, address(versions), call, _notScheduled(CITY, address(versions), call));
    }

    function test_AnAuditorCancelsWhateverTheCityAnnounces() public {
        bytes[] memory calls = _administration();
        for (uint256 i = 0; i < calls.length; ++i) {
            _schedule(CITY, address(authority), calls[i]);
            VM.prank(AUDITOR);
            authority.cancel(CITY, address(authority), calls[i]);
        }
        bytes memory call = abi.encodeCall(IAccessManaged.setAuthority, (address(authority)));
        _schedule(CITY, address(registry), call);
        VM.prank(AUDITOR);
        authority.cancel(CITY, address(registry), call);
        VM.warp(START + NOTICE);
        for (uint256 i = 0; i < calls.length; ++i) {
            address to = address(authority);
            _refused(CITY, to, calls[i], _notScheduled(CITY, to, calls[i]));
        }
    }

    function test_NobodyElseCancels() public {
        bytes memory call = _addLedger();
        _schedule(CITY, address(versions), call);
        bytes memory cancel = abi.encodeCall(authority.cancel, (CITY, address(versions), call));
        address[2] memory others = [DISTRICT, RELAYER];
        for (uint256 i = 0; i < 2; ++i) {
            _refused(
                others[i],
                address(authority),
                cancel,
                abi.encodeWithSelector(
                    IAccessManager.AccessManagerUnauthorizedCancel.selector,
                    others[i],
                    CITY,
                    address(versions),
                    versions.add.selector
                )
            );
        }
        _allowed(CITY, address(authority), cancel);
    }

    function test_AnAuditorWhoWasReplacedStopsNothing() public {
        bytes memory revoke = abi.encodeCall(authority.revokeRole, (authority.AUDITOR(), AUDITOR));
        _schedule(CITY, address(authority), revoke);
        VM.warp(START + NOTICE);
        _allowed(CITY, address(authority), revoke);
        _refused(
            AUDITOR,
            address(authority),
            abi.encodeCall(authority.closeTarget, (address(registry))),
            _noRole(AUDITOR, authority.AUDITOR())
        );
        _propose();
        _refused(
            AUDITOR,
            address(registry),
            abi.encodeCall(registry.cancelProposal, (1)),
            _unauthorised(AUDITOR)
        );
    }

    /* ------------------------------------------ closing ------------------------------------------ */

    function test_AClosedRegistryObeysNobodyButItsAuditors() public {
        _propose();
        bytes memory add = _addLedger();
        _schedule(CITY, address(versions), add);
        VM.warp(START + NOTICE);
        _close();

        _refused(CITY, address(versions), add, _unauthorised(CITY));
        bytes[] memory calls = new bytes[](7);
        calls[0] = abi.encodeCall(registry.createOrganisation, (8, 0, _device(8, 1), 1));
        calls[1] = abi.encodeCall(registry.suspendOrganisation, (1));
        calls[2] = abi.encodeCall(registry.resumeOrganisation, (1));
        calls[3] = abi.encodeCall(registry.setRegulator, (1, true));
        calls[4] = abi.encodeCall(registry.proposeRegistrar, (1, _device(1, 51), 1));
        calls[5] = abi.encodeCall(registry.cancelProposal, (1));
        calls[6] = abi.encodeCall(registry.replaceRegistrar, (1));
        address[] memory callers = _everybody();
        for (uint256 i = 0; i < calls.length; ++i) {
            for (uint256 j = 0; j < callers.length; ++j) {
                if (callers[j] == AUDITOR && i == 5) continue;
                _refused(callers[j], address(registry), calls[i], _unauthorised(callers[j]));
            }
        }
        VM.expectEmit(address(registry));
        emit IActorRegistry.RegistrarProposalCancelled(1, next);
        _allowed(AUDITOR, address(registry), calls[5]);
    }

    function test_TheLedgerRecordsWhileTheRegistriesAreClosed() public {
        _found(9, _device(9, 1));
        _close();
        uint96 lot = _filled(crew, 1, 4, 500);
        _enrol(root1, _device(1, 60), CREW);
        _enrol(_device(9, 1), _device(9, 2), GATE);
        uint40 giveSeq = _expect(crew, Write.give(lot, _device(2, 0)), APPLIED);
        _expect(station, _takeOf(lot, 500, crew, giveSeq), APPLIED);
        _expectLot(lot, station, 500, 1);
    }

    function test_OnlyTheCityOpensAgainAndOnlyWithNotice() public {
        _close();
        bytes memory open = abi.encodeCall(authority.setTargetClosed, (address(registry), false));
        _refused(AUDITOR, address(authority), open, _noRole(AUDITOR, 0));
        _schedule(CITY, address(authority), open);
        VM.warp(START + NOTICE);
        _allowed(CITY, address(authority), open);
        VM.prank(CITY);
        registry.suspendOrganisation(1);
    }

    function test_TheLedgerHasNoAuthority() public {
        (bool isThere, ) = address(ledger).call(abi.encodeCall(IAccessManaged.authority, ()));
        require(!isThere, "the ledger has an authority");
        VM.prank(AUDITOR);
        authority.closeTarget(address(ledger));
        _filled(crew, 1, 4, 500);
    }

    /* ------------------------------------- what no power reaches ------------------------------------- */

    function test_NobodyWritesIntoAPartysJournal() public {
        _filled(crew, 1, 4, 500);
        uint40 seq = _write(crew, Write.lift(4, 700));
        ICustodyLedger.Segment memory segment = _cut(crew, seq, seq);
        // The governor's own key, over the very entry and head.
        uint256 key = 77;
        (uint256 x, uint256 y) = VM.publicKeyP256(key);
        (segment.x, segment.y) = (bytes32(x), bytes32(y));
        bytes32 digest = _digest(crew, seq, _head(crew, seq));
        (segment.r, segment.s) = VM.signP256(key, sha256(abi.encodePacked(digest)));
        address[] memory callers = _everybody();
        bytes32 head = ledger.headOf(crew);
        for (uint256 i = 0; i < callers.length; ++i) {
            ICustodyLedger.Segment[] memory batch = new ICustodyLedger.Segment[](1);
            batch[0] = segment;
            VM.expectEmit(address(ledger));
            emit ICustodyLedger.SegmentRefused(crew, seq, WRONG_KEY);
            VM.prank(callers[i]);
            ledger.record(batch);
            require(ledger.headOf(crew) == head, "head changed");
        }
    }

    function test_AnOrganisationOfTheCitysMakingEnrolsForItselfOnly() public {
        _found(9, _device(9, 1));
        VM.prank(CITY);
        registry.setRegulator(9, true);
        _expect(_device(9, 1), Write.enrol(_device(1, 70), CREW, 1, 0, 1, 2), INVALID);
        _expect(_device(9, 1), Write.revoke(crew), INVALID);
        _expect(_device(9, 1), Write.enrol(_device(9, 70), CREW, 1, 0, 1, 2), APPLIED);
    }

    function test_WhateverGovernorsDoTheHistoryStands() public {
        uint96 lot = _filled(crew, 1, 4, 500);
        bytes32 crewHead = ledger.headOf(crew);
        bytes32 rootHead = ledger.headOf(root1);
        VM.prank(CITY);
        registry.suspendOrganisation(1);
        VM.prank(CITY);
        registry.setRegulator(2, true);
        VM.prank(DISTRICT);
        registry.proposeRegistrar(1, next, _keyHash(next));
        _schedule(CITY, address(versions), _addLedger());
        VM.warp(START + NOTICE);
        registry.replaceRegistrar(1);
        _allowed(CITY, address(versions), _addLedger());
        _close();

        require(ledger.headOf(crew) == crewHead && ledger.headOf(root1) == rootHead, "heads");
        _expectLot(lot, crew, 500, 1);
        _expectTotals(4, 500, 0, 0, 0);
        // The replaced registrar's journal goes on under its own key, and so does the crew's.
        _expect(root1, Write.lift(4, 1), INVALID);
        _expect(crew, Write.lift(4, 100), APPLIED);
        _expectLot(lot, crew, 600, 1);
    }

    /* ------------------------------------------ helpers ------------------------------------------ */

    function _propose() private {
        VM.prank(DISTRICT);
        registry.proposeRegistrar(1, next, _keyHash(next));
    }

    function _close() private {
        VM.prank(AUDITOR);
        authority.closeTarget(address(registry));
        VM.prank(AUDITOR);
        authority.closeTarget(address(versions));
    }

    function _addLedger() private view returns (bytes memory) {
        return abi.encodeCall(versions.add, (address(ledger), uint40(START)));
    }

    /// @dev Each function of the access manager that changes who may do what.
    function _administration() private view returns (bytes[] memory calls) {
        address to = address(registry);
        uint64 city = authority.CITY();
        calls = new bytes[](10);
        calls[0] = abi.encodeCall(authority.labelRole, (city, "us"));
        calls[1] = abi.encodeCall(authority.grantRole, (city, RELAYER, 0));
        calls[2] = abi.encodeCall(authority.revokeRole, (authority.AUDITOR(), AUDITOR));
        calls[3] = abi.encodeCall(authority.setRoleAdmin, (city, city));
        calls[4] = abi.encodeCall(authority.setRoleGuardian, (city, city));
        calls[5] = abi.encodeCall(authority.setGrantDelay, (city, 1));
        calls[6] = abi.encodeCall(
            authority.setTargetFunctionRole,
            (to, _selectors(registry.cancelProposal.selector), city)
        );
        calls[7] = abi.encodeCall(authority.setTargetAdminDelay, (to, 1));
        calls[8] = abi.encodeCall(authority.setTargetClosed, (to, false));
        calls[9] = abi.encodeCall(authority.updateAuthority, (to, address(authority)));
    }

    function _selectors(bytes4 selector) private pure returns (bytes4[] memory selectors) {
        selectors = new bytes4[](1);
        selectors[0] = selector;
    }

    function _just(address account) private pure returns (address[] memory accounts) {
        accounts = new address[](1);
        accounts[0] = account;
    }

    function _everybody() private pure returns (address[] memory accounts) {
        accounts = new address[](4);
        (accounts[0], accounts[1], accounts[2], accounts[3]) = (CITY, DISTRICT, AUDITOR, RELAYER);
    }

    /// @dev Tries a call as each of `_everybody`, always from the same state.
    function _onlyFor(address to, bytes memory call, address[] memory allowed) private {
        address[] memory callers = _everybody();
        for (uint256 i = 0; i < callers.length; ++i) {
            bool isAllowed = false;
            for (uint256 j = 0; j < allowed.length; ++j)
                isAllowed = isAllowed || callers[i] == allowed[j];
            if (isAllowed) {
                uint256 snapshot = VM.snapshotState();
                _allowed(callers[i], to, call);
                VM.revertToState(snapshot);
            } else {
                _refused(callers[i], to, call, _unauthorised(callers[i]));
            }
        }
    }

    function _schedule(address caller, address to, bytes memory call) private {
        VM.prank(caller);
        authority.schedule(to, call, 0);
    }

    function _allowed(address caller, address to, bytes memory call) private {
        VM.prank(caller);
        (bool isDone, bytes memory answer) = to.call(call);
        if (isDone) return;
        assembly {
            revert(add(answer, 32), mload(answer))
        }
    }

    function _refused(address caller, address to, bytes memory call, bytes memory reason) private {
        VM.prank(caller);
        (bool isDone, bytes memory answer) = to.call(call);
        require(!isDone, "allowed");
        require(keccak256(answer) == keccak256(reason), "refused with another error");
    }

    function _unauthorised(address caller) private pure returns (bytes memory) {
        return abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, caller);
    }

    function _noRole(address caller, uint64 role) private pure returns (bytes memory) {
        return
            abi.encodeWithSelector(
                IAccessManager.AccessManagerUnauthorizedAccount.selector,
                caller,
                role
            );
    }

    function _unauthorisedCall(
        address caller,
        address to,
        bytes4 selector
    ) private pure returns (bytes memory) {
        return
            abi.encodeWithSelector(
                IAccessManager.AccessManagerUnauthorizedCall.selector,
                caller,
                to,
                selector
            );
    }

    function _notScheduled(
        address caller,
        address to,
        bytes memory call
    ) private view returns (bytes memory) {
        bytes32 id = authority.hashOperation(caller, to, call);
        return abi.encodeWithSelector(IAccessManager.AccessManagerNotScheduled.selector, id);
    }

    function _notReady(bytes32 id) private pure returns (bytes memory) {
        return abi.encodeWithSelector(IAccessManager.AccessManagerNotReady.selector, id);
    }
}
