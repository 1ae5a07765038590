"""A one-page PDF, as small as a courier's label could be."""

import io

from pypdf import PdfWriter


def a_label(waybill: str) -> bytes:
    """A blank label that carries its waybill in the document's title."""
    writer, made = PdfWriter(), io.BytesIO()
    writer.add_blank_page(283, 425)
    writer.add_metadata({"/Title": waybill})
    writer.write(made)
    return made.getvalue()
