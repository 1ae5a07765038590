"""Films for Chromium's fake camera: a QR code as y4m (YUV4MPEG2), written without any video tool."""

import re
from collections.abc import Sequence
from pathlib import Path

from playwright.sync_api import Browser, Locator, Playwright, expect

from scripts.browser import program
from tests.e2e.conftest import FLAGS

CAMERA = ["--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream"]
WIDTH, HEIGHT = 640, 480
SIDE = 420
WHITE, BLACK, NO_COLOUR = b"\xeb", b"\x10", b"\x80"

Matrix = Sequence[Sequence[bool]]


def seeing(driver: Playwright, path: Path, code: Matrix | None) -> Browser:
    """A Chromium whose camera sees this code, or nothing: one browser for each film."""
    flags = [*FLAGS, *CAMERA, f"--use-file-for-fake-video-capture={film(path, code)}"]
    return driver.chromium.launch(executable_path=program(), args=flags)


def shown_code(picture: Locator) -> Matrix:
    """The modules of the QR code that a citizen's page shows, read from its drawing."""
    expect(picture).to_be_visible()
    side = int(str(picture.get_attribute("viewBox")).split()[2])
    dark = re.findall(r"M(\d+) (\d+)h", str(picture.locator("path").get_attribute("d")))
    found = {(int(x), int(y)) for x, y in dark}
    return [[(x, y) in found for x in range(side)] for y in range(side)]


def film(path: Path, code: Matrix | None, frames: int = 10) -> Path:
    """One second that shows the code in the middle of a white picture, or nothing."""
    picture = _picture(code) if code else WHITE * (WIDTH * HEIGHT)
    colour = NO_COLOUR * (WIDTH * HEIGHT // 2)
    with path.open("wb") as out:
        out.write(f"YUV4MPEG2 W{WIDTH} H{HEIGHT} F10:1 Ip A1:1 C420jpeg\n".encode())
        for _ in range(frames):
            out.write(b"FRAME\n" + picture + colour)
    return path


def _picture(code: Matrix) -> bytes:
    scale = SIDE // len(code)
    size = scale * len(code)
    left, top = (WIDTH - size) // 2, (HEIGHT - size) // 2
    blank = WHITE * WIDTH
    lines = [blank] * top
    for row in code:
        modules = b"".join((BLACK if dark else WHITE) * scale for dark in row)
        lines += [WHITE * left + modules + WHITE * (WIDTH - left - size)] * scale
    return b"".join(lines + [blank] * (HEIGHT - top - size))
