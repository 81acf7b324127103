// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @dev Up to 16 steps (their word `a`) in a ring. The place of the front stands in the highest four bits of
/// the ring's first slot, which a kind of entry leaves free; so a step that waits alone needs no other slot.
struct Queue {
    uint256[16] ring;
}

/// @title Steps that wait, in the order of their journal
library Queues {
    uint256 internal constant MAX = 16;

    uint256 private constant _STEP = type(uint256).max >> 4;

    /// @notice Returns the first step, or 0 when none waits.
    function front(Queue storage queue) internal view returns (uint256) {
        uint256 first = queue.ring[0];
        uint256 place = first >> 252;
        return place == 0 ? first & _STEP : queue.ring[place];
    }

    /// @notice Returns every step, the front first.
    function all(Queue storage queue) internal view returns (uint256[] memory steps) {
        steps = new uint256[](MAX);
        uint256 first = queue.ring[0] >> 252;
        uint256 count = 0;
        while (count < MAX) {
            uint256 step = _at(queue, first + count);
            if (step == 0) break;
            steps[count++] = step;
        }
        assembly ("memory-safe") {
            mstore(steps, count)
        }
    }

    /// @param count How many steps wait already; fewer than MAX.
    function push(Queue storage queue, uint256 count, uint256 step) internal {
        _set(queue, (queue.ring[0] >> 252) + count, step);
    }

    /// @notice Takes the front away.
    function pop(Queue storage queue) internal {
        uint256 first = queue.ring[0] >> 252;
        _set(queue, first, 0);
        uint256 next = (first + 1) % MAX;
        if (_at(queue, next) == 0) next = 0;
        queue.ring[0] = (queue.ring[0] & _STEP) | (next << 252);
    }

    /// @notice Takes a step away from among the others.
    /// @param steps All of them, as `all` returned them.
    function remove(Queue storage queue, uint256[] memory steps, uint256 place) internal {
        if (place == 0) {
            pop(queue);
            return;
        }
        uint256 first = queue.ring[0] >> 252;
        uint256 last = steps.length - 1;
        for (uint256 i = place; i < last; ++i) _set(queue, first + i, steps[i + 1]);
        _set(queue, first + last, 0);
    }

    function _at(Queue storage queue, uint256 place) private view returns (uint256) {
        return queue.ring[place % MAX] & _STEP;
    }

    function _set(Queue storage queue, uint256 place, uint256 step) private {
        place %= MAX;
        uint256 kept = place == 0 ? queue.ring[0] & ~_STEP : 0;
        queue.ring[place] = kept | step;
    }
}
