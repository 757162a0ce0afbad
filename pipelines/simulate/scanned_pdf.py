"""Writes the PDF that a scanner makes: one JPEG a page, nothing else, the same bytes for the same pictures."""

from __future__ import annotations

from collections.abc import Sequence

import cv2

from pipelines.simulate.pens import Gray

WIDTH, HEIGHT = 595.276, 841.89  # points of an A4 page
QUALITY = 75


def jpeg(pixels: Gray) -> bytes:
    """Return a grey picture as JPEG."""
    return bytes(cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])[1])


def pdf_of(pictures: Sequence[Gray]) -> bytes:
    """Return a PDF with a page for each grey picture, as large as A4."""
    count = len(pictures)
    kids = " ".join(f"{3 * number + 3} 0 R" for number in range(count))
    objects = [b"<</Type/Catalog/Pages 2 0 R>>", f"<</Type/Pages/Count {count}/Kids[{kids}]>>".encode()]
    for number, pixels in enumerate(pictures):
        objects += _page(3 * number + 3, pixels)
    content, places = bytearray(b"%PDF-1.4\n"), list[int]()
    for number, body in enumerate(objects, 1):
        places.append(len(content))
        content += b"%d 0 obj\n%b\nendobj\n" % (number, body)
    table = "".join(f"{place:010d} 00000 n \n" for place in places)
    size = len(objects) + 1
    tail = f"xref\n0 {size}\n0000000000 65535 f \n{table}trailer\n<</Size {size}/Root 1 0 R>>\n"
    return bytes(content) + f"{tail}startxref\n{len(content)}\n%%EOF\n".encode()


def _page(number: int, pixels: Gray) -> list[bytes]:
    """Return the three objects of a page, the first of which has this number: page, what it draws, picture."""
    height, width = pixels.shape
    box = f"/MediaBox[0 0 {WIDTH} {HEIGHT}]/Resources<</XObject<</I {number + 2} 0 R>>>>"
    page = f"<</Type/Page/Parent 2 0 R{box}/Contents {number + 1} 0 R>>".encode()
    draw = f"{WIDTH} 0 0 {HEIGHT} 0 0 cm /I Do".encode()
    picture = jpeg(pixels)
    kind = f"/Type/XObject/Subtype/Image/Width {width}/Height {height}/ColorSpace/DeviceGray/BitsPerComponent 8"
    head = f"<<{kind}/Filter/DCTDecode/Length {len(picture)}>>".encode()
    return [page, _stream(f"<</Length {len(draw)}>>".encode(), draw), _stream(head, picture)]


def _stream(head: bytes, content: bytes) -> bytes:
    return head + b"\nstream\n" + content + b"\nendstream"
