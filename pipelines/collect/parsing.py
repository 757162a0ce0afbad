"""Text to instants and numbers, vectorised. What cannot be read becomes null; the caller rejects it."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.collect.schema import TIMESTAMP

HALVES = {"SA": "AM", "CH": "PM"}  # sáng, chiều
FIRST_YEAR, LAST_YEAR = 2000, 2100
_DAY = r"^\d{4}-\d{2}-\d{2}"
_CLOCK = r"[T ]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?"
_ZONE = r" ?(Z|[+-](0\d|1[0-4])(:?[0-5]\d)?)"
_LOCAL_ISO = rf"{_DAY}({_CLOCK})?$"
_ZONED_ISO = rf"{_DAY}{_CLOCK}{_ZONE}$"
_INTEGER = r"^-?\d{1,18}$"
_NUMBER = r"^-?\d{1,15}([.,]\d{1,15})?$"


def parse_times(texts: pa.Array, zone: str, time_format: str = "") -> pa.Array:
    """Return UTC timestamps (µs) of texts in `time_format` (strptime) or in ISO 8601, with a zone or local to `zone`.

    `%p` reads the halves of the day in Vietnamese, too (SA, CH). ISO 8601 is read beside a format of one's own, since a
    workbook holds dates both typed and written. Digits below the microsecond are cut. Years outside 2000–2100 and local
    times that a zone skips or repeats become null.
    """
    if pc.any(pc.match_substring(texts, ".")).as_py():
        texts = pc.replace_substring_regex(texts, r"(\.\d{6})\d+", r"\1")
    found = [_parse_zoned(_only(texts, _ZONED_ISO)), _parse(_only(texts, _LOCAL_ISO), "ISO8601", zone)]
    if "%p" in time_format:
        for written, meant in HALVES.items():
            texts = pc.replace_substring_regex(texts, rf"\b{written}\b", meant)
    if time_format:
        found.insert(0, _parse(texts, time_format, "" if "%z" in time_format else zone))
    times = pc.coalesce(*found)
    years = pc.year(times)
    return pc.if_else(pc.and_(pc.less_equal(FIRST_YEAR, years), pc.less_equal(years, LAST_YEAR)), times, None)


def parse_integers(texts: pa.Array, minimum: int, maximum: int) -> pa.Array:
    """Return whole numbers as int64; null where the text is none or lies outside the bounds."""
    numbers = _only(texts, _INTEGER).cast(pa.int64())
    inside = pc.and_(pc.less_equal(minimum, numbers), pc.less_equal(numbers, maximum))
    return pc.if_else(inside, numbers, None)


def parse_numbers(texts: pa.Array) -> pa.Array:
    """Return numbers as float64; the decimal sign is a point or, as Vietnamese writes, a comma; no thousands signs."""
    return pc.replace_substring(_only(texts, _NUMBER), ",", ".").cast(pa.float64())


def local_months(times: pa.Array, zone: str) -> pa.Array:
    """Return the month in a zone, e.g. `2023-05`, of timestamps; null where there is none."""
    return _local(times, zone, "month", "%Y-%m")


def local_days(times: pa.Array, zone: str) -> pa.Array:
    """Return the day in a zone, e.g. `2023-05-04`, of timestamps; null where there is none."""
    return _local(times, zone, "day", "%Y-%m-%d")


def _local(times: pa.Array, zone: str, unit: str, shape: str) -> pa.Array:
    """Return timestamps in a zone as text, which is made once for each unit of time."""
    found = pc.floor_temporal(pc.local_timestamp(times.cast(pa.timestamp("us", tz=zone))), unit=unit)
    distinct = found.unique()
    return pc.strftime(distinct, format=shape).take(pc.index_in(found, distinct))


def _only(texts: pa.Array, pattern: str) -> pa.Array:
    return pc.if_else(pc.match_substring_regex(texts, pattern), texts, None)


def _parse_zoned(texts: pa.Array) -> pa.Array:
    """Parse ISO 8601 with zone: Arrow is quick and knows no single bad text, so that pandas looks where one is."""
    try:
        return texts.cast(TIMESTAMP)
    except pa.ArrowInvalid:
        return _parse(texts, "ISO8601", "")


def _parse(texts: pa.Array, time_format: str, zone: str) -> pa.Array:
    """Parse texts of one shape; `zone` is that of texts that carry none, empty where each carries its own."""
    if texts.null_count == len(texts):
        return pa.nulls(len(texts), TIMESTAMP)
    import pandas as pd  # takes a second, and only reading new records needs it

    times = pd.to_datetime(texts.to_pandas(), format=time_format, utc=not zone, errors="coerce", cache=False)
    if zone:
        times = times.dt.tz_localize(zone, ambiguous="NaT", nonexistent="NaT").dt.tz_convert("UTC")
    return pa.array(times.dt.as_unit("us"), TIMESTAMP, from_pandas=True)
