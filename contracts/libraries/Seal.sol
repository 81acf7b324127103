// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title The EIP-712 hash of a seal, its P-256 check, and what a registrar's seal attests
/// @dev Assembly where every segment passes: what is hashed or asked stands behind the free memory pointer only
/// as long as that takes.
library Seal {
    bytes32 internal constant DOMAIN_TYPEHASH = keccak256(
        "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
    );
    bytes32 internal constant SEAL_TYPEHASH = keccak256(
        "Seal(uint64 device,uint40 seq,bytes32 head)"
    );
    bytes32 internal constant NAME_HASH = keccak256("Huanlian");
    bytes32 internal constant VERSION_HASH = keccak256("1");

    /// @dev P256VERIFY, https://eips.ethereum.org/EIPS/eip-7951
    uint256 private constant _P256_VERIFY = 0x100;
    uint256 private constant _SHA256 = 2;

    function domainSeparator(uint256 chainId, address ledger) internal pure returns (bytes32) {
        return keccak256(abi.encode(DOMAIN_TYPEHASH, NAME_HASH, VERSION_HASH, chainId, ledger));
    }

    /// @notice Returns the hash that the device signs as data.
    function digest(
        bytes32 separator,
        uint64 device,
        uint40 seq,
        bytes32 head
    ) internal pure returns (bytes32 digest_) {
        bytes32 typehash = SEAL_TYPEHASH;
        uint256 device_ = device;
        uint256 seq_ = seq;
        assembly ("memory-safe") {
            let at_ := mload(0x40)
            mstore(at_, typehash)
            mstore(add(at_, 0x20), device_)
            mstore(add(at_, 0x40), seq_)
            mstore(add(at_, 0x60), head)
            let structHash := keccak256(at_, 0x80)
            mstore(at_, shl(240, 0x1901))
            mstore(add(at_, 0x02), separator)
            mstore(add(at_, 0x22), structHash)
            digest_ := keccak256(at_, 0x42)
        }
    }

    /// @notice Returns the hash under which a registrar's word about a site is attested.
    /// @param detail The site's kind, or how many bins are placed.
    function statementOf(
        uint8 kind,
        uint64 site,
        uint40 detail,
        bytes32 digest_
    ) internal pure returns (bytes32) {
        return keccak256(abi.encode(kind, site, detail, digest_));
    }

    /// @notice Returns the part of a public key that the ledger keeps.
    function keyHash(bytes32 x, bytes32 y) internal pure returns (uint160) {
        bytes32 hash;
        assembly ("memory-safe") {
            mstore(0x00, x)
            mstore(0x20, y)
            hash := keccak256(0x00, 0x40)
        }
        return uint160(uint256(hash));
    }

    /// @notice Returns whether (r, s) is the key's ECDSA-SHA256 signature of the digest.
    /// @dev WebCrypto hashes what it signs, hence sha256. Both halves of s count: what stops a replay is the
    /// seq, never the bytes of a signature.
    function isValid(
        bytes32 digest_,
        bytes32 r,
        bytes32 s,
        bytes32 x,
        bytes32 y
    ) internal view returns (bool) {
        bytes32 hash;
        assembly ("memory-safe") {
            mstore(0x00, digest_)
            if iszero(staticcall(gas(), _SHA256, 0x00, 0x20, 0x00, 0x20)) {
                revert(0, 0)
            }
            hash := mload(0x00)
        }
        return verifyP256(hash, r, s, x, y);
    }

    /// @dev A chain without the precompile answers with nothing, just like a bad signature.
    function verifyP256(
        bytes32 hash,
        bytes32 r,
        bytes32 s,
        bytes32 x,
        bytes32 y
    ) internal view returns (bool isVerified) {
        assembly ("memory-safe") {
            let at_ := mload(0x40)
            mstore(at_, hash)
            mstore(add(at_, 0x20), r)
            mstore(add(at_, 0x40), s)
            mstore(add(at_, 0x60), x)
            mstore(add(at_, 0x80), y)
            let success := staticcall(gas(), _P256_VERIFY, at_, 0xa0, 0x00, 0x20)
            isVerified := and(success, and(eq(returndatasize(), 0x20), eq(mload(0x00), 1)))
        }
    }

    /// @notice Returns whether this chain has the precompile.
    /// @dev Key and signature of "sample" with SHA-256: https://www.rfc-editor.org/rfc/rfc6979#appendix-A.2.5
    function hasP256() internal view returns (bool) {
        return
            verifyP256(
                sha256("sample"),
                0xefd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716,
                0xf7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8,
                0x60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6,
                0x7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299
            );
    }
}
