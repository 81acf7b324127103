// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ICustodyLedger} from "../../contracts/interfaces/ICustodyLedger.sol";
import {Fixture} from "./Fixture.sol";
import {VM, Vm} from "./Vm.sol";
import {Write} from "./Write.sol";

/// @dev Whatever the order of upload and the cutting, the same custody, totals and outcomes in the end.
contract OrderTest is Fixture {
    uint256 private constant STEPS = 40;

    uint96[] private lots;
    uint64[] private devices;
    mapping(uint64 device => uint40) private base;
    mapping(uint64 device => uint32) private serials;

    // What truly happens, as the story is made up.
    mapping(uint96 lot => uint64) private holders;
    mapping(uint96 lot => uint8) private streams;

    // What the ledger said of each entry in the end.
    mapping(uint256 round => mapping(uint256 entryKey => uint8)) private outcomes;

    function testFuzz_AnyOrderAndAnyCuttingEndTheSame(uint256 seed) public {
        devices = [crew, crew2, station, park];
        for (uint256 i = 0; i < devices.length; ++i) {
            base[devices[i]] = uint40(journals[devices[i]].entries.length);
        }
        for (uint256 i = 0; i < STEPS; ++i) _happen(_random(seed, i));

        uint256 snapshot = VM.snapshotState();
        bytes32 first = _run(0, 0);
        bytes32 firstOutcomes = _outcomesOf(0);
        for (uint256 round = 1; round <= 2; ++round) {
            VM.revertToState(snapshot);
            snapshot = VM.snapshotState();
            require(_run(_random(seed, 1_000 + round), round) == first, "custody or totals differ");
            require(_outcomesOf(round) == firstOutcomes, "outcomes differ");
        }
        _replayEverything();
        require(_state() == first, "a replay changed something");
    }

    /* ------------------------------------------ the story ------------------------------------------ */

    /// @dev One thing that a device does, most of it sound, written into its journal.
    function _happen(uint256 random) private {
        uint64 device = devices[random % devices.length];
        uint256 what = (random >> 8) % 20;
        if (lots.length == 0 || what < 3) {
            _open(device, uint8(1 + ((random >> 16) % 2)));
            return;
        }
        uint96 lot = lots[(random >> 24) % lots.length];
        uint64 holder = holders[lot];
        if (what < 7) {
            // Into whatever lies on the desk, of any stream.
            _write(device, Write.lift(uint8(1 + ((random >> 32) % 2)), uint32(random >> 40)));
        } else if (what == 7) {
            // A step by whoever it is.
            _write(device, Write.give(lot, crew == device ? park : crew));
        } else if (holder == 0) {
            return;
        } else if (what < 14) {
            _hand(lot, holder, random >> 32);
        } else if (what < 16) {
            _mergeOf(lot, holder, random >> 32);
        } else if (what < 18) {
            uint96 into = _next(holder, streams[lot]);
            _write(holder, Write.split(lot, uint48((random >> 32) % 1e9), into, streams[lot]));
        } else if (what == 18) {
            uint96 into = _next(holder, 4);
            bytes memory items = Write.item(into, uint48((random >> 32) % 1e9));
            _write(holder, Write.transform(lot, 1, 0, 0, items));
        } else {
            _write(holder, Write.close(lot, uint8(1 + ((random >> 32) % 4))));
            holders[lot] = 0;
        }
    }

    function _open(uint64 device, uint8 stream) private {
        _write(device, Write.load(_next(device, stream), stream));
    }

    function _next(uint64 device, uint8 stream) private returns (uint96 lot) {
        lot = _lot(device, ++serials[device]);
        lots.push(lot);
        holders[lot] = device;
        streams[lot] = stream;
    }

    /// @dev Each give has one answer, by a device that it names: which of two comes first is the treaty's exception.
    function _hand(uint96 lot, uint64 from, uint256 random) private {
        uint64 to = devices[(random >> 32) % devices.length];
        if (to == from) return;
        uint64 named = (random >> 8) % 2 == 0 ? to : (to >> 40) << 40;
        uint40 given = _write(from, Write.give(lot, named));
        if (random % 5 == 0) given = _write(from, Write.redirect(lot, given, to));
        if ((random >> 4) % 6 == 0) {
            _write(to, Write.refuse(lot, from, given, _head(from, given)));
            return;
        }
        uint48 grams = uint48((random >> 16) % 1e9);
        if ((random >> 6) % 5 == 0) {
            uint96 into = _next(to, streams[lot]);
            Write.Take memory more = Write.Take(0, into, 0, 0, 0, 1);
            _write(to, Write.takeAs(lot, grams, from, given, _head(from, given), more));
            return;
        }
        _write(to, _takeOf(lot, grams, from, given));
        holders[lot] = to;
    }

    function _mergeOf(uint96 lot, uint64 device, uint256 random) private {
        uint32 serial = uint32(1 + (random % (serials[device] + 1)));
        uint96 into = _lot(device, serial);
        if (into == lot) return;
        if (serial > serials[device]) into = _next(device, streams[lot]);
        _write(device, Write.merge(lot, into, streams[into]));
        holders[lot] = 0;
    }

    /* ------------------------------------------ uploading ------------------------------------------ */

    /// @param seed 0: one segment for each device. Else: random cuts, in random order, with settles between.
    function _run(uint256 seed, uint256 round) private returns (bytes32) {
        for (uint256 i = 0; i < devices.length; ++i) recorded[devices[i]] = base[devices[i]];
        VM.recordLogs();
        uint256 left = devices.length;
        for (uint256 turn = 0; left != 0; ++turn) {
            uint256 random = _random(seed, turn);
            uint64 device = devices[seed == 0 ? turn % devices.length : random % devices.length];
            uint40 from = recorded[device] + 1;
            uint40 end = uint40(journals[device].entries.length);
            if (from <= end) {
                uint40 to = seed == 0 ? end : from + uint40((random >> 8) % (end - from + 1));
                _send(_cut(device, from, to));
                recorded[device] = to;
            }
            if (seed != 0 && lots.length != 0 && (random >> 64) % 3 == 0) {
                uint96 lot = lots[(random >> 72) % lots.length];
                ledger.settle(lot, devices[(random >> 96) % devices.length], 1 + ((random >> 80) % 3));
            }
            left = 0;
            for (uint256 i = 0; i < devices.length; ++i) {
                if (recorded[devices[i]] < journals[devices[i]].entries.length) ++left;
            }
        }
        _settleAll(lots, devices);
        _keepOutcomes(round, VM.getRecordedLogs());
        return _state();
    }

    function _replayEverything() private {
        for (uint256 i = 0; i < devices.length; ++i) {
            uint40 end = uint40(journals[devices[i]].entries.length);
            if (end > base[devices[i]])
                _expectRefusal(_cut(devices[i], base[devices[i]] + 1, end), 5);
        }
    }

    function _keepOutcomes(uint256 round, Vm.Log[] memory logs) private {
        Vm.Log[] memory one = new Vm.Log[](1);
        for (uint256 i = 0; i < logs.length; ++i) {
            uint64 device = uint64(uint256(logs[i].topics[1]));
            uint256 seq = uint256(logs[i].topics[2]);
            if (logs[i].topics[0] == ICustodyLedger.SegmentRecorded.selector) {
                one[0] = logs[i];
                bytes memory found = _outcomesIn(one);
                for (uint256 k = 0; k < found.length; ++k) {
                    uint256 key = _entryKey(device, seq + k);
                    // A step may have settled inside the transaction, before its segment's event.
                    if (outcomes[round][key] == 0) outcomes[round][key] = uint8(found[k]);
                }
            } else if (logs[i].topics[0] == ICustodyLedger.Settled.selector) {
                outcomes[round][_entryKey(device, seq)] = abi.decode(logs[i].data, (uint8));
            } else {
                revert("a segment was refused");
            }
        }
    }

    function _outcomesOf(uint256 round) private view returns (bytes32 digest) {
        for (uint256 i = 0; i < devices.length; ++i) {
            for (
                uint256 seq = base[devices[i]] + 1;
                seq <= journals[devices[i]].entries.length;
                ++seq
            ) {
                uint8 outcome = outcomes[round][_entryKey(devices[i], seq)];
                require(outcome != 0, "an entry without an outcome");
                digest = keccak256(abi.encode(digest, outcome));
            }
        }
    }

    function _state() private view returns (bytes32 digest) {
        for (uint256 i = 0; i < lots.length; ++i) {
            digest = keccak256(abi.encodePacked(digest, _lotState(lots[i])));
        }
        for (uint256 i = 0; i < devices.length; ++i) {
            bytes memory desk = _call(abi.encodeCall(ledger.deskOf, devices[i]));
            digest = keccak256(abi.encode(digest, desk, ledger.headOf(devices[i])));
        }
        for (uint8 stream = 1; stream <= 4; ++stream) {
            digest = keccak256(
                abi.encodePacked(digest, _call(abi.encodeCall(ledger.totalsOf, stream)))
            );
        }
    }

    function _lotState(uint96 lot) private view returns (bytes memory state) {
        state = bytes.concat(
            _call(abi.encodeCall(ledger.lotOf, lot)),
            _call(abi.encodeCall(ledger.giveOf, lot))
        );
        for (uint256 i = 0; i < devices.length; ++i) {
            bytes memory step = _call(abi.encodeCall(ledger.queueOf, (lot, devices[i])));
            state = bytes.concat(state, step);
        }
    }

    function _call(bytes memory data) private view returns (bytes memory answer) {
        bool success;
        (success, answer) = address(ledger).staticcall(data);
        require(success, "view");
    }

    function _entryKey(uint64 device, uint256 seq) private pure returns (uint256) {
        return (uint256(device) << 40) | seq;
    }

    function _random(uint256 seed, uint256 turn) private pure returns (uint256) {
        return seed == 0 ? 0 : uint256(keccak256(abi.encode(seed, turn)));
    }
}
