// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IBinRegistry} from "./interfaces/IBinRegistry.sol";
import {ICustodyLedger} from "./interfaces/ICustodyLedger.sol";
import {Entry} from "./libraries/Entry.sol";
import {Seal} from "./libraries/Seal.sol";

/// @title Which bins stand where, as their registrars have sealed it
contract BinRegistry is IBinRegistry {
    address public immutable ledger;

    mapping(uint64 site => bytes32) public headOf;
    mapping(bytes32 statement => bool) public isUsed;

    constructor(address ledger_) {
        ledger = ledger_;
    }

    function openSite(uint64 site, uint8 siteKind, bytes32 digest) external {
        _use(Entry.SITE, site, siteKind, digest);
        emit SiteOpened(site, siteKind, digest);
    }

    function place(uint64 site, Bin[] calldata bins) external {
        bytes32 head = _use(Entry.PLACE, site, uint40(bins.length), digestOf(bins));
        emit BinsPlaced(site, bins, head);
    }

    function digestOf(Bin[] calldata bins) public pure returns (bytes32) {
        // number 5, serialDigest 32, stream 1, from 5 bytes
        bytes memory packed = new bytes(43 * bins.length);
        for (uint256 i = 0; i < bins.length; ++i) {
            Bin calldata bin = bins[i];
            uint256 head = uint256(bin.number) << 216;
            bytes32 serialDigest = bin.serialDigest;
            uint256 tail = (uint256(bin.stream) << 248) | (uint256(bin.from) << 208);
            // Each store runs past its field, and the next one writes over that. The last runs past the array,
            // into the free memory that follows it.
            assembly ("memory-safe") {
                let at_ := add(add(packed, 0x20), mul(i, 43))
                mstore(at_, head)
                mstore(add(at_, 5), serialDigest)
                mstore(add(at_, 37), tail)
            }
        }
        return keccak256(packed);
    }

    function _use(
        uint8 kind,
        uint64 site,
        uint40 detail,
        bytes32 digest
    ) private returns (bytes32 head) {
        bytes32 statement = Seal.statementOf(kind, site, detail, digest);
        if (isUsed[statement]) revert BinRegistryAlreadyUsed(statement);
        if (!ICustodyLedger(ledger).attested(statement)) revert BinRegistryNotAttested(statement);
        isUsed[statement] = true;
        head = keccak256(abi.encodePacked(headOf[site], digest));
        headOf[site] = head;
    }
}
