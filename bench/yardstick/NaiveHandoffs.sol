// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AccessControl} from "@openzeppelin/contracts/access/AccessControl.sol";

/// @title What public projects do: one transaction a handoff, roles, and text in storage
/// @dev A yardstick for scripts/bench, never deployed by the product. Who sent it is all the proof there is.
contract NaiveHandoffs is AccessControl {
    bytes32 public constant CREW = keccak256("CREW");

    struct Handoff {
        string lot;
        string previous;
        string wasteClass;
        string from;
        string to;
        uint256 grams;
        uint256 occurredAt;
        bytes32 evidence;
        address sender;
    }

    Handoff[] public handoffs;
    mapping(string lot => uint256[] handoffs) public handoffsOf;

    event HandedOff(uint256 indexed number, string lot, string from, string to, uint256 grams);

    constructor() {
        _grantRole(DEFAULT_ADMIN_ROLE, msg.sender);
        _grantRole(CREW, msg.sender);
    }

    function handOff(
        string calldata lot,
        string calldata previous,
        string calldata wasteClass,
        string calldata from,
        string calldata to,
        uint256 grams,
        uint256 occurredAt,
        bytes32 evidence
    ) external onlyRole(CREW) {
        handoffsOf[lot].push(handoffs.length);
        handoffs.push(
            Handoff(lot, previous, wasteClass, from, to, grams, occurredAt, evidence, msg.sender)
        );
        emit HandedOff(handoffs.length - 1, lot, from, to, grams);
    }
}
