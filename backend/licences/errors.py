"""Refusals about licences and proofs, in words that lead on."""

from backend.core.errors import Conflict, InvalidInput, Text


class MaterialNotFetchable(InvalidInput):
    """Nothing can be looked up for this material, or its office is not joined: it is uploaded or brought."""

    code = "material_not_fetchable"
    title = Text("这份材料不能联网获取，请上传", "This document cannot be looked up. Upload it")


class LicenceConsentMissing(InvalidInput):
    """A licence is looked up only after its holder agrees to the sentence shown now; `wording` is its version."""

    code = "licence_consent_missing"
    title = Text("请先同意再联网获取材料", "Agree first, then the document can be looked up")


class LicenceNotUsable(Conflict):
    """Nothing was found, or what was found has expired since."""

    code = "licence_not_usable"
    title = Text("这份电子证照不能用，请上传材料", "This licence cannot be used. Upload the document")
