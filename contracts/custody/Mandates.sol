// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Ids} from "../libraries/Ids.sol";
import {Mixing} from "../libraries/Mixing.sol";
import {Answers} from "../libraries/Outcomes.sol";
import {Step} from "../libraries/Step.sol";
import {CustodyStorage} from "./CustodyStorage.sol";

/// @title Who may take lots for whom
abstract contract Mandates is CustodyStorage {
    uint256 internal constant MAX_MANDATES = 4;

    /// @dev Rule 9. Goes up from the mandate that a take cites.
    /// @return answer Applied when the mandates cover the take, NOT_READY while one is not known.
    /// @return principal The topmost.
    /// @return keys The mandates, lowest first, as many as are not 0.
    function _findAuthority(
        uint64 taker,
        Step memory take,
        uint8 stream
    ) internal view returns (uint8 answer, uint64 principal, uint256[] memory keys) {
        keys = new uint256[](MAX_MANDATES);
        uint64 agent = taker;
        principal = take.principal();
        uint40 seq = take.mandateSeq();
        for (uint256 level = 0; level < MAX_MANDATES; ++level) {
            uint256 key = _entryKey(principal, seq);
            Mandate storage mandate = _mandates[key];
            if (mandate.to == 0) return (Answers.NOT_READY, principal, keys);
            answer = _overstepped(mandate, agent, take, stream);
            if (answer == Answers.APPLIED && mandate.depth < level) {
                answer = Answers.CONFLICT_MANDATE_DEPTH;
            }
            if (answer != Answers.APPLIED) return (answer, principal, keys);
            keys[level] = key;
            uint64 parent = mandate.parent;
            if (parent == 0) return (Answers.APPLIED, principal, keys);
            (agent, principal, seq) = (principal, parent, mandate.parentSeq);
        }
        return (Answers.CONFLICT_MANDATE_DEPTH, principal, keys);
    }

    /// @dev Takes grams off every mandate that covered a take.
    /// @param keys As they were found; none when the take needed none.
    function _useUp(uint256[] memory keys, uint48 grams) internal {
        for (uint256 level = 0; level < keys.length; ++level) {
            if (keys[level] == 0) return;
            _mandates[keys[level]].left -= grams;
        }
    }

    function _overstepped(
        Mandate storage mandate,
        uint64 agent,
        Step memory take,
        uint8 stream
    ) private view returns (uint8) {
        if (!Ids.isNamed(mandate.to, agent)) return Answers.CONFLICT_MANDATE_FOREIGN;
        if (mandate.isRevoked) return Answers.CONFLICT_MANDATE_ENDED;
        if (take.occurredAt() > mandate.until) return Answers.CONFLICT_MANDATE_EXPIRED;
        if (mandate.streams & Mixing.bitOf(stream) == 0) return Answers.CONFLICT_MANDATE_STREAM;
        uint64 site = mandate.site;
        if (site != 0 && site != take.site()) return Answers.CONFLICT_MANDATE_SITE;
        if (take.takeGrams() > mandate.left) return Answers.CONFLICT_MANDATE_GRAMS;
        return Answers.APPLIED;
    }
}
