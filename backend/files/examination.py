"""Opening a stranger's file as its reader would: pictures by Pillow, PDF by pypdf. Run as a process of its own.

Nothing of ours is imported: `checking` starts this file with an empty environment and limits on memory, processor
time and output, hands it two open files, and reads one line of JSON. A crash is a refusal, never an acceptance.
"""

import json
import os
import re
import resource
import sys
import warnings
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, BinaryIO

from PIL import Image, ImageFile, ImageOps, PngImagePlugin
from pypdf import PdfReader
from pypdf.errors import LimitReachedError
from pypdf.generic import ArrayObject, DictionaryObject, IndirectObject, NameObject, StreamObject

MOST_DECODED = 64 * 1024 * 1024
MOST_NODES = 300_000
MEMORY_BYTES = 1024 * 1024 * 1024
PROCESSOR_S = 10
JPEG_QUALITY = 90

SIGNATURES = {
    "image/jpeg": (b"\xff\xd8\xff",),
    "image/png": (b"\x89PNG\r\n\x1a\n",),
    "application/pdf": (b"%PDF-1.", b"%PDF-2."),
}
LONGEST_SIGNATURE = 8

OTHER_FORMATS = (b"%PDF-", b"PK\x03\x04", b"PK\x05\x06", b"Rar!\x1a", b"7z\xbc\xaf", b"MZ\x90\x00\x03", b"\x7fELF")
PAGE_MARKS = (b"<html", b"<script", b"<svg ", b"<!doctype", b"<?php")
"""Beginnings of what is hidden behind a picture or before a PDF."""
ARCHIVE_END = b"PK\x05\x06"
ARCHIVE_TAIL = 66_000

ACTIVE_KEYS = {"/JS", "/JavaScript", "/AA", "/XFA", "/RichMediaContent", "/RichMediaSettings"}
ACTIVE_ACTIONS = {
    "/JavaScript",
    "/Launch",
    "/SubmitForm",
    "/ImportData",
    "/GoToR",
    "/GoToE",
    "/Rendition",
    "/Movie",
    "/Sound",
    "/RichMediaExecute",
}
ACTIVE_SUBTYPES = {"/RichMedia", "/Movie", "/Sound", "/Screen", "/3D"}
ATTACHMENT_KEYS = {"/EmbeddedFiles", "/EF", "/AF", "/Collection"}
ACTIVE_RAW = re.compile(rb"/JavaScript|/Launch\b|/RichMedia")
ATTACHMENT_RAW = re.compile(rb"/EmbeddedFile|/FileAttachment")
"""Also what an earlier revision of the document holds, which a reader may be brought to open."""


class Refused(Exception):
    """The file is not taken; the argument is a code of `refusals.WORDS`."""


@dataclass(frozen=True)
class Examined:
    """What was seen of an accepted file."""

    pages: int | None = None
    width: int | None = None
    height: int | None = None


@dataclass(frozen=True)
class Limits:
    """How large a picture and how long a document may be."""

    most_pixels: int
    most_pages: int


def examine(source: BinaryIO, media_type: str, target: BinaryIO, limits: Limits) -> Examined:
    """Open `source` to the last page or pixel and write what may be kept to `target`. Raises Refused.

    A picture is written anew, upright and without its metadata (place, camera, comments); a PDF as it is.
    """
    head = source.read(LONGEST_SIGNATURE)
    if not head:
        raise Refused("empty")
    if not head.startswith(SIGNATURES[media_type]):
        raise Refused("wrong_type")
    source.seek(0)
    try:
        if media_type == "application/pdf":
            return _pdf(source, target, limits)
        return _picture(source, "JPEG" if media_type == "image/jpeg" else "PNG", target, limits)
    except MemoryError:
        raise Refused("too_complex") from None


def _picture(source: BinaryIO, form: str, target: BinaryIO, limits: Limits) -> Examined:
    _refuse_polyglot_picture(source, form)
    Image.MAX_IMAGE_PIXELS = None  # our own limit, before a pixel is decoded
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            with Image.open(source, formats=[form]) as picture:
                return _rewritten(picture, form, target, limits)
    except (Refused, MemoryError):
        raise
    except Exception:  # whatever the decoder stumbles over
        raise Refused("broken") from None


def _rewritten(picture: ImageFile.ImageFile, form: str, target: BinaryIO, limits: Limits) -> Examined:
    if picture.width * picture.height > limits.most_pixels:
        raise Refused("too_many_pixels")
    if form == "PNG" and getattr(picture, "n_frames", 1) > 1:
        raise Refused("animated")
    picture.load()
    orientation = picture.getexif().get(0x0112, 1)
    upright: Image.Image = ImageOps.exif_transpose(picture) if orientation != 1 else picture
    upright.info = {name: upright.info[name] for name in ("transparency",) if name in upright.info}
    if form == "JPEG":
        if upright.mode not in {"L", "RGB"}:
            upright = upright.convert("RGB")
        upright.info = {}
        upright.save(target, "JPEG", quality=JPEG_QUALITY, exif=b"", icc_profile=None, comment=b"")
    else:
        upright.save(target, "PNG", exif=None, icc_profile=None, pnginfo=PngImagePlugin.PngInfo())
    return Examined(width=upright.width, height=upright.height)


def _refuse_polyglot_picture(source: BinaryIO, form: str) -> None:
    """Something of another format behind the picture's end; phones put thumbnails and short films there, no more."""
    content = source.read()
    source.seek(0)
    behind = content[_end_of_png(content) if form == "PNG" else _end_of_jpeg(content) :]
    hidden = any(mark in behind for mark in OTHER_FORMATS) or any(mark in behind.lower() for mark in PAGE_MARKS)
    if hidden or ARCHIVE_END in content[-ARCHIVE_TAIL:]:
        raise Refused("hidden_content")


def _end_of_png(content: bytes) -> int:
    """Where the picture itself ends. Raises Refused when it has no end."""
    at = 8
    while at + 12 <= len(content):
        length, kind = int.from_bytes(content[at : at + 4], "big"), content[at + 4 : at + 8]
        at += 12 + length
        if kind == b"IEND":
            return at
    raise Refused("broken")


def _end_of_jpeg(content: bytes) -> int:
    """As for PNG; a thumbnail's end lies within a segment and is stepped over."""
    at = 2
    while at + 4 <= len(content) and content[at] == 0xFF:
        marker = content[at + 1]
        if marker == 0xDA:
            end = content.find(b"\xff\xd9", at)
            if end > 0:
                return end + 2
            break
        at += 1 if marker == 0xFF else 2 + int.from_bytes(content[at + 2 : at + 4], "big")
    raise Refused("broken")


def _pdf(source: BinaryIO, target: BinaryIO, limits: Limits) -> Examined:
    content = source.read()
    _refuse_raw_pdf(content)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            source.seek(0)
            pages = _PdfWalk(PdfReader(source, strict=True), limits).pages()
    except (Refused, MemoryError):
        raise
    except (LimitReachedError, RecursionError):
        raise Refused("too_complex") from None
    except Exception:  # whatever a reader stumbles over, a citizen's office program would too
        raise Refused("broken") from None
    target.write(content)
    return Examined(pages=pages)


def _refuse_raw_pdf(content: bytes) -> None:
    end = content.rfind(b"%%EOF")
    if end < 0:
        raise Refused("broken")
    if content[end + 5 :].strip(b"\r\n\t \0"):
        raise Refused("hidden_content")
    if ARCHIVE_END in content[-ARCHIVE_TAIL:] or any(mark in content[:1024].lower() for mark in PAGE_MARKS):
        raise Refused("hidden_content")
    if ACTIVE_RAW.search(content):
        raise Refused("active_content")
    if ATTACHMENT_RAW.search(content):
        raise Refused("attachment")


class _PdfWalk:
    """Every object of a document, and every page's content decoded."""

    def __init__(self, reader: PdfReader, limits: Limits) -> None:
        self._reader, self._limits = reader, limits
        self._nodes = self._decoded = 0

    def pages(self) -> int:
        """How many pages. Raises Refused."""
        if self._reader.is_encrypted:
            raise Refused("encrypted")
        for number, generation in self._known():
            self._look(IndirectObject(number, generation, self._reader).get_object())
        count = len(self._reader.pages)
        if count == 0:
            raise Refused("broken")
        if count > self._limits.most_pages:
            raise Refused("too_many_pages")
        for page in self._reader.pages:
            page.mediabox  # noqa: B018 - a page without a size is none
            contents = page.get_contents()
            if contents is not None:
                self._count(contents.get_data())
        return count

    def _known(self) -> Iterator[tuple[int, int]]:
        """Number and generation of every object that the document's tables name."""
        reader = self._reader
        found = {(number, generation) for generation, rows in reader.xref.items() for number in rows}
        found |= {(number, 0) for number in reader.xref_objStm}
        for generation, rows in reader.xref_free_entry.items():
            found -= {(number, generation) for number, is_free in rows.items() if is_free}
        yield from sorted(found)

    def _look(self, node: Any) -> None:
        """An object and what it holds directly; what it refers to is met on its own."""
        waiting = [node]
        while waiting:
            self._nodes += 1
            if self._nodes > MOST_NODES:
                raise Refused("too_complex")
            current = waiting.pop()
            if isinstance(current, DictionaryObject):
                self._look_at_dictionary(current)
                waiting += [value for value in current.values() if not isinstance(value, IndirectObject)]
            elif isinstance(current, ArrayObject):
                waiting += [value for value in current if not isinstance(value, IndirectObject)]

    def _look_at_dictionary(self, found: DictionaryObject) -> None:
        keys, subtype = set(found), _name(found, "/Subtype")
        if keys & ACTIVE_KEYS or _name(found, "/S") in ACTIVE_ACTIONS or subtype in ACTIVE_SUBTYPES:
            raise Refused("active_content")
        if keys & ATTACHMENT_KEYS or _name(found, "/Type") == "/EmbeddedFile" or subtype == "/FileAttachment":
            raise Refused("attachment")
        if subtype == "/Image" and isinstance(found, StreamObject):
            width, height = (found.get(name) for name in ("/Width", "/Height"))
            if int(width or 0) * int(height or 0) > self._limits.most_pixels:
                raise Refused("too_many_pixels")

    def _count(self, content: bytes) -> None:
        self._decoded += len(content)
        if self._decoded > MOST_DECODED:
            raise Refused("too_complex")


def _name(found: DictionaryObject, key: str) -> str | None:
    value = found.get(key)
    return str(value) if isinstance(value, NameObject) else None


def main() -> None:
    """`examination.py MEDIA_TYPE SOURCE_FD TARGET_FD MOST_PIXELS MOST_PAGES`: one line of JSON on standard output."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (PROCESSOR_S, PROCESSOR_S))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    media_type, numbers = sys.argv[1], [int(text) for text in sys.argv[2:]]
    source, target, limits = numbers[0], numbers[1], Limits(*numbers[2:])
    verdict: dict[str, Any]
    with os.fdopen(source, "rb") as opened, os.fdopen(target, "wb") as written:
        try:
            verdict = asdict(examine(opened, media_type, written, limits))
        except Refused as refused:
            verdict = {"refusal": str(refused)}
    sys.stdout.write(json.dumps(verdict))


if __name__ == "__main__":
    main()
