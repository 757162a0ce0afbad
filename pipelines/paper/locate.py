"""Finds our page in a picture: the four corner marks, the page laid straight, and what its QR says.

Orientation follows from the numbers of the marks; three of four are enough. It must not read answers.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import zxingcpp
from numpy.typing import NDArray

from pipelines.paper.identity import PREFIX, PageIdentity, identity_of
from pipelines.paper.marks import SCALE, SIZE, Gray
from pipelines.paper.template import MARKERS, QR

NEEDED = 3
LONGEST = 2400  # pixels of a side of the picture in which marks are looked for first
LARGEST_ERROR = 2.5  # pixels of the straight page; beyond it the page is bent or a mark is not ours
QUIET = 2.0  # mm of white about the QR
ALIKE = 0.6  # how much shorter a mark of a second page may be than that of the first


class SeveralPages(Exception):
    """A picture shows a corner mark twice: there is more than one page, and which marks belong together is not sure."""


@dataclass(frozen=True)
class Straight:
    """A page laid straight: its pixels, how well the corner marks fit (pixels, median), how many were found."""

    page: Gray
    error: float
    markers: int

    @property
    def is_sure(self) -> bool:
        """Whether the marks fit so well that bubbles are where the template says."""
        return self.error <= LARGEST_ERROR


def straighten(pixels: Gray) -> Straight | None:
    """Return the page seen square; None where fewer than three of its corner marks are found.

    Raises:
        SeveralPages: there are two pages in the picture.
    """
    found = find_markers(pixels)
    if len(found) < NEEDED:
        return None
    here = np.concatenate([found[number] for number in sorted(found)])
    there = np.concatenate([_corners(number) for number in sorted(found)])
    matrix, _ = cv2.findHomography(here, there, cv2.RANSAC, 2 * LARGEST_ERROR)
    if matrix is None:
        return None
    moved = cv2.perspectiveTransform(here.reshape(-1, 1, 2), matrix).reshape(-1, 2)
    error = float(np.median(np.hypot(*(moved - there).T)))
    page = cv2.warpPerspective(pixels, matrix, SIZE, flags=cv2.INTER_LINEAR, borderValue=255)
    return Straight(np.asarray(page, dtype=np.uint8), error, len(found))


def find_markers(pixels: Gray) -> dict[int, NDArray[np.float32]]:
    """Return number → corners (4, 2) of our marks; where fewer than four show, the picture is tried in other sizes."""
    found: dict[int, NDArray[np.float32]] = {}
    height, width = pixels.shape
    scale = min(1.0, LONGEST / max(height, width))
    stretch = 1.9 if height < 0.9 * width else 1.0  # a coarse fax has half the lines
    for across, down in dict.fromkeys(((scale, scale), (scale, scale * stretch), (scale * 0.6, scale * 0.6))):
        if len(found) == len(MARKERS) or min(height * down, width * across) < 64:
            break
        for number, corners in _detected(_resized(pixels, across, down)).items():
            found.setdefault(number, ((corners + 0.5) / (across, down) - 0.5).astype(np.float32))
    return found


def read_identity(straight: Straight) -> PageIdentity | str:
    """Return what the QR of a straight page says; the text as it is where it is not ours; empty where none is read."""
    side, left, top = QR.size + 2 * QUIET, QR.x - QUIET, QR.y - QUIET
    x, y, length = (round(part * SCALE) for part in (left, top, side))
    patch = straight.page[max(y, 0) : y + length, x : x + length]
    patch = np.asarray(cv2.copyMakeBorder(patch, 24, 24, 24, 24, cv2.BORDER_CONSTANT, value=255), dtype=np.uint8)
    smooth = np.asarray(cv2.GaussianBlur(patch, (0, 0), 1), dtype=np.uint8)  # specks of a fax break a QR's corners
    found: PageIdentity | str = ""
    for pixels in (smooth, _resized(patch, 0.5, 0.5), patch):
        found = _identity(pixels) or found
        if isinstance(found, PageIdentity):
            break
    return found


def has_our_code(pixels: Gray) -> bool:
    """Whether a QR of ours is anywhere in a picture without enough corner marks."""
    return isinstance(_identity(pixels), PageIdentity)


def _identity(pixels: Gray) -> PageIdentity | str:
    codes = zxingcpp.read_barcodes(
        np.ascontiguousarray(pixels), formats=zxingcpp.BarcodeFormats([zxingcpp.BarcodeFormat.QRCode])
    )
    texts = [code.text for code in codes]
    for text in texts:
        if found := identity_of(text):
            return found
    return next((text for text in texts if text.startswith(f"{PREFIX}:")), texts[0] if texts else "")


def _resized(pixels: Gray, across: float, down: float) -> Gray:
    method = cv2.INTER_AREA if across < 1 else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(pixels, None, fx=across, fy=down, interpolation=method), dtype=np.uint8)


def _detected(pixels: Gray) -> dict[int, NDArray[np.float32]]:
    parameters = cv2.aruco.DetectorParameters()
    parameters.cornerRefinementMethod = cv2.aruco.CORNER_REFINE_SUBPIX
    parameters.adaptiveThreshWinSizeMax, parameters.adaptiveThreshWinSizeStep = 43, 20  # 3, 23 and 43 pixels
    dictionary = cv2.aruco.getPredefinedDictionary(cv2.aruco.DICT_4X4_50)
    corners, numbers, _ = cv2.aruco.ArucoDetector(dictionary, parameters).detectMarkers(pixels)
    found: dict[int, NDArray[np.float32]] = {}
    for number, quad in zip(np.ravel(numbers) if numbers is not None else (), corners, strict=False):
        if not 0 <= number < len(MARKERS):
            continue
        here = np.asarray(quad, dtype=np.float32).reshape(4, 2)
        first = found.setdefault(int(number), here)
        if _are_apart(first, here):
            raise SeveralPages
    return found


def _are_apart(first: NDArray[np.float32], other: NDArray[np.float32]) -> bool:
    """Whether two marks of one number are about as large and stand in different places."""
    sides = sorted(float(np.hypot(*(quad[1] - quad[0]))) for quad in (first, other))
    far = float(np.hypot(*(first.mean(axis=0) - other.mean(axis=0))))
    return sides[0] >= ALIKE * sides[1] and far > sides[1]


def _corners(number: int) -> NDArray[np.float32]:
    """Return the corners of a mark on the straight page, clockwise from its top left, as pixel centres."""
    mark = MARKERS[number]
    far = (mark.x + mark.size, mark.y + mark.size)
    places = ((mark.x, mark.y), (far[0], mark.y), far, (mark.x, far[1]))
    return np.array(places, dtype=np.float32) * SCALE - 0.5
