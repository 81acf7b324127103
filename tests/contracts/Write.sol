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

    /// @dev Of a take, what is not in every take.
    struct Take {
        uint8 stream;
        uint96 into;
        uint64 principal;
        uint40 mandateSeq;
        uint64 site;
        uint40 at;
    }

    function take(
        uint96 lot,
        uint48 grams,
        uint64 giver,
        uint40 giveSeq,
        bytes32 giveHead
    ) internal pure returns (bytes memory) {
        return takeAs(lot, grams, giver, giveSeq, giveHead, Take(0, 0, 0, 0, 0, AT));
    }

    function takeAs(
        uint96 lot,
        uint48 grams,
        uint64 giver,
        uint40 giveSeq,
        bytes32 giveHead,
        Take memory more
    ) internal pure returns (bytes memory) {
        return
            abi.encodePacked(
                abi.encodePacked(uint8(4), uint8(5), uint16(0), more.at, lot, grams, giveSeq),
                abi.encodePacked(giver, uint40(0), more.stream, uint24(0), bytes15("evidence")),
                giveHead,
                abi.encodePacked(uint64(0), more.into, uint96(0)),
                abi.encodePacked(more.principal, more.mandateSeq, more.site, uint88(0))
            );
    }

    function refuse(
        uint96 lot,
        uint64 giver,
        uint40 giveSeq,
        bytes32 giveHead
    ) internal pure returns (bytes memory) {
        return
            abi.encodePacked(
                abi.encodePacked(_head(10, 3), lot, uint48(0), giveSeq),
                abi.encodePacked(giver, uint16(1), uint56(0), bytes15("evidence")),
                giveHead
            );
    }

    function redirect(uint96 lot, uint40 giveSeq, uint64 to) internal pure returns (bytes memory) {
        return
            abi.encodePacked(
                abi.encodePacked(_head(11, 2), lot, uint48(0), giveSeq),
                abi.encodePacked(to, uint16(1), uint56(0), bytes15("evidence"))
            );
    }

    function withdraw(uint96 lot, uint40 undoneSeq) internal pure returns (bytes memory) {
        return abi.encodePacked(_head(5, 1), lot, undoneSeq, uint48(0));
    }

    function weigh(
        uint96 lot,
        uint48 net,
        uint48 gross,
        uint48 tare,
        uint40 ticket,
        uint40 calibrationUntil
    ) internal pure returns (bytes memory) {
        return
            abi.encodePacked(
                abi.encodePacked(_head(6, 3), lot, net, ticket),
                abi.encodePacked(gross, tare, uint40(0), bytes15("evidence")),
                abi.encodePacked(uint64(1), uint64(2), calibrationUntil, uint88(0))
            );
    }

    function merge(uint96 lot, uint96 into, uint8 stream) internal pure returns (bytes memory) {
        return _into(7, lot, 1, into, stream);
    }

    function split(
        uint96 lot,
        uint48 grams,
        uint96 into,
        uint8 stream
    ) internal pure returns (bytes memory) {
        return _into(8, lot, grams, into, stream);
    }

    function _into(
        uint8 kind,
        uint96 lot,
        uint48 grams,
        uint96 into,
        uint8 stream
    ) private pure returns (bytes memory) {
        return
            abi.encodePacked(
                abi.encodePacked(_head(kind, 2), lot, grams, uint40(0)),
                abi.encodePacked(into, stream, uint32(0), bytes15("evidence"))
            );
    }

    /// @param items Words packed by `item`.
    function transform(
        uint96 lot,
        uint8 outputs,
        uint48 loss,
        uint8 isGain,
        bytes memory items
    ) internal pure returns (bytes memory) {
        return
            abi.encodePacked(
                abi.encodePacked(_head(9, uint8(2 + items.length / 32)), lot, uint48(1), outputs),
                uint32(0),
                abi.encodePacked(uint64(0), loss, isGain, uint16(0), bytes15("evidence")),
                items
            );
    }

    function item(uint96 lot, uint48 amount) internal pure returns (bytes memory) {
        return abi.encodePacked(lot, amount, uint16(1), uint96(0));
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

    function rotate(
        uint64 device,
        uint8 role,
        uint256 x,
        uint256 y,
        uint64 replaced
    ) internal pure returns (bytes memory) {
        return
            abi.encodePacked(
                abi.encodePacked(_head(34, 4), device, role, uint8(1), uint40(0), uint64(0), x, y),
                replaced,
                uint192(0)
            );
    }

    function enrolPasskey(
        uint64 device,
        uint64 origin,
        uint256 x,
        uint256 y
    ) internal pure returns (bytes memory) {
        return
            abi.encodePacked(_head(32, 3), device, uint8(5), uint8(2), uint40(0), origin, x, y);
    }

    function closeGap(
        uint64 device,
        uint40 fromSeq,
        uint40 toSeq,
        bytes32 head
    ) internal pure returns (bytes memory) {
        return abi.encodePacked(_head(35, 2), device, fromSeq, toSeq, uint40(0), head);
    }

    function moved(address ledger) internal pure returns (bytes memory) {
        return abi.encodePacked(_head(36, 1), uint24(0), ledger);
    }

    function transcribed(
        uint64 device,
        uint40 firstSeq,
        bytes32 before,
        bytes32[4] memory keyAndSeal,
        bytes memory words
    ) internal pure returns (bytes memory) {
        return
            abi.encodePacked(
                _head(37, uint8(6 + words.length / 32)),
                device,
                firstSeq,
                uint80(0),
                before,
                abi.encodePacked(keyAndSeal),
                words
            );
    }

    function release(uint64 device, uint40 seq, bytes32 head) internal pure returns (bytes memory) {
        return
            abi.encodePacked(
                abi.encodePacked(_head(16, 2), device, seq, uint8(3), uint72(0)),
                bytes17(head),
                bytes15("evidence")
            );
    }

    /// @dev Of a mandate, what a test may want otherwise.
    struct Mandate {
        uint64 to;
        uint48 grams;
        uint40 until;
        uint8 depth;
        uint16 streams;
        uint64 site;
        uint64 parent;
        uint40 parentSeq;
    }

    function mandate(uint8 op, Mandate memory m) internal pure returns (bytes memory) {
        return
            abi.encodePacked(
                abi.encodePacked(_head(15, 2), op, m.to, m.grams, m.until, m.depth, m.streams),
                abi.encodePacked(m.site, m.parent, m.parentSeq, uint88(0))
            );
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
