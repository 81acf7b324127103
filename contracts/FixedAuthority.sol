// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";

/// @title A contract that keeps the authority it was created with
/// @dev Another authority would know nothing of the notice that this one makes its administrator give.
abstract contract FixedAuthority is AccessManaged {
    constructor(address authority_) AccessManaged(authority_) {
        if (authority_.code.length == 0) revert AccessManagedInvalidAuthority(authority_);
    }

    /// @notice Refuses whoever asks.
    function setAuthority(address) public view override {
        revert AccessManagedUnauthorized(_msgSender());
    }
}
