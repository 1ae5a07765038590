"""One signature, PKCS#1 v1.5 over SHA-256; keys in every form in which providers hand them out."""

import base64

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from backend.core import rsa_keys

KEY, OTHER = (rsa.generate_private_key(65_537, 2048) for _ in range(2))
SHORT = rsa.generate_private_key(65_537, 1024)
CURVE = ec.generate_private_key(ec.SECP256R1())
DER, PEM, PKCS8 = serialization.Encoding.DER, serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
PKCS1, SPKI = serialization.PrivateFormat.TraditionalOpenSSL, serialization.PublicFormat.SubjectPublicKeyInfo
OPEN = serialization.NoEncryption()


def bare(der: bytes) -> str:
    return base64.b64encode(der).decode()


@pytest.mark.parametrize("form", [PKCS8, PKCS1])
def test_private_keys_as_pem_and_bare(form: serialization.PrivateFormat) -> None:
    for text in (KEY.private_bytes(PEM, form, OPEN).decode(), bare(KEY.private_bytes(DER, form, OPEN))):
        assert rsa_keys.private_key(text).private_numbers() == KEY.private_numbers()


def test_public_keys_as_pem_and_bare_and_several() -> None:
    one, two = (rsa_keys.spki_base64(key.public_key()) for key in (KEY, OTHER))
    pem = KEY.public_key().public_bytes(PEM, SPKI).decode()
    assert rsa_keys.public_key(pem) == rsa_keys.public_key(one) == KEY.public_key()
    assert rsa_keys.public_keys(f"{one},{two}") == (KEY.public_key(), OTHER.public_key())


@pytest.mark.parametrize("text", ["", "%%%", "AAAA", bare(SHORT.private_bytes(DER, PKCS8, OPEN))])
def test_what_is_no_private_key(text: str) -> None:
    with pytest.raises(ValueError, match=r"^not (a private key|an RSA key of 2048 bits or more)$"):
        rsa_keys.private_key(text)
    with pytest.raises(ValueError, match="RSA"):
        rsa_keys.private_key(bare(CURVE.private_bytes(DER, PKCS8, OPEN)))


@pytest.mark.parametrize("text", ["", "%%%", "AAAA", bare(SHORT.public_key().public_bytes(DER, SPKI))])
def test_what_is_no_public_key(text: str) -> None:
    with pytest.raises(ValueError, match=r"^not (a public key|an RSA key of 2048 bits or more)$"):
        rsa_keys.public_key(text)
    with pytest.raises(ValueError, match="RSA"):
        rsa_keys.public_key(bare(CURVE.public_key().public_bytes(DER, SPKI)))


def test_the_alphabet_is_strict() -> None:
    """A key with a stray sign in it is refused and not read around it."""
    text = rsa_keys.spki_base64(KEY.public_key())
    with pytest.raises(ValueError, match="not a public key"):
        rsa_keys.public_key(f"{text[:40]}*{text[40:]}")


def test_only_the_signature_of_one_of_the_keys_counts() -> None:
    signature, keys = rsa_keys.sign(KEY, b"text"), (OTHER.public_key(), KEY.public_key())
    assert rsa_keys.verifies(keys, b"text", signature) is True
    assert rsa_keys.verifies(keys, b"text ", signature) is False
    assert rsa_keys.verifies(keys[:1], b"text", signature) is False
    assert rsa_keys.verifies((), b"text", signature) is False


@pytest.mark.parametrize("hash_", [hashes.MD5(), hashes.SHA1(), hashes.SHA512()])
def test_another_hash_is_no_signature(hash_: hashes.HashAlgorithm) -> None:
    raw = KEY.sign(b"text", padding.PKCS1v15(), hash_)
    assert rsa_keys.verifies((KEY.public_key(),), b"text", base64.b64encode(raw).decode()) is False


def test_another_padding_is_no_signature() -> None:
    raw = KEY.sign(b"text", padding.PSS(padding.MGF1(hashes.SHA256()), 32), hashes.SHA256())
    assert rsa_keys.verifies((KEY.public_key(),), b"text", base64.b64encode(raw).decode()) is False


def test_odd_texts_are_no_signature() -> None:
    keys, signature = (KEY.public_key(),), rsa_keys.sign(KEY, b"text")
    for odd in ("", "签", "A", signature[:-4], f"{signature}AAAA", f"{signature[:9]}*{signature[9:]}", f" {signature}"):
        assert rsa_keys.verifies(keys, b"text", odd) is False
