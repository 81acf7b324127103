// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ICustodyLedger} from "../../contracts/interfaces/ICustodyLedger.sol";
import {Fixture} from "./Fixture.sol";
import {VM} from "./Vm.sol";
import {Write} from "./Write.sol";

/// @dev What a transaction of one segment costs, counted as EIP-7623 counts it.
contract GasTest is Fixture {
    uint256 private constant LIFTS = 250;
    uint256 private constant GAS_PER_LIFT_MAX = 1_500;

    event Measured(uint256 gasPerLift, uint256 execution, uint256 standard, uint256 floor);

    function test_LiftsIntoANewLotOfAKnownDeviceCostAtMost1500GasEach() public {
        _filled(crew, 9, 4, 1);
        VM.warp(block.timestamp + 1 days);
        _write(crew, Write.load(_lot(crew, 1), 4));
        for (uint256 i = 1; i < LIFTS; ++i) _write(crew, _variedLift(i));
        _measure();
    }

    function test_LiftsIntoAnOpenLotCostAtMost1500GasEach() public {
        _filled(crew, 1, 4, 1);
        for (uint256 i = 0; i < LIFTS; ++i) _write(crew, _variedLift(i));
        _measure();
    }

    function _measure() private {
        uint40 last = uint40(journals[crew].entries.length);
        ICustodyLedger.Segment[] memory batch = new ICustodyLedger.Segment[](1);
        batch[0] = _cut(crew, recorded[crew] + 1, last);
        bytes memory data = abi.encodeCall(ICustodyLedger.record, (batch));
        uint256 tokens = 0;
        for (uint256 i = 0; i < data.length; ++i) tokens += data[i] == 0 ? 1 : 4;

        uint256 before = gasleft();
        (bool success, ) = address(ledger).call(data);
        uint256 execution = before - gasleft();
        require(success, "reverted");

        uint256 standard = 21_000 + tokens * 4 + execution;
        uint256 floor = 21_000 + tokens * 10;
        uint256 used = standard > floor ? standard : floor;
        emit Measured(used / LIFTS, execution, standard, floor);
        require(
            used / LIFTS <= GAS_PER_LIFT_MAX,
            string.concat(_text(used / LIFTS), " gas a lift; execution ", _text(execution))
        );
        (, , uint32 lifts, , , , , ) = ledger.lotOf(_lot(crew, 1));
        require(lifts >= LIFTS - 1, "not all lifts were applied");
    }

    function _variedLift(uint256 i) private pure returns (bytes memory) {
        bytes32 random = keccak256(abi.encode(i));
        return
            abi.encodePacked(
                uint8(1),
                bytes5(random),
                uint8(0x41),
                uint8(0x20),
                Write.AT + uint40(i),
                uint32(60_000 + i),
                bytes15(random << 40)
            );
    }
}
