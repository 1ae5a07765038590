"""Made-up keys of a development run, on both ends of every provider: drawn once and kept under var/."""

import base64
import json
import secrets
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from backend.core import rsa_keys

RSA_KEYS = ("ALIPAY_APP_PRIVATE_KEY", "SANDBOX_ALIPAY_PRIVATE_KEY")


def kept(path: Path) -> dict[str, str]:
    """Setting → key. What the file lacks is drawn and written to it."""
    known: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}
    drawn = _drawn() | {name: "" for name in RSA_KEYS if name not in known}
    if "SANDBOX_WECHAT_PAY_KEYS" not in known:
        drawn |= _wechat_pay_keys()
    if not known.keys() >= drawn.keys():
        known = drawn | {name: _rsa_key() for name in RSA_KEYS} | known
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_text(json.dumps(known, indent=1))
    return known


def public_half(private_key: str) -> str:
    """What the other end may know of a kept RSA key."""
    return rsa_keys.spki_base64(rsa_keys.private_key(private_key).public_key())


def _drawn() -> dict[str, str]:
    return {
        "SECRET_KEY": secrets.token_urlsafe(32),
        "FIELD_KEYS": f"1:{_random_key()}",
        "INDEX_KEY": _random_key(),
        "PASS_KEYS": f"1:{_random_key()}",
        "WECHAT_MINI_SECRET": secrets.token_hex(16),
        "WECHAT_OFFICIAL_SECRET": secrets.token_hex(16),
        "WECHAT_OFFICIAL_TOKEN": secrets.token_hex(16),
        "WECHAT_OFFICIAL_AES_KEYS": _random_key().rstrip("="),
        "WECHAT_MINI_TOKEN": secrets.token_hex(16),
        "WECHAT_MINI_AES_KEYS": _random_key().rstrip("="),
        "IXIAMEN_CLIENT_SECRET": secrets.token_hex(16),
        "SMS_SECRET": secrets.token_hex(16),
        "FINANCE_KEYS": f"1:{_random_key()}",
        "LICENCE_KEYS": f"1:{_random_key()}",
        "EPROOF_KEYS": f"1:{_random_key()}",
        "HOTLINE_KEYS": f"1:{_random_key()}",
        "PROVINCE_KEYS": f"1:{_random_key()}",
        "CREDIT_KEYS": f"1:{_random_key()}",
        "EMS_AUTHORIZATION": secrets.token_hex(8),
        "EMS_SIGN_KEY": base64.b64encode(secrets.token_bytes(16)).decode(),
        "DEMO_PASSWORD": secrets.token_urlsafe(12),
        "DEMO_TOTP_SECRET": base64.b32encode(secrets.token_bytes(20)).decode(),
    }


def _random_key() -> str:
    return base64.b64encode(secrets.token_bytes(32)).decode()


def _rsa_key() -> str:
    key = rsa.generate_private_key(65_537, 2048)
    return base64.b64encode(
        key.private_bytes(serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    ).decode()


def _wechat_pay_keys() -> dict[str, str]:
    """Both ends' RSA keys: the merchant's, and the provider's, of which the application sees the public half."""
    ours, theirs = (rsa.generate_private_key(public_exponent=65_537, key_size=2048) for _ in range(2))
    public = theirs.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    key_id = f"PUB_KEY_ID_{secrets.randbelow(10**34):034d}"
    return {
        "WECHAT_PAY_SERIAL": secrets.token_hex(20).upper(),
        "WECHAT_PAY_PRIVATE_KEY": _private_pem(ours),
        "WECHAT_PAY_API_KEY": secrets.token_hex(16),
        "WECHAT_PAY_PUBLIC_KEYS": json.dumps({key_id: public.decode()}),
        "SANDBOX_WECHAT_PAY_KEYS": json.dumps({key_id: _private_pem(theirs)}),
    }


def _private_pem(key: rsa.RSAPrivateKey) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
