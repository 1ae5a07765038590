"""A label as a small PDF: a bar code, where it goes, and no more of the receiver than a courier needs."""

from __future__ import annotations

from .parcels import Parcel

WIDTH, HEIGHT = 284, 369
"""100 × 130 mm in points."""
_CODE128 = (
    "212222222122222221121223121322131222122213122312132212221213221312231212112232122132122231113222123122123221"
    "223211221132221231213212223112312131311222321122321221312212322112322211212123212321232121111323131123131321"
    "112313132113132311211313231113231311112133112331132131113123113321133121313121211331231131213113213311213131"
    "311123311321331121312113312311332111314111221411431111111224111422121124121421141122141221112214112412122114"
    "122411142112142211241211221114413111241112134111111242121142121241114212124112124211411212421112421211212141"
    "214121412121111143111341131141114113114311411113411311113141114131311141411131211412211214211232"
)
"""Six widths a value, from 0."""
_STOP = "2331112"
_START_B, _MODULUS = 104, 103


def label(parcel: Parcel) -> bytes:
    """The document. Name and phone are masked: the courier's hand-held shows them on the way."""
    receiver = parcel.body["receiver"]
    phone = str(receiver.get("mobile") or receiver.get("phone"))
    lines = [
        (14, "EMS 特快专递（模拟）"),
        (20, f"{receiver['city']} {receiver['county']}"),
        (11, f"收 {receiver['name'][:1]}** {phone[:3]}****{phone[-4:]}"),
        (11, receiver["address"][:24]),
        (11, receiver["address"][24:48]),
        (9, f"{parcel.body['cargos'][0]['cargoName']} {parcel.body['weight']} 克"),
        (11, parcel.waybill),
    ]
    parts = ["0 g"]
    top = HEIGHT - 40
    for size, text in lines:
        parts.append(f"BT /F1 {size} Tf 16 {top} Td <{text.encode('utf-16-be').hex()}> Tj ET")
        top -= size + 10
    parts += _bars(parcel.waybill, left=16, bottom=60, height=60, module=1.2)
    return _document("\n".join(parts).encode())


def code128(text: str) -> str:
    """Widths of bars and gaps in turn, set B with check digit."""
    values = [ord(character) - 32 for character in text]
    check = (_START_B + sum(place * value for place, value in enumerate(values, start=1))) % _MODULUS
    return "".join(_CODE128[6 * value : 6 * value + 6] for value in (_START_B, *values, check)) + _STOP


def _bars(text: str, *, left: float, bottom: float, height: float, module: float) -> list[str]:
    drawn, at = [], left
    for place, width in enumerate(code128(text)):
        if place % 2 == 0:
            drawn.append(f"{at:.2f} {bottom} {int(width) * module:.2f} {height} re f")
        at += int(width) * module
    return drawn


def _document(content: bytes) -> bytes:
    """One page. The font is one of Adobe's Chinese ones, which every reader brings along."""
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 %d %d]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>"
        % (WIDTH, HEIGHT),
        b"<</Length %d>>\nstream\n%s\nendstream" % (len(content), content),
        b"<</Type/Font/Subtype/Type0/BaseFont/STSong-Light/Encoding/UniGB-UTF16-H/DescendantFonts[6 0 R]>>",
        b"<</Type/Font/Subtype/CIDFontType0/BaseFont/STSong-Light/CIDSystemInfo"
        b"<</Registry(Adobe)/Ordering(GB1)/Supplement 4>>/FontDescriptor 7 0 R/DW 1000/W[1 95 500]>>",
        b"<</Type/FontDescriptor/FontName/STSong-Light/Flags 6/FontBBox[-25 -254 1000 880]/ItalicAngle 0"
        b"/Ascent 880/Descent -120/CapHeight 880/StemV 93>>",
    ]
    made, places = bytearray(b"%PDF-1.5\n"), []
    for number, body in enumerate(objects, start=1):
        places.append(len(made))
        made += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    start = len(made)
    made += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    made += b"".join(b"%010d 00000 n \n" % place for place in places)
    return bytes(made + b"trailer\n<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, start))
