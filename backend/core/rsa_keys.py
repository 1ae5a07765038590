"""RSA keys as providers hand them out, and the one signature that we make and trust: PKCS#1 v1.5 over SHA-256."""

import base64
from collections.abc import Sequence
from functools import lru_cache

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

LEAST_BITS = 2048


@lru_cache(maxsize=8)
def private_key(text: str) -> rsa.RSAPrivateKey:
    """A private key as PEM or bare base64, PKCS#1 or PKCS#8. Raises ValueError, which never shows the key."""
    try:
        key = serialization.load_der_private_key(_der(text), password=None)
    except (ValueError, TypeError):
        raise ValueError("not a private key") from None
    if not isinstance(key, rsa.RSAPrivateKey) or key.key_size < LEAST_BITS:
        raise ValueError("not an RSA key of 2048 bits or more")
    return key


@lru_cache(maxsize=8)
def public_key(text: str) -> rsa.RSAPublicKey:
    """A public key as PEM or bare base64 of SubjectPublicKeyInfo. Raises ValueError."""
    try:
        key = serialization.load_der_public_key(_der(text))
    except (ValueError, TypeError):
        raise ValueError("not a public key") from None
    if not isinstance(key, rsa.RSAPublicKey) or key.key_size < LEAST_BITS:
        raise ValueError("not an RSA key of 2048 bits or more")
    return key


def public_keys(text: str) -> tuple[rsa.RSAPublicKey, ...]:
    """Public keys separated by commas, as while a provider changes its own. Raises ValueError."""
    return tuple(public_key(part) for part in text.split(","))


def spki_base64(key: rsa.RSAPublicKey) -> str:
    """A public key as bare base64."""
    der = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(der).decode()


def sign(key: rsa.RSAPrivateKey, message: bytes) -> str:
    """The base64 signature over `message`."""
    return base64.b64encode(key.sign(message, padding.PKCS1v15(), hashes.SHA256())).decode()


def verifies(keys: Sequence[rsa.RSAPublicKey], message: bytes, signature: str) -> bool:
    """Whether the base64 `signature` over `message` is one of the keys' with SHA-256; anything odd is False.

    The hash is ours to choose: a check that reads it from the signature takes MD5 as well.
    """
    try:
        raw = base64.b64decode(signature, validate=True)
    except ValueError:
        return False
    return any(_is_of(key, message, raw) for key in keys if len(raw) == key.key_size // 8)


def _is_of(key: rsa.RSAPublicKey, message: bytes, raw: bytes) -> bool:
    try:
        key.verify(raw, message, padding.PKCS1v15(), hashes.SHA256())
    except InvalidSignature:
        return False
    return True


def _der(text: str) -> bytes:
    lines = [line.strip() for line in text.strip().splitlines()]
    try:
        return base64.b64decode("".join(line for line in lines if not line.startswith("-----")), validate=True)
    except ValueError:
        raise ValueError("not base64") from None
