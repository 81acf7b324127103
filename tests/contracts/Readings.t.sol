// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Entry} from "../../contracts/libraries/Entry.sol";

/// @dev What anybody reads of an entry.
contract ReadingsTest {
    function testFuzz_EveryFieldOfALiftIsReadBack(
        uint40 bin,
        uint40 when,
        uint32 grams,
        bytes15 evidence,
        uint16 nibbles
    ) public pure {
        bytes memory packed = abi.encodePacked(uint8(1), bin, nibbles, when, grams, evidence);
        uint256 lift = uint256(bytes32(packed));
        require(Entry.liftBin(lift) == bin, "bin");
        require(Entry.liftStream(lift) == nibbles >> 12, "stream");
        require(Entry.liftGrade(lift) == (nibbles >> 8) & 0xf, "grade");
        require(Entry.liftBasis(lift) == (nibbles >> 4) & 0xf, "basis");
        require(Entry.liftFlags(lift) == nibbles & 0xf, "flags");
        require(Entry.liftOccurredAt(lift) == when, "occurred at");
        require(Entry.liftGrams(lift) == grams, "grams");
        require(Entry.liftEvidence(lift) == evidence, "evidence");
    }

    function testFuzz_TheHeadOfAnyOtherEntryIsReadBack(uint16 flags, uint40 when) public pure {
        uint256 head = uint256(bytes32(abi.encodePacked(uint8(2), uint8(1), flags, when)));
        require(Entry.flags(head) == flags, "flags");
        require(Entry.occurredAt(head) == when, "occurred at");
    }
}
