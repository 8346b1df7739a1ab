"""The keys of the log: one Ed25519 key in a file or in the environment, and the public keys of those before it.

What gets signed is decided in core/log.py. Whoever reads the private key can sign a false log, and whoever can add a
`.pub` file to the folder can make this machine accept one: an outside verifier keeps a copy of the public keys.
To rotate, remove `log.key`; the next start makes a new one, and the old `.pub` stays to verify what it signed.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import hashlib
import os
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from core.errors import Misconfigured, NotFound
from core.settings import settings

KEY_FILE = "log.key"
KEY_VARIABLE = "DOORSTEP_LOG_KEY"


@dataclass(frozen=True, slots=True)
class PublicKey:
    raw: bytes

    def __post_init__(self) -> None:
        Ed25519PublicKey.from_public_bytes(self.raw)

    @property
    def key_id(self) -> str:
        return hashlib.sha256(self.raw).hexdigest()[:16]

    def verifies(self, signature: str, data: bytes) -> bool:
        """True if `signature` (lower-case hex) over `data` is by this key. Other spellings of the same bytes are
        refused, so that no byte of a stored signature can change unseen."""
        try:
            plain = bytes.fromhex(signature)
            if plain.hex() != signature:
                return False
            Ed25519PublicKey.from_public_bytes(self.raw).verify(plain, data)
        except (ValueError, InvalidSignature):
            return False
        return True


class Signer(Protocol):
    @property
    def public(self) -> PublicKey: ...

    def sign(self, data: bytes) -> str:
        """The signature over `data` as lower-case hex."""
        ...


@dataclass(frozen=True, slots=True)
class FileSigner:
    folder: Path
    _key: Ed25519PrivateKey = field(repr=False)

    @property
    def public(self) -> PublicKey:
        return PublicKey(self._key.public_key().public_bytes_raw())

    @property
    def key_id(self) -> str:
        return self.public.key_id

    def sign(self, data: bytes) -> str:
        return self._key.sign(data).hex()

    def public_key(self, key_id: str) -> PublicKey:
        """The known key of that id, this one or one from before a rotation."""
        keys = {self.key_id: self.public, **known_keys(self.folder)}
        if key_id not in keys:
            raise NotFound(f"No public key {key_id} is known here.", f"Put its file, {key_id}.pub, into {self.folder}.")
        return keys[key_id]


def keyring(keys: PublicKey | Iterable[PublicKey]) -> dict[str, PublicKey]:
    """Keys by their id, from one key or many."""
    return {key.key_id: key for key in ([keys] if isinstance(keys, PublicKey) else keys)}


def known_keys(folder: Path) -> dict[str, PublicKey]:
    """Every public key in the folder by its id, rotated ones included."""
    return keyring([_read_public(path) for path in sorted(folder.glob("*.pub"))])


def load_or_create(folder: Path, secret: str | None = None) -> FileSigner:
    """The signer of this installation: the key in DOORSTEP_LOG_KEY (PEM, or the base64 of a 32-byte seed) if that is
    set, else the folder's `log.key`, which is made when it isn't there."""
    secret = (settings().log_key if secret is None else secret).strip()
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        key = _from_variable(secret) if secret else _from_file(folder / KEY_FILE)
        signer = FileSigner(folder, key)
        _publish(signer.public, folder / f"{signer.key_id}.pub")
    except OSError as error:
        raise Misconfigured(
            f"The log's keys in {folder} can't be read or written: {error.strerror}.",
            "Make the folder readable and writable for the user that runs Doorstep.",
        ) from error
    return signer


def _from_variable(secret: str) -> Ed25519PrivateKey:
    if "BEGIN" in secret:
        # Env files and container consoles often carry a PEM on one line with its newlines written as \n.
        return _parse_pem(secret.replace("\\n", "\n").encode(), KEY_VARIABLE)
    try:
        return Ed25519PrivateKey.from_private_bytes(base64.b64decode(secret, validate=True))
    except (binascii.Error, ValueError) as error:
        raise Misconfigured(
            f"{KEY_VARIABLE} is neither a PEM nor the base64 of 32 bytes.",
            "Make a seed with `openssl rand -base64 32`, or unset it to use a key file.",
        ) from error


def _from_file(path: Path) -> Ed25519PrivateKey:
    if not path.exists():
        _create(path)
    if path.stat().st_mode & 0o077:
        raise Misconfigured(f"Others can read the log's private key {path}.", f"Run `chmod 600 {path}`.")
    return _parse_pem(path.read_bytes(), str(path))


def _parse_pem(pem: bytes, where: str) -> Ed25519PrivateKey:
    fix = "Give an unencrypted Ed25519 key, such as `openssl genpkey -algorithm ed25519` makes."
    try:
        key = serialization.load_pem_private_key(pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise Misconfigured(f"{where} holds no private key that can be read.", fix) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise Misconfigured(f"{where} holds a key of another kind than Ed25519.", fix)
    return key


def _create(path: Path) -> None:
    pem = Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    fresh = _write_fresh(path, pem)
    try:
        # A link fails when the name is taken: of two processes that start at once, the second uses the first's key.
        with contextlib.suppress(FileExistsError):
            os.link(fresh, path)
    finally:
        fresh.unlink()
    _sync_folder(path.parent)


def _publish(key: PublicKey, path: Path) -> None:
    if path.exists():
        return
    pem = Ed25519PublicKey.from_public_bytes(key.raw).public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    fresh = _write_fresh(path, pem)
    fresh.chmod(0o644)
    fresh.replace(path)
    _sync_folder(path.parent)


def _read_public(path: Path) -> PublicKey:
    fix = "Restore the file from a copy, or remove it if nothing was signed with that key."
    try:
        key = serialization.load_pem_public_key(path.read_bytes())
    except (ValueError, UnsupportedAlgorithm) as error:
        raise Misconfigured(f"{path} holds no public key that can be read.", fix) from error
    if not isinstance(key, Ed25519PublicKey):
        raise Misconfigured(f"{path} holds a key of another kind than Ed25519.", fix)
    public = PublicKey(key.public_bytes_raw())
    if public.key_id != path.stem:
        raise Misconfigured(f"{path} holds the key {public.key_id}, not the one it is named for.", fix)
    return public


def _write_fresh(path: Path, content: bytes) -> Path:
    """`content` on disk beside `path` under a name of its own, readable by the owner only from its first moment."""
    fresh = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    return fresh


def _sync_folder(folder: Path) -> None:
    # Without this, a power cut can undo the new name although the file's content is on disk.
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
