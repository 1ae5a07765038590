"""The API reference on a phone and on a desk."""

from pathlib import Path

import pytest

from tests.e2e.conftest import ROOT, Phone

AXE = ROOT / "pwa" / "node_modules" / "axe-core" / "axe.min.js"


@pytest.mark.parametrize(("width", "height"), [(360, 640), (1280, 800)])
def test_the_reference_is_accessible_and_fits(phone: Phone, shots: Path, width: int, height: int) -> None:
    page = phone(width, height)
    page.goto("/docs/api")
    # axe by the debugger's door: the page's own policy forbids foreign scripts.
    page.evaluate(AXE.read_text())
    found = page.evaluate("() => axe.run(document).then(found => found.violations.map(one => one.id))")
    assert found == []
    wide = page.evaluate("() => document.documentElement.scrollWidth - innerWidth")
    assert wide <= 0, f"{wide} px too wide"
    assert (
        page.evaluate("() => getComputedStyle(document.querySelector('article')).backgroundColor")
        == "rgb(255, 255, 255)"
    )
    page.screenshot(path=shots / f"api-docs-{width}.png")
    page.goto("/docs/api#post-api-v1-holds")
    assert page.locator("#post-api-v1-holds").is_visible()
    page.screenshot(path=shots / f"api-docs-{width}-operation.png")
    page.get_by_role("link", name="openapi.json").click()
    assert page.url.endswith("/api/v1/openapi.json")
