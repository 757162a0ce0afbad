"""Bytes of a scan to grey pages: PDF, PNG, JPEG, TIFF. Whatever the bytes are, memory stays bounded.

The size of a picture is read from its header before it is unpacked, so that a small file cannot become a huge picture.
It must not look for forms.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
import pypdfium2 as pdfium  # type: ignore[import-untyped]
import pypdfium2.raw as pdfium_raw  # type: ignore[import-untyped]

from pipelines.paper.marks import Gray

MAX_PIXELS = 60_000_000  # a page of A4 at 600 dpi has 35 million
MAX_PAGES = 5_000
DPI = 200
PDF, PNG, JPEG = b"%PDF-", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff"
TIFF = (b"II*\0", b"MM\0*")
TWO_LEVELS = 0.985  # share of pixels that are nearly black or nearly white in a page of one bit


class Unreadable(Exception):
    """Why bytes cannot be read as pages, in Vietnamese and English; `is_large` where a limit was passed."""

    def __init__(self, why: str, is_large: bool = False) -> None:
        """Keep the reason."""
        self.is_large = is_large
        super().__init__(why)


@dataclass(frozen=True)
class Picture:
    """One page of a scan; `is_bilevel` says that it has only black and white, so that a pencil may be lost."""

    pixels: Gray
    is_bilevel: bool


def pictures(content: bytes) -> Iterator[Picture | Unreadable]:
    """Yield the pages of a scan in order; a page that cannot be read comes as the reason, the next ones follow."""
    if PDF in content[:1024]:
        yield from _pdf_pages(content)
    elif content.startswith(TIFF):
        yield from _tiff_pages(content)
    elif content.startswith(PNG):
        yield _decoded(content, _png_size(content))
    elif content.startswith(JPEG):
        yield _decoded(content, _jpeg_size(content))
    else:
        yield Unreadable(
            "không phải PDF, PNG, JPEG, TIFF, hãy lưu lại thành JPEG · neither PDF, PNG, JPEG nor TIFF, save it as JPEG"
        )


def _pdf_pages(content: bytes) -> Iterator[Picture | Unreadable]:
    try:
        document = pdfium.PdfDocument(content)
        count = len(document)
    except pdfium.PdfiumError as error:
        yield Unreadable(f"PDF hỏng hoặc có mật khẩu · a broken or locked PDF ({error})")
        return
    try:
        if not 0 < count <= MAX_PAGES:
            yield Unreadable(f"{count} trang · pages", is_large=count > 0)
            return
        for number in range(count):
            yield _pdf_page(document, number)
    finally:
        document.close()


def _pdf_page(document: pdfium.PdfDocument, number: int) -> Picture | Unreadable:
    try:
        page = document[number]
        width, height = (side * DPI / 72 for side in page.get_size())
        images = list(page.get_objects(filter=[pdfium_raw.FPDF_PAGEOBJ_IMAGE], max_depth=3))
        largest = max((image.get_px_size() for image in images), key=lambda size: size[0] * size[1], default=(0, 0))
        if max(width * height, largest[0] * largest[1]) > MAX_PIXELS:
            return Unreadable(_too_large(*largest), is_large=True)
        render = page.render(scale=DPI / 72, grayscale=True, may_draw_forms=False)
        pixels = np.array(render.to_numpy(), dtype=np.uint8).reshape(render.height, render.width)
        bits = [image.get_metadata().bits_per_pixel for image in images]
    except (pdfium.PdfiumError, ValueError) as error:
        return Unreadable(f"trang hỏng · a broken page ({error})")
    return Picture(pixels, 1 in bits or _is_bilevel(pixels))


def _tiff_pages(content: bytes) -> Iterator[Picture | Unreadable]:
    try:
        sizes = _tiff_sizes(content)
    except (struct.error, IndexError):
        yield Unreadable("TIFF hỏng · a broken TIFF")
        return
    if not 0 < len(sizes) <= MAX_PAGES:
        yield Unreadable(f"{len(sizes)} trang · pages", is_large=len(sizes) > 0)
        return
    if any(width * height > MAX_PIXELS for width, height in sizes):
        yield Unreadable(_too_large(*max(sizes)), is_large=True)
        return
    data = np.frombuffer(content, np.uint8)
    for number in range(len(sizes)):
        try:
            whole, pages = cv2.imdecodemulti(data, cv2.IMREAD_GRAYSCALE, range=(number, number + 1))
        except cv2.error:
            whole, pages = False, ()
        yield _picture(pages[0]) if whole and pages else Unreadable("trang TIFF hỏng · a broken page of a TIFF")


def _decoded(content: bytes, size: tuple[int, int] | None) -> Picture | Unreadable:
    if size is None:
        return Unreadable("ảnh hỏng · a broken picture")
    if size[0] * size[1] > MAX_PIXELS:
        return Unreadable(_too_large(*size), is_large=True)
    try:
        pixels = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_GRAYSCALE)
    except cv2.error:
        pixels = None
    return _picture(pixels) if pixels is not None else Unreadable("ảnh hỏng · a broken picture")


def _picture(pixels: object) -> Picture:
    gray = np.asarray(pixels, dtype=np.uint8)
    return Picture(gray, _is_bilevel(gray))


def _is_bilevel(pixels: Gray) -> bool:
    counts = np.bincount(pixels.ravel()[:: max(pixels.size // 500_000, 1)], minlength=256)
    return bool(counts[:24].sum() + counts[232:].sum() >= TWO_LEVELS * counts.sum()) and bool(
        counts[:6].sum() + counts[250:].sum() >= TWO_LEVELS * counts.sum()
    )


def _too_large(width: int, height: int) -> str:
    return f"{width} × {height} > {MAX_PIXELS} điểm ảnh · pixels"


def _png_size(content: bytes) -> tuple[int, int] | None:
    return struct.unpack(">II", content[16:24]) if len(content) >= 24 else None


def _jpeg_size(content: bytes) -> tuple[int, int] | None:
    """Return width and height from the first frame header."""
    at = 2
    while at + 9 <= len(content) and content[at] == 0xFF:
        marker, length = content[at + 1], int.from_bytes(content[at + 2 : at + 4], "big")
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack_from(">HH", content, at + 5)
            return width, height
        at += 1 if marker == 0xFF else 2 + length
    return None


def _tiff_sizes(content: bytes) -> list[tuple[int, int]]:
    """Return (width, height) of every page; stops where the chain of pages turns back."""
    order = "<" if content[:1] == b"I" else ">"
    at, seen, sizes = struct.unpack_from(f"{order}I", content, 4)[0], set[int](), list[tuple[int, int]]()
    while at and at not in seen and len(sizes) <= MAX_PAGES:
        seen.add(at)
        count = struct.unpack_from(f"{order}H", content, at)[0]
        values: dict[int, int] = {}
        for entry in range(at + 2, at + 2 + 12 * count, 12):
            tag, kind = struct.unpack_from(f"{order}HH", content, entry)
            values[tag] = struct.unpack_from(f"{order}{'H' if kind == 3 else 'I'}", content, entry + 8)[0]
        sizes.append((values.get(256, 0), values.get(257, 0)))
        at = struct.unpack_from(f"{order}I", content, at + 2 + 12 * count)[0]
    return sizes
