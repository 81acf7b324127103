// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @dev The cheatcodes that these tests use.
interface Vm {
    struct Log {
        bytes32[] topics;
        bytes data;
        address emitter;
    }

    function warp(uint256 timestamp) external;
    function prank(address sender) external;
    function startPrank(address sender) external;
    function stopPrank() external;
    function record() external;
    function accesses(
        address target
    ) external returns (bytes32[] memory reads, bytes32[] memory writes);
    function chainId(uint256 chainId) external;
    function mockCall(address target, bytes calldata data, bytes calldata answer) external;
    function expectRevert(bytes calldata data) external;
    function expectEmit(address emitter) external;
    function recordLogs() external;
    function getRecordedLogs() external returns (Log[] memory);
    function snapshotState() external returns (uint256);
    function revertToState(uint256 snapshot) external returns (bool);
    function signP256(uint256 key, bytes32 digest) external pure returns (bytes32 r, bytes32 s);
    function publicKeyP256(uint256 key) external pure returns (uint256 x, uint256 y);
    function readFile(string calldata path) external view returns (string memory);
    function exists(string calldata path) external view returns (bool);
}

Vm constant VM = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));
