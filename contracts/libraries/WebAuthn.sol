// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Seal} from "./Seal.sol";

/// @title The `webauthn` seal scheme: a person's passkey (ES256) answers for a seal's digest
/// @dev The standard is WebAuthn Level 2, https://www.w3.org/TR/webauthn-2/
library WebAuthn {
    uint256 private constant _ASSERTION_BYTES_MAX = 1024;
    uint256 private constant _LENGTH_BYTES = 2;
    /// @dev SHA-256 of the relying party's id, flags, and a counter of 4 bytes; extensions may follow.
    uint256 private constant _AUTHENTICATOR_DATA_BYTES_MIN = 37;
    uint256 private constant _FLAGS_AT = 32;
    bytes1 private constant _PRESENT_AND_VERIFIED = 0x05;

    // solhint-disable quotes
    string private constant _BEFORE_CHALLENGE = '{"type":"webauthn.get","challenge":"';
    string private constant _BEFORE_ORIGIN = '","origin":"';
    bytes21 private constant _AFTER_ORIGIN = '","crossOrigin":false';
    // solhint-enable quotes
    /// @dev 36 + 43 characters of base64url + 12.
    uint256 private constant _ORIGIN_AT = 91;

    uint256 private constant _EACH_BYTE =
        0x0101010101010101010101010101010101010101010101010101010101010101;

    /// @notice Returns whether the key's owner answered for this digest, on a page of this origin.
    /// @dev Never reverts, whatever the bytes. The steps are:
    /// 1. The assertion is well-formed: at most 1024 bytes, of which at least 37 are authenticator data.
    /// 2. The flags say that a person was present and verified.
    /// 3. The client data is a `webauthn.get` for exactly this digest, by this origin, not from inside a
    ///    frame of another.
    /// 4. (r, s) is the key's signature; both halves of s count.
    /// @param originDigest The first 8 bytes of the origin's keccak256.
    /// @param assertion The authenticator data's length in 2 bytes, that data, the client data.
    function isValid(
        bytes32 digest,
        uint64 originDigest,
        bytes calldata assertion,
        bytes32 r,
        bytes32 s,
        bytes32 x,
        bytes32 y
    ) internal view returns (bool) {
        // 1.
        uint256 length = assertion.length;
        if (length < _LENGTH_BYTES || length > _ASSERTION_BYTES_MAX) return false;
        uint256 splitAt = _LENGTH_BYTES + uint16(bytes2(assertion));
        if (splitAt < _LENGTH_BYTES + _AUTHENTICATOR_DATA_BYTES_MIN || splitAt > length)
            return false;
        bytes calldata authenticatorData = assertion[_LENGTH_BYTES:splitAt];
        bytes calldata clientData = assertion[splitAt:];
        // 2.
        if (authenticatorData[_FLAGS_AT] & _PRESENT_AND_VERIFIED != _PRESENT_AND_VERIFIED)
            return false;
        // 3.
        if (!_isClientData(clientData, digest, originDigest)) return false;
        // 4.
        bytes32 signed = sha256(abi.encodePacked(authenticatorData, sha256(clientData)));
        return Seal.verifyP256(signed, r, s, x, y);
    }

    /// @dev Compares bytes and parses no JSON: section 5.8.1.1 fixes how browsers write these fields, and
    /// their order. A later edition of the standard may add fields, but only behind these.
    function _isClientData(
        bytes calldata clientData,
        bytes32 digest,
        uint64 originDigest
    ) private pure returns (bool) {
        if (clientData.length < _ORIGIN_AT) return false;
        bytes memory start = abi.encodePacked(
            _BEFORE_CHALLENGE,
            _base64Url(uint256(digest) >> 64),
            bytes11(_base64Url((uint256(digest) << 192) >> 64)),
            _BEFORE_ORIGIN
        );
        if (keccak256(clientData[:_ORIGIN_AT]) != keccak256(start)) return false;

        uint256 end = _endOfOrigin(clientData);
        if (end + _AFTER_ORIGIN.length >= clientData.length) return false;
        bytes32 rest = _wordAt(clientData, end);
        bytes1 next = rest[_AFTER_ORIGIN.length];
        return
            bytes21(rest) == _AFTER_ORIGIN &&
            (next == "}" || next == ",") &&
            uint64(bytes8(keccak256(clientData[_ORIGIN_AT:end]))) == originDigest;
    }

    /// @dev Returns where the first quote or backslash is, 32 bytes at a time; the caller sees which. It may
    /// lie behind the data's end, where other calldata or nothing is.
    function _endOfOrigin(bytes calldata clientData) private pure returns (uint256 at) {
        unchecked {
            for (at = _ORIGIN_AT; at < clientData.length; at += 32) {
                uint256 word = uint256(_wordAt(clientData, at));
                uint256 found =
                    _zeroBytes(word ^ (0x22 * _EACH_BYTE)) | _zeroBytes(word ^ (0x5c * _EACH_BYTE));
                if (found == 0) continue;
                assembly ("memory-safe") {
                    at := add(at, shr(3, clz(found)))
                }
                return at;
            }
        }
    }

    /// @dev Returns a word whose bytes are 0x80 where `word` has a zero byte, and 0 elsewhere.
    function _zeroBytes(uint256 word) private pure returns (uint256) {
        uint256 low7 = 0x7f * _EACH_BYTE;
        unchecked {
            return ~(((word & low7) + low7) | word | low7);
        }
    }

    /// @dev Reads calldata past the end too: callers compare the place with the length.
    function _wordAt(bytes calldata data, uint256 at) private pure returns (bytes32 word) {
        assembly ("memory-safe") {
            word := calldataload(add(data.offset, at))
        }
    }

    /// @dev Returns 24 bytes (the low 192 bits) as 32 characters of base64url, without a loop or a table.
    function _base64Url(uint256 bits) private pure returns (bytes32) {
        unchecked {
            // Halve again and again, until each byte of the word holds 6 bits.
            bits = _spread(bits, 0xffffffffffffffffffffffff, 32);
            bits = _spread(bits, 0xffffffffffff00000000000000000000ffffffffffff, 16);
            bits = _spread(bits, 0xffffff0000000000ffffff0000000000ffffff0000000000ffffff, 8);
            bits = _spread(bits, 0xfff00000fff00000fff00000fff00000fff00000fff00000fff00000fff, 4);
            bits = _spread(
                bits,
                0x3f003f003f003f003f003f003f003f003f003f003f003f003f003f003f003f,
                2
            );
            // The alphabet is A to Z, a to z, 0 to 9, "-" and "_": five runs, hence four steps between them.
            return
                bytes32(
                    bits +
                        65 * _EACH_BYTE +
                        6 * _atLeast(bits, 26) -
                        75 * _atLeast(bits, 52) -
                        13 * _atLeast(bits, 62) +
                        49 * _atLeast(bits, 63)
                );
        }
    }

    /// @dev Moves what the mask does not cover upwards.
    function _spread(uint256 bits, uint256 mask, uint256 by) private pure returns (uint256) {
        return (bits & mask) | ((bits & ~mask) << by);
    }

    /// @dev Returns a word whose bytes are 1 where the byte of `sextets` (below 64) reaches the bound.
    function _atLeast(uint256 sextets, uint256 bound) private pure returns (uint256) {
        unchecked {
            return ((sextets + (128 - bound) * _EACH_BYTE) >> 7) & _EACH_BYTE;
        }
    }
}
