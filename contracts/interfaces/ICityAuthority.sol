// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAccessManager} from "@openzeppelin/contracts/access/manager/IAccessManager.sol";

/// @title The authority of the registries
/// @notice An access manager whose powers are split: the city and its districts act, the auditors stop them.
/// Stopping never reaches the ledger of custody, which has no authority at all.
/// @dev Which role may call which function is set once, by the deployment; docs/decisions/0009-who-governs.md
/// names all of them. The city holds the manager's own administration (role 0), with notice.
interface ICityAuthority is IAccessManager {
    /// @notice Stops every restricted function of a registry but the auditors' own. Only auditors, and at once.
    /// @dev Opening it again is `setTargetClosed`: the city's, with notice.
    function closeTarget(address target) external;

    /// @notice Returns the role that creates, suspends and resumes organisations and names regulators, at once.
    // solhint-disable-next-line func-name-mixedcase
    function CITY() external view returns (uint64);

    /// @notice Returns the role that adds ledgers; who holds it waits between saying so and doing so.
    // solhint-disable-next-line func-name-mixedcase
    function CITY_WITH_NOTICE() external view returns (uint64);

    /// @notice Returns the role that announces other root registrars.
    // solhint-disable-next-line func-name-mixedcase
    function DISTRICT() external view returns (uint64);

    /// @notice Returns the role that cancels whatever was scheduled or announced, and closes registries.
    // solhint-disable-next-line func-name-mixedcase
    function AUDITOR() external view returns (uint64);
}
