// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Fixture} from "./Fixture.sol";
import {Write} from "./Write.sol";

/// @dev Who may take lots for whom, and each way to overstep it.
contract MandatesTest is Fixture {
    uint8 private constant FOREIGN = 0x84;
    uint8 private constant ENDED = 0x94;
    uint8 private constant EXPIRED = 0xa4;
    uint8 private constant STREAM = 0xb4;
    uint8 private constant SITE = 0xc4;
    uint8 private constant GRAMS = 0xd4;
    uint8 private constant DEPTH = 0xe4;

    uint96 private mine = _lot(crew, 1);
    uint40 private given;

    function setUp() public override {
        super.setUp();
        _filled(crew, 1, 4, 100);
        given = _expect(crew, Write.give(mine, park), APPLIED);
    }

    function _to(uint64 to) private pure returns (Write.Mandate memory) {
        return Write.Mandate(to, 1_000, Write.AT, 0, 1 << 4, 0, 0, 0);
    }

    function _grant(uint64 by, Write.Mandate memory m) private returns (uint40) {
        return _expect(by, Write.mandate(1, m), APPLIED);
    }

    function _takeFor(uint64 principal, uint40 seq) private view returns (bytes memory) {
        return _takeFor(principal, seq, 90, 5, Write.AT);
    }

    function _takeFor(
        uint64 principal,
        uint40 seq,
        uint48 grams,
        uint64 site,
        uint40 at
    ) private view returns (bytes memory) {
        Write.Take memory more = Write.Take(0, 0, principal, seq, site, at);
        return Write.takeAs(mine, grams, crew, given, _head(crew, given), more);
    }

    function _leftOf(uint64 device, uint40 seq) private view returns (uint48 left) {
        (, left, , , , , , , ) = ledger.mandateOf(device, seq);
    }

    function test_ATakeForAPrincipalUsesItsMandateUp() public {
        uint40 seq = _grant(park, _to(_device(2, 0)));
        _expect(station, _takeFor(park, seq), APPLIED);
        _expectLot(mine, station, 90, 1);
        _equal(_leftOf(park, seq), 910, "left");
        _expectTotals(4, 100, 0, 0, 10);
    }

    function test_OnlyThoseWhoSpeakForTheirOrganisationGrantMandates() public {
        _expect(crew, Write.mandate(1, _to(station)), INVALID);
        _expect(scale, Write.mandate(1, _to(station)), INVALID);
        _expect(park, Write.mandate(1, _to(7)), INVALID);
        _expect(park, Write.mandate(3, _to(station)), INVALID);
        _expect(root3, Write.mandate(1, _to(station)), APPLIED);
    }

    function test_AMandateIsReadAsItWasGranted() public {
        Write.Mandate memory m = Write.Mandate(station, 1, 2, 3, 4, 5, 6, 7);
        uint40 seq = _grant(park, m);
        // Encoded, because nine values at once are too many for coverage's compiler.
        (bool isRead, bytes memory found) = address(ledger).staticcall(
            abi.encodeCall(ledger.mandateOf, (park, seq))
        );
        bytes memory wanted = abi.encode(station, 1, 2, 3, 4, false, 5, 6, 7);
        require(isRead && keccak256(found) == keccak256(wanted), "mandate");
    }

    function test_ATakeOnAnothersMandateIsForeign() public {
        uint40 seq = _grant(park, _to(scale));
        _expect(station, _takeFor(park, seq), FOREIGN);
    }

    function test_ATakeOnARevokedMandateIsEnded() public {
        uint40 seq = _grant(park, _to(station));
        Write.Mandate memory m = _to(station);
        (m.parent, m.parentSeq) = (park, seq);
        _expect(station, Write.mandate(2, m), INVALID);
        m.parentSeq = seq + 50;
        _expect(park, Write.mandate(2, m), CONFLICT);
        m.parentSeq = seq;
        _expect(park, Write.mandate(2, m), APPLIED);
        _expect(station, _takeFor(park, seq), ENDED);
    }

    function test_ATakeAfterTheMandatesTimeIsExpired() public {
        uint40 seq = _grant(park, _to(station));
        _expect(station, _takeFor(park, seq, 90, 0, Write.AT + 1), EXPIRED);
    }

    function test_ATakeOfAStreamThatIsNotMeantIsFlawed() public {
        Write.Mandate memory m = _to(station);
        m.streams = 0xffff ^ (1 << 4);
        _expect(station, _takeFor(park, _grant(park, m)), STREAM);
    }

    function test_ATakeAtAnotherSiteIsFlawed() public {
        Write.Mandate memory m = _to(station);
        m.site = 6;
        uint40 seq = _grant(park, m);
        _expect(station, _takeFor(park, seq), SITE);
        _expect(station, _takeFor(park, seq, 90, 6, Write.AT), APPLIED);
    }

    function test_ATakeOfMoreThanIsLeftIsFlawed() public {
        uint40 seq = _grant(park, _to(station));
        _expect(station, _takeFor(park, seq, 1_001, 0, Write.AT), GRAMS);
        _expect(station, _takeFor(park, seq, 1_000, 0, Write.AT), APPLIED);
        _equal(_leftOf(park, seq), 0, "left");
    }

    function test_AMandateWithoutDepthIsNotPassedOn() public {
        uint40 seq = _grant(park, _to(station));
        Write.Mandate memory m = _to(scale);
        (m.parent, m.parentSeq) = (park, seq);
        _expect(scale, _takeFor(station, _grant(station, m)), DEPTH);
    }

    function test_AChainOfFourMandatesHoldsAndAFifthDoesNot() public {
        uint64[5] memory chain = [park, root3, root2, station, root1];
        uint40 seq = 0;
        uint64 parent = 0;
        for (uint256 i = 0; i < 5; ++i) {
            Write.Mandate memory m = _to(i == 4 ? crew2 : chain[i + 1]);
            (m.depth, m.parent, m.parentSeq) = (9, parent, seq);
            if (i == 3) {
                m.to = scale;
                uint40 fourth = _grant(chain[i], m);
                uint256 before = _leftOf(park, seq);
                require(before == 0, "another mandate");
                _expect(scale, _takeFor(station, fourth, 1, 0, Write.AT), APPLIED);
                _expect(scale, Write.give(mine, crew), APPLIED);
                given = _expect(crew, _answerTo(scale), APPLIED);
                given = _expect(crew, Write.give(mine, park), APPLIED);
                m.to = root1;
            }
            seq = _grant(chain[i], m);
            parent = chain[i];
        }
        _expect(crew2, _takeFor(root1, seq), DEPTH);
    }

    function _answerTo(uint64 giver) private view returns (bytes memory) {
        uint40 seq = uint40(journals[giver].entries.length);
        return _takeOf(mine, 100, giver, seq);
    }

    function test_TheGiveMustNameTheTopmostPrincipal() public {
        uint40 seq = _grant(park2, _to(station));
        _expect(station, _takeFor(park2, seq), CONFLICT);
        _equal(_leftOf(park2, seq), 1_000, "left");
    }

    function test_ATakeWaitsForAMandateThatIsNotKnown() public {
        uint40 seq = _write(park, Write.mandate(1, _to(station)));
        _expect(station, _takeFor(park, seq), DEFERRED);
        _equal(ledger.settle(mine, station, 1), 0, "steps");
        _upload(park);
        _equal(ledger.settle(mine, station, 1), 1, "steps");
        _expectLot(mine, station, 90, 1);
        _equal(_leftOf(park, seq), 910, "left");
    }
}
