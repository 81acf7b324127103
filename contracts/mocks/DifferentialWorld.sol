// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title What stands around a ledger that is compared with the other languages' folds
/// @notice An actor registry whose organisations are simply put there, and a way to read many views at once.
contract DifferentialWorld {
    struct Root {
        uint64 device;
        uint160 keyHash;
        uint8 epoch;
        bool isSuspended;
        bool isRegulator;
    }

    mapping(uint24 organisation => Root) private _roots;
    mapping(uint64 device => bool) private _named;

    error ReadFailed(uint256 place);

    function put(uint24 organisation, Root calldata root) external {
        _roots[organisation] = root;
    }

    function name(uint64 device) external {
        _named[device] = true;
    }

    function registrarOf(
        uint24 organisation
    ) external view returns (uint64 device, uint160 keyHash, uint8 epoch) {
        Root storage root = _roots[organisation];
        return (root.device, root.keyHash, root.epoch);
    }

    function standingOf(
        uint24 organisation
    ) external view returns (uint8 epoch, bool isSuspended, bool isRegulator) {
        Root storage root = _roots[organisation];
        return (root.epoch, root.isSuspended, root.isRegulator);
    }

    function wasNamed(uint64 device) external view returns (bool) {
        return _named[device];
    }

    /// @notice Returns what each call to the target answers.
    function read(
        address target,
        bytes[] calldata calls
    ) external view returns (bytes[] memory answers) {
        answers = new bytes[](calls.length);
        for (uint256 i = 0; i < calls.length; ++i) {
            bool success;
            // solhint-disable-next-line avoid-low-level-calls
            (success, answers[i]) = target.staticcall(calls[i]);
            if (!success) revert ReadFailed(i);
        }
    }
}
