"""The chain edge; the only importer of web3."""
