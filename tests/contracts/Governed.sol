// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ActorRegistry} from "../../contracts/ActorRegistry.sol";
import {CityAuthority} from "../../contracts/CityAuthority.sol";
import {LedgerVersions} from "../../contracts/LedgerVersions.sol";
import {VM} from "./Vm.sol";

/// @dev The registries with their authority, and the roles given out as `backend/chain/governance.py` does.
abstract contract Governed {
    address internal constant CITY = address(0xc17);
    address internal constant DISTRICT = address(0xd15);
    address internal constant AUDITOR = address(0xa0d);
    address internal constant RELAYER = address(0x4e1);
    uint32 internal constant NOTICE = 72 hours;

    CityAuthority internal authority;
    ActorRegistry internal registry;
    LedgerVersions internal versions;

    function _appoint() internal {
        authority = new CityAuthority(CITY);
        registry = new ActorRegistry(address(authority));
        versions = new LedgerVersions(address(authority));
        VM.startPrank(CITY);
        _open(address(registry), registry.createOrganisation.selector, authority.CITY());
        _open(address(registry), registry.suspendOrganisation.selector, authority.CITY());
        _open(address(registry), registry.resumeOrganisation.selector, authority.CITY());
        _open(address(registry), registry.setRegulator.selector, authority.CITY());
        _open(address(registry), registry.proposeRegistrar.selector, authority.DISTRICT());
        _open(address(registry), registry.cancelProposal.selector, authority.AUDITOR());
        _open(address(registry), registry.replaceRegistrar.selector, authority.PUBLIC_ROLE());
        _open(address(versions), versions.add.selector, authority.CITY_WITH_NOTICE());
        _open(address(authority), authority.closeTarget.selector, authority.AUDITOR());
        authority.grantRole(authority.CITY(), CITY, 0);
        authority.grantRole(authority.CITY_WITH_NOTICE(), CITY, NOTICE);
        authority.grantRole(authority.DISTRICT(), CITY, 0);
        authority.grantRole(authority.DISTRICT(), DISTRICT, 0);
        authority.grantRole(authority.AUDITOR(), AUDITOR, 0);
        authority.grantRole(authority.ADMIN_ROLE(), CITY, NOTICE);
        VM.stopPrank();
    }

    function _open(address target, bytes4 selector, uint64 role) private {
        bytes4[] memory selectors = new bytes4[](1);
        selectors[0] = selector;
        authority.setTargetFunctionRole(target, selectors, role);
    }
}
