"""What is printed: labels as the carrier made them, and the sheet that the courier signs, drawn by us.

The sheet uses the Song font that PDF readers bring along for simplified Chinese (Adobe-GB1), so none is embedded.
"""

import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from pypdf import PageObject, PdfReader, PdfWriter
from pypdf.errors import PyPdfError
from pypdf.generic import (
    ArrayObject,
    DecodedStreamObject,
    DictionaryObject,
    NameObject,
    NumberObject,
    TextStringObject,
)

from backend.core import clock

A4 = (595, 842)
MARGIN, ROW, TOP, ROWS = 48, 26, 742, 24
COLUMNS = ((48, "序号"), (86, "运单号"), (236, "办件"), (416, "收件地区"), (516, "重量"))
WIDEST = {2: 20, 3: 10}
"""Characters that a column holds."""


@dataclass(frozen=True, slots=True)
class SheetLine:
    """One shipment on a hand-over sheet: no name, no street, no phone."""

    waybill: str
    title: str
    region: str
    weight_g: int


class LabelUnreadable(ValueError):
    """What the carrier gave is no PDF."""


def joined(labels: Iterable[bytes]) -> bytes:
    """Several labels as one document, a page each in the order given. Raises LabelUnreadable."""
    writer = PdfWriter()
    for label in labels:
        try:
            for page in PdfReader(io.BytesIO(label)).pages:
                writer.add_page(page)
        except (PyPdfError, ValueError, KeyError):
            raise LabelUnreadable from None
    return _bytes(writer)


def sheet(title: str, number: str, at: datetime, lines: Sequence[SheetLine], courier: str | None) -> bytes:
    """The hand-over sheet: who hands over what to whom, with room for two signatures."""
    writer = PdfWriter()
    font = writer._add_object(_font())
    pages = [lines[start : start + ROWS] for start in range(0, len(lines), ROWS)] or [[]]
    for count, rows in enumerate(pages):
        page = writer.add_blank_page(*A4)
        drawn = _head(title, number, at, count + 1, len(pages), len(lines))
        drawn += _rows(rows, count * ROWS)
        if count == len(pages) - 1:
            drawn += _signatures(courier)
        _draw(page, font, drawn)
    return _bytes(writer)


def _font() -> DictionaryObject:
    """The reader's own Song font, addressed by UTF-16."""
    system = DictionaryObject(
        {
            NameObject("/Registry"): TextStringObject("Adobe"),
            NameObject("/Ordering"): TextStringObject("GB1"),
            NameObject("/Supplement"): NumberObject(4),
        }
    )
    descriptor = DictionaryObject(
        {
            NameObject("/Type"): NameObject("/FontDescriptor"),
            NameObject("/FontName"): NameObject("/STSong-Light"),
            NameObject("/Flags"): NumberObject(6),
            NameObject("/FontBBox"): ArrayObject(NumberObject(one) for one in (-25, -254, 1000, 880)),
            NameObject("/ItalicAngle"): NumberObject(0),
            NameObject("/Ascent"): NumberObject(880),
            NameObject("/Descent"): NumberObject(-120),
            NameObject("/CapHeight"): NumberObject(880),
            NameObject("/StemV"): NumberObject(93),
        }
    )
    half = ArrayObject([NumberObject(1), NumberObject(95), NumberObject(500)])
    below = DictionaryObject(
        {
            NameObject("/Type"): NameObject("/Font"),
            NameObject("/Subtype"): NameObject("/CIDFontType0"),
            NameObject("/BaseFont"): NameObject("/STSong-Light"),
            NameObject("/CIDSystemInfo"): system,
            NameObject("/FontDescriptor"): descriptor,
            NameObject("/DW"): NumberObject(1000),
            NameObject("/W"): half,
        }
    )
    return DictionaryObject(
        {
            NameObject("/Type"): NameObject("/Font"),
            NameObject("/Subtype"): NameObject("/Type0"),
            NameObject("/BaseFont"): NameObject("/STSong-Light-UniGB-UTF16-H"),
            NameObject("/Encoding"): NameObject("/UniGB-UTF16-H"),
            NameObject("/DescendantFonts"): ArrayObject([below]),
        }
    )


def _head(title: str, number: str, at: datetime, page: int, pages: int, total: int) -> list[str]:
    when = clock.civil(at).strftime("%Y-%m-%d %H:%M")
    drawn = [_text(MARGIN, 790, 16, title), _text(MARGIN, 768, 9, f"交接单 {number}    {when}    共 {total} 件")]
    drawn.append(_text(500, 768, 9, f"第 {page} / {pages} 页"))
    drawn += [_text(x, TOP, 10, name) for x, name in COLUMNS]
    drawn.append(_line(TOP - 6))
    return drawn


def _rows(rows: Sequence[SheetLine], before: int) -> list[str]:
    drawn = []
    for place, row in enumerate(rows):
        y = TOP - ROW * (place + 1)
        cells = (str(before + place + 1), row.waybill, row.title, row.region, f"{row.weight_g} 克")
        for column, ((x, _), cell) in enumerate(zip(COLUMNS, cells, strict=True)):
            drawn.append(_text(x, y, 9, cell[: WIDEST.get(column, 40)]))
        drawn.append(_line(y - 8))
    return drawn


def _signatures(courier: str | None) -> list[str]:
    return [
        _text(MARGIN, 72, 10, "大厅交寄人签名：____________________"),
        _text(310, 72, 10, f"快递员签名：____________________ {courier or ''}"),
    ]


def _text(x: int, y: int, size: int, words: str) -> str:
    return f"BT /F {size} Tf {x} {y} Td <{words.encode('utf-16-be').hex()}> Tj ET"


def _line(y: int) -> str:
    return f"0.4 w {MARGIN} {y} m {A4[0] - MARGIN} {y} l S"


def _draw(page: PageObject, font: object, drawn: Sequence[str]) -> None:
    content = DecodedStreamObject()
    content.set_data("\n".join(drawn).encode("ascii"))
    fonts = DictionaryObject({NameObject("/F"): font})
    page[NameObject("/Resources")] = DictionaryObject({NameObject("/Font"): fonts})
    page[NameObject("/Contents")] = content


def _bytes(writer: PdfWriter) -> bytes:
    made = io.BytesIO()
    writer.write(made)
    return made.getvalue()
