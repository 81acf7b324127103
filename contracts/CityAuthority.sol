// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AccessManager} from "@openzeppelin/contracts/access/manager/AccessManager.sol";
import {IAccessManager} from "@openzeppelin/contracts/access/manager/IAccessManager.sol";
import {ICityAuthority} from "./interfaces/ICityAuthority.sol";

/// @title Who may do what with the registries
/// @dev OpenZeppelin's manager lets nobody but an administrator close a target, nobody but an administrator cancel
/// another administrator's operation, and nobody at all act on a closed target. The auditors may do all three.
contract CityAuthority is AccessManager, ICityAuthority {
    uint64 public constant CITY = 1;
    uint64 public constant CITY_WITH_NOTICE = 2;
    uint64 public constant DISTRICT = 3;
    uint64 public constant AUDITOR = 4;

    constructor(address city) AccessManager(city) {}

    function closeTarget(address target) external onlyAuthorized {
        _setTargetClosed(target, true);
    }

    /// @dev Otherwise an auditor who closes a registry could no longer stop what was announced there just before.
    function canCall(
        address caller,
        address target,
        bytes4 selector
    ) public view override(AccessManager, IAccessManager) returns (bool immediate, uint32 delay) {
        if (isTargetClosed(target) && getTargetFunctionRole(target, selector) == AUDITOR) {
            (bool isAuditor, uint32 auditorDelay) = hasRole(AUDITOR, caller);
            return isAuditor ? (auditorDelay == 0, auditorDelay) : (false, 0);
        }
        return super.canCall(caller, target, selector);
    }

    function _canCancel(
        address caller,
        address target,
        bytes calldata data
    ) internal view override returns (bool) {
        (bool isAuditor, ) = hasRole(AUDITOR, _msgSender());
        return isAuditor || super._canCancel(caller, target, data);
    }
}
