// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ICustodyLedger} from "../../contracts/interfaces/ICustodyLedger.sol";
import {CustodyLedger} from "../../contracts/CustodyLedger.sol";
import {Fixture} from "./Fixture.sol";
import {VM} from "./Vm.sol";
import {Write} from "./Write.sol";

/// @dev A person's passkey seals a journal; its authenticator is played here.
contract PasskeysTest is Fixture {
    string private constant ORIGIN = "https://bins.example.org";

    uint64 private office = _device(1, 20);

    function setUp() public override {
        super.setUp();
        (uint256 x, uint256 y) = VM.publicKeyP256(_key(office));
        uint64 origin = uint64(bytes8(keccak256(bytes(ORIGIN))));
        _expect(root1, Write.enrolPasskey(office, origin, x, y), APPLIED);
    }

    function _asserted(
        uint40 firstSeq,
        uint40 lastSeq
    ) private view returns (ICustodyLedger.Segment memory segment) {
        return _assertedBy(firstSeq, lastSeq, 5, _clientData(lastSeq, ORIGIN));
    }

    function _clientData(uint40 lastSeq, string memory origin) private view returns (bytes memory) {
        return
            abi.encodePacked(
                '{"type":"webauthn.get","challenge":"',
                _base64Url(_digest(office, lastSeq, _head(office, lastSeq))),
                '","origin":"',
                origin,
                '","crossOrigin":false}'
            );
    }

    function _assertedBy(
        uint40 firstSeq,
        uint40 lastSeq,
        uint8 flags,
        bytes memory client
    ) private view returns (ICustodyLedger.Segment memory segment) {
        segment = _cut(office, firstSeq, lastSeq);
        bytes memory data = abi.encodePacked(sha256("bins.example.org"), flags, uint32(0));
        segment.assertion = abi.encodePacked(uint16(data.length), data, client);
        bytes32 signed = sha256(abi.encodePacked(data, sha256(client)));
        (segment.r, segment.s) = VM.signP256(_key(office), signed);
    }

    function _base64Url(bytes32 raw) private pure returns (bytes memory text) {
        bytes
            memory alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        text = new bytes(43);
        for (uint256 i = 0; i < 43; ++i) {
            uint256 shift = 6 * i;
            uint256 sextet = shift <= 250 ? (uint256(raw) >> (250 - shift)) & 63 : (uint256(raw) << (shift - 250)) & 63;
            text[i] = alphabet[sextet];
        }
    }

    function test_APasskeysSegmentIsRecordedAndItsAssertionTold() public {
        _equal(ledger.originOf(office), uint64(bytes8(keccak256(bytes(ORIGIN)))), "origin");
        (, , , , uint8 flags, ) = ledger.deviceOf(office);
        _equal(flags, 4, "flags");
        _write(office, Write.blank(19, 1));
        ICustodyLedger.Segment memory segment = _asserted(1, 1);
        VM.expectEmit(address(ledger));
        emit ICustodyLedger.SegmentRecorded(
            office,
            1,
            _head(office, 1),
            segment.x,
            segment.y,
            segment.r,
            segment.s,
            segment.words,
            hex"01",
            segment.assertion
        );
        _send(segment);
    }

    function test_APasskeysRawSealIsABadSeal() public {
        _write(office, Write.blank(19, 1));
        _expectRefusal(_cut(office, 1, 1), 3);
    }

    function test_APersonNobodyHasVerifiedSealsNothing() public {
        _write(office, Write.blank(19, 1));
        for (uint8 flags = 0; flags < 5; ++flags) {
            _expectRefusal(_assertedBy(1, 1, flags, _clientData(1, ORIGIN)), 3);
        }
        _send(_assertedBy(1, 1, 0xff, _clientData(1, ORIGIN)));
    }

    function test_AnAssertionOutOfShapeSealsNothing() public {
        _write(office, Write.blank(19, 1));
        _expectRefusal(_assertedBy(1, 1, 5, "{}"), 3);
        _expectRefusal(_assertedBy(1, 1, 5, _clientData(1, "https://elsewhere.example.org")), 3);
        string memory long = "https://a-city-with-quite-a-long-name.bins.example.org:8443";
        _expectRefusal(_assertedBy(1, 1, 5, _clientData(1, long)), 3);
        bytes[4] memory shapes = [
            bytes(hex"00"),
            bytes(hex"0000"),
            abi.encodePacked(uint16(36), new bytes(60)),
            abi.encodePacked(uint16(61), new bytes(60))
        ];
        for (uint256 i = 0; i < shapes.length; ++i) {
            ICustodyLedger.Segment memory segment = _asserted(1, 1);
            segment.assertion = shapes[i];
            _expectRefusal(segment, 3);
        }
    }

    function test_AnOriginMayBeLongerThanAWord() public {
        string memory long = "https://a-city-with-quite-a-long-name.bins.example.org:8443";
        office = _device(1, 21);
        (uint256 x, uint256 y) = VM.publicKeyP256(_key(office));
        uint64 origin = uint64(bytes8(keccak256(bytes(long))));
        _expect(root1, Write.enrolPasskey(office, origin, x, y), APPLIED);
        _write(office, Write.blank(19, 1));
        _send(_assertedBy(1, 1, 5, _clientData(1, long)));
        (, uint40 nextSeq, , , , ) = ledger.deviceOf(office);
        _equal(nextSeq, 2, "next seq");
    }

    function testFuzz_AnotherAssertionIsABadSeal(uint256 place, uint8 bit) public {
        _write(office, Write.blank(19, 1));
        ICustodyLedger.Segment memory segment = _asserted(1, 1);
        place %= segment.assertion.length;
        segment.assertion[place] ^= bytes1(uint8(1 << (bit % 8)));
        _expectRefusal(segment, 3);
    }

    function test_APasskeyMovesWithItsOrigin() public {
        CustodyLedger second = new CustodyLedger(address(registry), address(ledger));
        _write(office, Write.moved(address(second)));
        _send(_asserted(1, 1));
        _write(office, Write.blank(19, 1));
        ledger = second;
        ICustodyLedger.Segment memory segment = _asserted(2, 2);
        _send(segment);
        _equal(second.originOf(office), uint64(bytes8(keccak256(bytes(ORIGIN)))), "origin");
        (, uint40 nextSeq, , , uint8 flags, ) = second.deviceOf(office);
        require(nextSeq == 3 && flags == 4, "device");
    }

    function test_AMandateMayBeSealedByAPerson() public {
        Write.Mandate memory m = Write.Mandate(station, 1_000, Write.AT, 0, 1 << 4, 0, 0, 0);
        _write(office, Write.mandate(1, m));
        _send(_asserted(1, 1));
        (uint64 to, , , , , , , , ) = ledger.mandateOf(office, 1);
        _equal(to, station, "to");
    }
}
