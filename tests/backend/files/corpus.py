"""Files as strangers send them, honest and hostile, each with the verdict it must get. Made by code, never stored."""

import io
import random
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from PIL import Image, PngImagePlugin
from pypdf import PdfWriter
from pypdf.generic import (
    ArrayObject,
    DecodedStreamObject,
    DictionaryObject,
    FloatObject,
    NameObject,
    NumberObject,
    TextStringObject,
)

from backend.sandbox.clamd import EICAR

JPEG, PNG, PDF = "image/jpeg", "image/png", "application/pdf"
READY = "ready"


@dataclass(frozen=True)
class Sample:
    """One file: how it is announced, its bytes, and its verdict: `ready`, a refusal's code, or `name` / `size`."""

    title: str
    name: str
    media_type: str
    content: bytes
    verdict: str


def picture(
    form: str = "JPEG", size: tuple[int, int] = (64, 48), mode: str = "RGB", noisy: bool = True, **options: object
) -> bytes:
    drawn = Image.effect_noise(size, 60).convert(mode) if noisy else Image.new(mode, size)
    return saved(drawn, form, **options)


def saved(drawn: Image.Image, form: str, **options: object) -> bytes:
    written = io.BytesIO()
    drawn.save(written, form, **options)
    return written.getvalue()


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack("!L", len(content)) + kind + content + struct.pack("!L", zlib.crc32(kind + content))


def png(width: int, height: int, rows: bytes, *, extra: bytes = b"", depth: int = 8, colour: int = 2) -> bytes:
    """A PNG from its parts, so that its head may lie."""
    head = chunk(b"IHDR", struct.pack("!LLBBBBB", width, height, depth, colour, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + extra + chunk(b"IDAT", zlib.compress(rows, 9)) + chunk(b"IEND", b"")


def with_place() -> bytes:
    """A photo that says where and by which camera it was taken, lying on its side."""
    drawn = Image.new("RGB", (80, 40), "white")
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "SecretCameraMaker"
    exif.get_ifd(0x8825).update({1: "N", 2: (24.0, 29.0, 6.0), 3: "E", 4: (118.0, 10.0, 48.0)})
    return saved(drawn, "JPEG", exif=exif, comment=b"SecretComment")


def film_behind() -> bytes:
    """A moving photo: a phone puts a short film behind the picture."""
    return picture() + b"\x00\x00\x00\x18ftypmp42" + random.Random(1).randbytes(50_000)  # noqa: S311


def packed(content: bytes = b"echo") -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as archive:
        archive.writestr("run.sh", content)
    return written.getvalue()


Change = Callable[[PdfWriter], None]


def document(pages: int = 1, change: Change | None = None, content: bytes = b"BT ET", **options: str) -> bytes:
    writer = PdfWriter()
    for _ in range(pages):
        page = writer.add_blank_page(595, 842)
        stream = DecodedStreamObject()
        stream.set_data(content)
        page[NameObject("/Contents")] = writer._add_object(stream.flate_encode() if len(content) > 100 else stream)
    if change:
        change(writer)
    if options:
        writer.encrypt(**options, algorithm="AES-256")
    written = io.BytesIO()
    writer.write(written)
    return written.getvalue()


def action(**values: object) -> DictionaryObject:
    named = {key: NameObject(value) if type(value) is str else value for key, value in values.items()}
    return DictionaryObject({NameObject(f"/{key}"): value for key, value in named.items()})


WEB_LINK = action(S="/URI", URI=TextStringObject("https://example.cn"))
FIRST_PAGE = ArrayObject([NumberObject(0), NameObject("/Fit")])


def on_opening(kind: str, **values: object) -> Change:
    def change(writer: PdfWriter) -> None:
        writer.root_object[NameObject("/OpenAction")] = writer._add_object(action(S=kind, **values))

    return change


def annotated(**values: object) -> Change:
    def change(writer: PdfWriter) -> None:
        area = ArrayObject([FloatObject(number) for number in (0, 0, 9, 9)])
        note = writer._add_object(action(Type="/Annot", Rect=area, **values))
        writer.pages[0][NameObject("/Annots")] = ArrayObject([note])

    return change


def at_root(key: str, value: object) -> Change:
    def change(writer: PdfWriter) -> None:
        writer.root_object[NameObject(key)] = value

    return change


def at_turn(writer: PdfWriter) -> None:
    writer.pages[0][NameObject("/AA")] = action(O=action(S="/JavaScript"))


def words(content: bytes) -> bytes:
    """A picture's words."""
    return chunk(b"tEXt", b"a\x00" + content)


def scripts_by_name() -> DictionaryObject:
    script = action(S="/JavaScript", JS=TextStringObject("app.alert(1)"))
    return action(JavaScript=action(Names=ArrayObject([TextStringObject("a"), script])))


def huge_picture_inside(writer: PdfWriter) -> None:
    stream = DecodedStreamObject()
    stream.set_data(b"x")
    for name, value in (
        ("/Subtype", NameObject("/Image")),
        ("/Width", NumberObject(60_000)),
        ("/Height", NumberObject(60_000)),
    ):
        stream[NameObject(name)] = value
    writer._add_object(stream)


class HiddenName(NameObject):
    """A name that is written in hexadecimal, so that no plain search finds it."""

    def write_to_stream(self, stream: Any, encryption_key: Any = None) -> None:
        stream.write(self[:2].encode() + "".join(f"#{ord(letter):02x}" for letter in self[2:]).encode())


HIDDEN = HiddenName("/JavaScript")


def packed_away(catalogue: bytes) -> bytes:
    """A document whose objects lie in a compressed stream, as office programs write them."""
    inner = [catalogue, b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>", PAGE]
    places = [sum(len(one) + 1 for one in inner[:n]) for n in range(3)]
    head = b" ".join(b"%d %d" % (number, place) for number, place in enumerate(places, 1)) + b" "
    stream = zlib.compress(head + b"\n".join(inner))
    body = b"%PDF-1.5\n"
    packed_at = len(body)
    body += b"5 0 obj\n<< /Type /ObjStm /N 3 /First %d /Length %d /Filter /FlateDecode >>\nstream\n" % (
        len(head),
        len(stream),
    )
    body += stream + b"\nendstream\nendobj\n"
    table_at = len(body)
    rows = [(0, 0, 0), (2, 5, 0), (2, 5, 1), (2, 5, 2), (0, 0, 0), (1, packed_at, 0), (1, table_at, 0)]
    table = b"".join(struct.pack("!BHB", *row) for row in rows)
    body += b"6 0 obj\n<< /Type /XRef /Size 7 /W [1 2 1] /Root 1 0 R /Length %d >>\nstream\n" % len(table)
    return body + table + b"\nendstream\nendobj\nstartxref\n%d\n%%%%EOF\n" % table_at


PAGE = b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] >>"
PLAIN_CATALOGUE = b"<< /Type /Catalog /Pages 2 0 R >>"
SCRIPTED_CATALOGUE = b"<< /Type /Catalog /Pages 2 0 R /OpenAction << /S /JavaScript /JS (app.alert\\(1\\)) >> >>"


def old_revision() -> bytes:
    """A script that only an earlier revision of the document holds."""
    plain = document()
    end = plain.rfind(b"startxref")
    dead = b"99 0 obj\n<< /S /JavaScript /JS (app.alert\\(1\\)) >>\nendobj\n"
    moved = int(plain[end:].split()[1]) + len(dead)
    body = plain[: plain.rfind(b"xref\n", 0, end)]
    tables = plain[plain.rfind(b"xref\n", 0, end) : end]
    return body + dead + tables + b"startxref\n%d\n%%%%EOF\n" % moved


def many_objects() -> bytes:
    """A nest of arrays that takes a reader for ever."""
    return document(change=at_root("/Nest", ArrayObject([NumberObject(1)] * 400_000)))


def deep() -> bytes:
    """Arrays in arrays in arrays."""
    body = b"%PDF-1.4\n1 0 obj\n" + b"[" * 100_000 + b"]" * 100_000 + b"\nendobj\n"
    at = len(body)
    table = b"xref\n0 2\n0000000000 65535 f \n0000000009 00000 n \ntrailer\n<< /Size 2 /Root 1 0 R >>\n"
    return body + table + b"startxref\n%d\n%%%%EOF\n" % at


def honest() -> Iterator[Sample]:
    for title, name, media_type, content in (
        ("a photo", "身份证正面.jpg", JPEG, picture()),
        ("a photo in capitals", "IMG_0001.JPG", JPEG, picture()),
        ("the other ending", "a.jpeg", JPEG, picture()),
        ("a name with dots", "扫描件.2026.11.26.jpg", JPEG, picture()),
        ("a grey photo", "grey.jpg", JPEG, picture(mode="L")),
        ("a printer's photo", "cmyk.jpg", JPEG, picture(mode="CMYK")),
        ("a photo that loads in steps", "steps.jpg", JPEG, picture(progressive=True)),
        ("a photo with its place", "place.jpg", JPEG, with_place()),
        ("a photo with a film behind", "motion.jpg", JPEG, film_behind()),
        ("a large photo", "large.jpg", JPEG, picture(size=(4000, 3000), mode="L")),
        ("a picture", "b.png", PNG, picture("PNG")),
        ("a picture with clear parts", "clear.png", PNG, picture("PNG", mode="RGBA")),
        ("a picture of few colours", "few.png", PNG, picture("PNG", mode="P")),
        ("a black and white scan", "scan.png", PNG, picture("PNG", mode="1")),
        ("a picture of 16 bits", "deep.png", PNG, picture("PNG", mode="I;16", noisy=False)),
        ("a single pixel", "one.png", PNG, picture("PNG", size=(1, 1))),
        ("a page", "合同.pdf", PDF, document()),
        ("two hundred pages", "long.pdf", PDF, document(200)),
        ("a page with words", "words.pdf", PDF, document(content=b"BT (" + b"word " * 2000 + b") Tj ET")),
        (
            "a page with a link",
            "link.pdf",
            PDF,
            document(change=annotated(Subtype="/Link", A=WEB_LINK)),
        ),
        (
            "opens at a page",
            "dest.pdf",
            PDF,
            document(change=at_root("/OpenAction", FIRST_PAGE)),
        ),
        ("objects packed away", "office.pdf", PDF, packed_away(PLAIN_CATALOGUE)),
        ("spaces behind the end", "spaces.pdf", PDF, document() + b"\r\n\r\n"),
    ):
        yield Sample(title, name, media_type, content, READY)


def hostile_pictures() -> Iterator[Sample]:
    photo, drawing = picture(), picture("PNG")
    bomb = b"\x00" * (30_000 * 10_000 // 1000)
    for title, name, media_type, content, verdict in (
        ("a PNG called JPG", "x.jpg", JPEG, drawing, "wrong_type"),
        ("a page of the web called JPG", "x.jpg", JPEG, b"<html><script>alert(1)</script></html>", "wrong_type"),
        ("an SVG called PNG", "x.png", PNG, b'<svg xmlns="http://www.w3.org/2000/svg" onload="a()"/>', "wrong_type"),
        ("a GIF called PNG", "x.png", PNG, picture("GIF", mode="L"), "wrong_type"),
        ("a TIFF called JPG", "x.jpg", JPEG, picture("TIFF"), "wrong_type"),
        ("a program called PNG", "x.png", PNG, b"MZ\x90\x00\x03" + b"\x00" * 200, "wrong_type"),
        ("an archive called JPG", "x.jpg", JPEG, packed(), "wrong_type"),
        ("a photo cut in the middle", "x.jpg", JPEG, photo[: len(photo) // 2], "broken"),
        ("a photo without its end", "x.jpg", JPEG, photo[:-2], "broken"),
        ("only the beginning of a photo", "x.jpg", JPEG, b"\xff\xd8\xff\xe0", "broken"),
        ("a picture cut in the middle", "x.png", PNG, drawing[: len(drawing) // 2], "broken"),
        (
            "a picture whose sum is wrong",
            "x.png",
            PNG,
            drawing[:20] + b"\xff" + drawing[21:],
            "broken",
        ),
        ("a picture with noise for pixels", "x.png", PNG, png(50, 50, b"\x00" * 10), "broken"),
        ("a picture of no pixels", "x.png", PNG, png(0, 10, b""), "broken"),
        ("only signature and noise", "x.png", PNG, b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 4, "broken"),
        ("a bomb of pixels", "x.png", PNG, png(30_000, 10_000, bomb), "too_many_pixels"),
        ("one row too many", "x.png", PNG, png(50_000, 1001, b"\x00" * 1000, depth=1, colour=0), "too_many_pixels"),
        ("a photo that claims 65,500 square", "x.jpg", JPEG, lying_jpeg(), "too_many_pixels"),
        ("a bomb of words", "x.png", PNG, png(8, 8, b"\x00" * 200, extra=word_bomb()), "broken"),
        ("a moving picture", "x.png", PNG, moving(), "animated"),
        ("an archive behind a photo", "x.jpg", JPEG, photo + packed(), "hidden_content"),
        ("an archive behind a picture", "x.png", PNG, drawing + packed(), "hidden_content"),
        ("a PDF behind a photo", "x.jpg", JPEG, photo + document(), "hidden_content"),
        ("a script behind a photo", "x.jpg", JPEG, photo + b"<SCRIPT>alert(1)</SCRIPT>", "hidden_content"),
        ("PHP behind a picture", "x.png", PNG, drawing + b"<?php system($_GET[0]); ?>", "hidden_content"),
        ("a program behind a picture", "x.png", PNG, drawing + b"\x7fELF\x02\x01\x01", "hidden_content"),
        ("an archive in a photo's comment", "x.jpg", JPEG, picture(comment=packed()), "hidden_content"),
        ("a virus behind a photo", "x.jpg", JPEG, photo + EICAR, "infected"),
        (
            "a virus in a picture's words",
            "x.png",
            PNG,
            png(8, 8, b"\x00" * 200, extra=words(EICAR)),
            "infected",
        ),
    ):
        yield Sample(title, name, media_type, content, verdict)


def hostile_documents() -> Iterator[Sample]:
    plain, script = document(), TextStringObject("app.alert(1)")
    for title, content, verdict in (
        ("a script on opening", document(change=on_opening("/JavaScript", JS=script)), "active_content"),
        (
            "a script with a hidden name",
            document(change=on_opening(HIDDEN, JS=script)),
            "active_content",
        ),
        ("a script that is packed away", packed_away(SCRIPTED_CATALOGUE), "active_content"),
        ("a script in the names", document(change=at_root("/Names", scripts_by_name())), "active_content"),
        ("a script in an older revision", old_revision(), "active_content"),
        (
            "a script at a page's turn",
            document(change=at_turn),
            "active_content",
        ),
        ("starts a program", document(change=on_opening("/Launch", F=TextStringObject("cmd.exe"))), "active_content"),
        (
            "sends its form away",
            document(change=annotated(A=action(S="/SubmitForm"))),
            "active_content",
        ),
        ("opens another file", document(change=annotated(Subtype="/Link", A=action(S="/GoToR"))), "active_content"),
        (
            "a form of another kind",
            document(change=at_root("/AcroForm", action(XFA=script))),
            "active_content",
        ),
        ("a film in it", document(change=annotated(Subtype="/RichMedia")), "active_content"),
        ("a file in it", document(change=lambda writer: writer.add_attachment("a.exe", b"MZ")), "attachment"),
        ("a file pinned to it", document(change=annotated(Subtype="/FileAttachment")), "attachment"),
        ("a folder of files", document(change=at_root("/Collection", DictionaryObject())), "attachment"),
        ("a password", document(user_password="secret"), "encrypted"),
        ("a password against printing", document(user_password="", owner_password="secret"), "encrypted"),
        ("one page too many", document(201), "too_many_pages"),
        ("a bomb of words", document(content=b"0 " * 40_000_000), "too_complex"),
        ("too many objects", many_objects(), "too_complex"),
        ("arrays in arrays", deep(), "too_complex"),
        ("a picture of 3,600 million pixels", document(change=huge_picture_inside), "too_many_pixels"),
        ("no page", document(0), "broken"),
        ("cut in the middle", plain[: len(plain) // 2], "broken"),
        ("without its table", plain[: plain.rfind(b"xref")] + b"%%EOF", "broken"),
        ("only a head", b"%PDF-1.7\n%%EOF\n", "broken"),
        ("noise behind the head", b"%PDF-1.7\n" + random.Random(2).randbytes(5000) + b"\n%%EOF\n", "broken"),
        ("an archive behind it", plain + packed(), "hidden_content"),
        ("a page of the web before it", b"%PDF-1.7\n<html><script>alert(1)</script>\n" + plain, "hidden_content"),
        ("words before its head", b"hello\n" + plain, "wrong_type"),
        ("a photo called PDF", picture(), "wrong_type"),
        ("an office file called PDF", packed(b"<w:document/>"), "wrong_type"),
        ("a virus in a page", document(content=b"% " + EICAR + b"\nBT ET"), "infected"),
    ):
        yield Sample(title, "文件.pdf", PDF, content, verdict)


def wrong_names() -> Iterator[Sample]:
    photo = picture()
    for name in (
        "evil.php.jpg",
        "evil.exe.jpg",
        "evil.jpg.exe",
        "evil.svg",
        "no-ending",
        ".jpg",
        "../../etc/passwd.jpg",
        "a\\b.jpg",
        "nul\x00.jpg",
        "gpj.\u202efdp.jpg",
        "photo.png",
        "line\nbreak.jpg",
    ):
        yield Sample(f"the name {name!r}", name, JPEG, photo, "name")


def corpus() -> list[Sample]:
    """All of them."""
    return [*honest(), *hostile_pictures(), *hostile_documents(), *wrong_names()]


def lying_jpeg() -> bytes:
    """A small photo whose head claims 65,500 × 65,500."""
    photo = picture()
    at = photo.index(b"\xff\xc0") + 5
    return photo[:at] + struct.pack("!HH", 65_500, 65_500) + photo[at + 4 :]


def word_bomb() -> bytes:
    """Words that unpack to 100 MB."""
    return chunk(b"zTXt", b"a\x00\x00" + zlib.compress(b"\x00" * 100_000_000, 9))


def moving() -> bytes:
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue")]
    written = io.BytesIO()
    frames[0].save(written, "PNG", save_all=True, append_images=frames[1:])
    return written.getvalue()


def with_words() -> bytes:
    """A picture that says who made it."""
    info = PngImagePlugin.PngInfo()
    info.add_text("Author", "SecretAuthor")
    return picture("PNG", pnginfo=info)
