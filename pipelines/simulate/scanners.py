"""Turns a straight page into what an office scanner, a bad one, a fax or a telephone makes of it.

A page is grey pixels, 8 a millimetre. The distortions are ours: no claim about real scanners follows from them.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

Gray = NDArray[np.uint8]
DPI = 200 / 203.2  # from 8 pixels a millimetre


def scan(page: Gray, rng: Generator, strength: float = 1.0, turned: bool | None = None) -> Gray:
    """A scanner at 200 dpi: tilt, blur, noise, uneven light, specks, JPEG; upside down if `turned` (None: at times)."""
    gray = _shrink(page)
    gray = _warp(gray, rng, angle=2.0 * strength, bend=0.004 * strength, background=255)
    if rng.random() < 0.15 if turned is None else turned:
        gray = np.ascontiguousarray(gray[::-1, ::-1])
    return _camera(gray, rng, strength)


def bad_scan(page: Gray, rng: Generator) -> Gray:
    """The same, 2.2 times worse."""
    return scan(page, rng, 2.2)


def fax(page: Gray, rng: Generator) -> Gray:
    """A fax at 204 × 98 dpi: one bit, salt and pepper."""
    return _fax(page, rng, 98)


def fine_fax(page: Gray, rng: Generator) -> Gray:
    """A fax at 204 × 196 dpi."""
    return _fax(page, rng, 196)


def photo(page: Gray, rng: Generator) -> Gray:
    """A telephone's photograph: perspective, a shadow, a dark table, upside down now and then."""
    height, width = page.shape
    table = np.full((round(height * 1.15), round(width * 1.2)), int(rng.integers(50, 110)), np.uint8)
    top, left = (table.shape[0] - height) // 2, (table.shape[1] - width) // 2
    table[top : top + height, left : left + width] = page
    gray = _warp(table, rng, angle=8.0, bend=0.035, background=int(table[0, 0]))
    gray = _shadow(gray, rng)
    if rng.random() < 0.3:
        gray = np.ascontiguousarray(gray[::-1, ::-1])
    return _camera(gray, rng, 1.2)


DISTORTIONS: dict[str, Callable[[Gray, Generator], Gray]] = {
    "scan": scan,
    "bad_scan": bad_scan,
    "fax": fax,
    "fine_fax": fine_fax,
    "photo": photo,
}


def _shrink(page: Gray) -> Gray:
    return np.asarray(cv2.resize(page, None, fx=DPI, fy=DPI, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def _fax(page: Gray, rng: Generator, lines: int) -> Gray:
    turned = _warp(_shrink(page), rng, angle=1.0, bend=0.0, background=255)
    size = (round(turned.shape[1] * 204 / 200), round(turned.shape[0] * lines / 200))
    small = cv2.resize(turned, size, interpolation=cv2.INTER_AREA)
    bits = np.where(small < rng.integers(115, 150), 0, 255).astype(np.uint8)
    specks = rng.random(bits.shape)
    bits[specks < 0.0015], bits[specks > 0.9985] = 0, 255
    return bits


def _warp(gray: Gray, rng: Generator, angle: float, bend: float, background: int) -> Gray:
    height, width = gray.shape
    corners = np.array([(0, 0), (width, 0), (width, height), (0, height)], np.float32)
    turn = cv2.getRotationMatrix2D(
        (width / 2, height / 2), rng.uniform(-angle, angle), 1 / (1 + 0.013 * angle)
    )  # the glass is a little larger
    moved = corners @ turn[:, :2].T + turn[:, 2] + rng.uniform(-bend, bend, (4, 2)) * max(width, height)
    matrix = cv2.getPerspectiveTransform(corners, moved.astype(np.float32))
    return np.asarray(cv2.warpPerspective(gray, matrix, (width, height), borderValue=background), dtype=np.uint8)


def _shadow(gray: Gray, rng: Generator) -> Gray:
    height, width = gray.shape
    rows, columns = np.mgrid[0 : height // 16, 0 : width // 16].astype(np.float32) * 16
    angle, edge = rng.uniform(0, 2 * np.pi), rng.uniform(-0.3, 0.3)
    side = (columns / width - 0.5) * np.cos(angle) + (rows / height - 0.5) * np.sin(angle) - edge
    light = 1 - rng.uniform(0.15, 0.45) / (1 + np.exp(-side * rng.uniform(8, 30)))
    return np.asarray(gray * cv2.resize(light.astype(np.float32), (width, height)), dtype=np.uint8)


def _camera(gray: Gray, rng: Generator, strength: float) -> Gray:
    height, width = gray.shape
    light = cv2.resize(rng.uniform(1 - 0.08 * strength, 1, (3, 3)).astype(np.float32), (width, height))
    values = cv2.GaussianBlur(gray, (0, 0), 0.5 + 0.35 * strength * rng.random()) * light
    noise = rng.standard_normal(gray.shape, dtype=np.float32) * np.float32(4 * strength)
    values = values * np.float32(1 - 0.03 * strength) + np.float32(12 * strength) + noise
    values = np.clip(values, 0, 255).astype(np.uint8)
    for _ in range(int(rng.poisson(15 * strength))):
        place = (int(rng.integers(width)), int(rng.integers(height)))
        cv2.circle(values, place, int(rng.integers(1, 3)), int(rng.integers(40, 120)), -1)
    quality = [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(45, 86))]
    _, content = cv2.imencode(".jpg", values, quality)
    return np.asarray(cv2.imdecode(content, cv2.IMREAD_GRAYSCALE), dtype=np.uint8)
