"""Encrypted files: keys that nothing prints, and the block format that MindSpore and MindSpore Lite share."""

from converter.encryption.blocks import Decryption, DecryptionError, encrypted, encrypted_size, is_encrypted
from converter.encryption.keys import NO_KEYS, Key, Keys, KeySource, key_source, read_keys

__all__ = [
    "NO_KEYS",
    "Decryption",
    "DecryptionError",
    "Key",
    "KeySource",
    "Keys",
    "encrypted",
    "encrypted_size",
    "is_encrypted",
    "key_source",
    "read_keys",
]
