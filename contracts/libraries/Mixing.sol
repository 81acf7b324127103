// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Codes} from "./Codes.sol";

/// @title What a load may be taken as once other streams are in it
/// @dev Mixing never makes waste cleaner. A receiver may call a lot worse than it is, never better.
library Mixing {
    /// @notice Returns a stream's bit in a mixture, or in a mandate's streams.
    function bitOf(uint8 stream) internal pure returns (uint8) {
        return uint8(1 << stream);
    }

    /// @dev Rule 6.
    function mayBeTakenAs(uint8 wanted, uint8 stream, uint8 mixture) internal pure returns (bool) {
        // As what it is: most takes.
        if (wanted == stream && mixture == 0) return true;
        if (wanted == Codes.STREAM_HAZARDOUS) return true;
        bool isHazardous =
            stream == Codes.STREAM_HAZARDOUS || mixture & bitOf(Codes.STREAM_HAZARDOUS) != 0;
        if (isHazardous) return false;
        return wanted == Codes.STREAM_RESIDUAL;
    }
}
