"""The settings of WeChat Pay, checked at start: a wrong one is named, its value is never shown."""

import json

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey

from backend.core.config import ConfigError, Settings
from payments.gateways.wechat_pay_wire import PUBLIC_KEY_ID, Account

NOTICE_PATH = "/callbacks/wechat-pay"
"""Where WeChat Pay sends notices of payments and refunds; no query, no login, no redirect."""

NEEDED = (
    "wechat_pay_mchid",
    "wechat_pay_serial",
    "wechat_pay_private_key",
    "wechat_pay_api_key",
    "wechat_pay_public_keys",
)
KEY_BITS = 2048


def account(settings: Settings) -> Account | None:
    """The merchant in the settings, None when none is. Raises ConfigError when half of one is, or a key is wrong."""
    missing = [name for name in NEEDED if not getattr(settings, name)]
    if len(missing) == len(NEEDED):
        return None
    if missing:
        raise ConfigError(f"{missing[0].upper()} is not set, but other settings of WeChat Pay are")
    if len(settings.wechat_pay_api_key.encode()) != 32:
        raise ConfigError("WECHAT_PAY_API_KEY must be 32 bytes")
    ours = _private_key(settings.wechat_pay_private_key)
    keys = _provider_keys(settings.wechat_pay_public_keys)
    if settings.wechat_pay_serial.upper() in keys:
        raise ConfigError("WECHAT_PAY_SERIAL is our certificate's serial, not one of WECHAT_PAY_PUBLIC_KEYS")
    if ours.public_key().public_numbers() in [key.public_numbers() for key in keys.values()]:
        raise ConfigError("WECHAT_PAY_PUBLIC_KEYS holds our own key; WeChat Pay's is needed")
    return Account(
        base=settings.wechat_pay_base.rstrip("/"),
        merchant_id=settings.wechat_pay_mchid,
        serial=settings.wechat_pay_serial.upper(),
        private_key=ours.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ).decode(),
        api_key=settings.wechat_pay_api_key,
        keys=keys,
        notice_url=settings.public_url.rstrip("/") + NOTICE_PATH,
    )


def _private_key(text: str) -> RSAPrivateKey:
    if "RSA PRIVATE KEY" in text:
        raise ConfigError("WECHAT_PAY_PRIVATE_KEY must be PKCS#8; `openssl pkcs8 -topk8 -nocrypt` converts it")
    try:
        key = serialization.load_pem_private_key(_pem(text, "PRIVATE KEY"), password=None)
    except (ValueError, TypeError):
        raise ConfigError("WECHAT_PAY_PRIVATE_KEY is not a PKCS#8 private key") from None
    if not isinstance(key, RSAPrivateKey) or key.key_size < KEY_BITS:
        raise ConfigError(f"WECHAT_PAY_PRIVATE_KEY must be an RSA key of at least {KEY_BITS} bits")
    return key


def _provider_keys(text: str) -> dict[str, RSAPublicKey]:
    try:
        given = json.loads(text)
        keys = {str(serial).upper(): _public_key(str(serial), str(pem)) for serial, pem in given.items()}
    except (ValueError, AttributeError):
        raise ConfigError("WECHAT_PAY_PUBLIC_KEYS must be a JSON object: id or serial to PEM") from None
    if not keys or not all(isinstance(key, RSAPublicKey) for key in keys.values()):
        raise ConfigError("WECHAT_PAY_PUBLIC_KEYS must hold RSA keys")
    return keys


def _public_key(serial: str, text: str) -> RSAPublicKey:
    """A public key under its id, or the key of a platform certificate under that certificate's serial."""
    if serial.upper().startswith(PUBLIC_KEY_ID):
        return serialization.load_pem_public_key(_pem(text, "PUBLIC KEY"))  # type: ignore[return-value]
    certificate = x509.load_pem_x509_certificate(_pem(text, "CERTIFICATE"))
    if certificate.serial_number != int(serial, 16):
        raise ConfigError("WECHAT_PAY_PUBLIC_KEYS: a certificate does not have the serial it is listed under")
    return certificate.public_key()  # type: ignore[return-value]


def _pem(text: str, kind: str) -> bytes:
    """PEM of a key given as PEM, or as its base64 alone: environment files take no line breaks."""
    text = text.strip().replace("\\n", "\n")
    if text.startswith("-----"):
        return text.encode()
    return f"-----BEGIN {kind}-----\n{text}\n-----END {kind}-----\n".encode()
