// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @dev Packs entries field by field, as the treaty's table lists them, without the contracts' own libraries.
library Write {
    uint40 internal constant AT = 1_800_000_000;

    function lift(uint8 stream, uint32 grams) internal pure returns (bytes memory) {
        return
            abi.encodePacked(
                uint8(1),
                uint40(0xb1b2b3b4b5),
                (stream << 4) | 1,
                uint8(0x20),
                AT,
                grams,
                bytes15(0x0102030405060708090a0b0c0d0e0f)
            );
    }

    function load(uint96 lot, uint8 stream) internal pure returns (bytes memory) {
        return abi.encodePacked(_head(2, 1), lot, stream, uint64(0x77), uint16(0));
    }

    function give(uint96 lot, uint64 to) internal pure returns (bytes memory) {
        return
            abi.encodePacked(
                abi.encodePacked(_head(3, 4), lot, uint48(1), uint40(2)),
                abi.encodePacked(to, uint40(3), uint32(4), bytes15("evidence")),
                bytes32("lifts root"),
                bytes32("to head")
            );
    }

    function take(
        uint96 lot,
        uint48 grams,
        uint64 giver,
        uint40 giveSeq,
        bytes32 giveHead
    ) internal pure returns (bytes memory) {
        return
            abi.encodePacked(
                abi.encodePacked(_head(4, 4), lot, grams, giveSeq),
                abi.encodePacked(giver, uint40(0), uint32(0), bytes15("evidence")),
                giveHead,
                abi.encodePacked(uint64(0), uint192(0))
            );
    }

    function withdraw(uint96 lot, uint40 giveSeq) internal pure returns (bytes memory) {
        return abi.encodePacked(_head(5, 1), lot, giveSeq, uint48(0));
    }

    function weigh(
        uint96 lot,
        uint48 net,
        uint48 gross,
        uint48 tare
    ) internal pure returns (bytes memory) {
        return
            abi.encodePacked(
                abi.encodePacked(_head(6, 3), lot, net, uint40(9)),
                abi.encodePacked(gross, tare, uint40(0), bytes15("evidence")),
                abi.encodePacked(uint64(1), uint64(2), uint40(3), uint88(0))
            );
    }

    function merge(uint96 lot, uint96 into, uint8 stream) internal pure returns (bytes memory) {
        return
            abi.encodePacked(
                abi.encodePacked(_head(7, 2), lot, uint48(1), uint40(0)),
                abi.encodePacked(into, stream, uint32(0), bytes15("evidence"))
            );
    }

    function close(uint96 lot, uint8 fate) internal pure returns (bytes memory) {
        return
            abi.encodePacked(
                abi.encodePacked(_head(12, 2), lot, uint48(1), uint40(0)),
                abi.encodePacked(fate, uint16(0), uint64(0), uint48(0), bytes15("evidence"))
            );
    }

    function enrol(
        uint64 device,
        uint8 role,
        uint8 scheme,
        uint40 notAfter,
        uint256 x,
        uint256 y
    ) internal pure returns (bytes memory) {
        return abi.encodePacked(_head(32, 3), device, role, scheme, notAfter, uint64(0), x, y);
    }

    function revoke(uint64 device) internal pure returns (bytes memory) {
        return abi.encodePacked(_head(33, 1), device, uint8(1), uint40(0), uint72(0));
    }

    function site(uint64 id, uint8 kind, bytes32 digest) internal pure returns (bytes memory) {
        return abi.encodePacked(_head(40, 2), id, kind, uint112(0), digest);
    }

    function place(uint64 id, uint40 count, bytes32 digest) internal pure returns (bytes memory) {
        return abi.encodePacked(_head(41, 2), id, count, uint80(0), digest);
    }

    /// @dev An entry of any kind with nothing in it but its header.
    function blank(uint8 kind, uint8 words) internal pure returns (bytes memory) {
        return
            abi.encodePacked(_head(kind, words), uint184(0), new bytes(32 * (uint256(words) - 1)));
    }

    function _head(uint8 kind, uint8 words) private pure returns (bytes memory) {
        return abi.encodePacked(kind, words, uint16(0), AT);
    }
}
