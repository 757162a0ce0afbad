"""What the running numbers and times of each device tell: lost records, repeated ones, a clock set back.

It must not decide what it means: a gap may be a record that is still on its way.
"""

from __future__ import annotations

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

REFUSED = pa.schema([("device_id", pa.string()), ("sequence", pa.int64())])
MICROSECONDS = 1e6
CLOCK = ("device_id", "sequence", "submitted_at")  # what tells whether a clock was set back
SHOWN_GAPS = 100  # gaps that are named; `gaps` counts all

Ints = NDArray[np.int64]

# Records are put in the order of their running numbers; among equal numbers the earlier time comes first.
_REPORT = """
WITH ordered AS (
    SELECT *, lag(submitted_at) OVER (PARTITION BY device_id ORDER BY sequence, submitted_at) AS before
    FROM every_record
    WHERE device_id IS NOT NULL AND sequence IS NOT NULL
), received AS (
    SELECT device_id, count(*) AS records, count(*) - count(DISTINCT sequence) AS repeats,
        count(*) FILTER (WHERE submitted_at < before) AS clock_back,
        count(*) FILTER (WHERE signing_key IS NULL) AS unsigned, max(submitted_at) AS last_submitted_at
    FROM ordered
    GROUP BY device_id
), numbers AS (
    SELECT device_id, sequence, true AS is_received FROM ordered
    UNION
    SELECT device_id, sequence, false FROM refused WHERE (device_id, sequence) NOT IN (
        SELECT (device_id, sequence) FROM ordered
    )
), spaced AS (
    SELECT *, lead(sequence) OVER (PARTITION BY device_id ORDER BY sequence) AS next FROM numbers
), missing AS (
    SELECT device_id, sequence + 1 AS first, next - 1 AS last, row_number() OVER (
        PARTITION BY device_id ORDER BY sequence
    ) AS turn
    FROM spaced
    WHERE next > sequence + 1
), named AS (
    SELECT device_id, sum(last - first + 1)::BIGINT AS gaps, string_agg(
        CASE WHEN first = last THEN first::VARCHAR ELSE first || '–' || last END, ', ' ORDER BY first
    ) FILTER (WHERE turn <= $shown) || CASE WHEN count(*) > $shown THEN ', …' ELSE '' END AS missing
    FROM missing
    GROUP BY device_id
), spans AS (
    SELECT device_id, min(sequence) AS first_sequence, max(sequence) AS last_sequence,
        count(*) FILTER (WHERE NOT is_received) AS refused
    FROM numbers
    GROUP BY device_id
)
SELECT device_id, coalesce(records, 0) AS records, first_sequence, last_sequence, refused, coalesce(gaps, 0) AS gaps,
    coalesce(missing, '') AS missing, coalesce(repeats, 0) AS repeats, coalesce(clock_back, 0) AS clock_back,
    coalesce(unsigned, 0) AS unsigned, last_submitted_at
FROM spans LEFT JOIN received USING (device_id) LEFT JOIN named USING (device_id)
ORDER BY device_id
"""


def device_report(table: pa.Table, refused: pa.Table | None = None) -> pa.Table:
    """Return one row a device, in the order of `device_id`.

    Columns: `records`, `first_sequence`, `last_sequence`, `refused` (numbers that came, but only in rows that were
    not accepted), `gaps` (numbers between first and last that never came) and `missing` (which, as text, the first
    hundred runs of them), `repeats` (records whose number was there before), `clock_back` (records submitted before
    the one that precedes them in number), `unsigned` (records without `signing_key`), `last_submitted_at`. Records
    without device or running number, as those of paper, are left out.

    Args:
        table: records, each once, with `device_id`, `sequence`, `submitted_at` and `signing_key`.
        refused: `device_id` and `sequence` of rows that came and were not accepted.
    """
    records = table.select(["device_id", "sequence", "submitted_at", "signing_key"])
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.register("every_record", records)
        connection.register("refused", REFUSED.empty_table() if refused is None else refused)
        return connection.sql(_REPORT, params={"shown": SHOWN_GAPS}).to_arrow_table()


def add_clock_flag(table: pa.Table, later: pa.Table | None = None) -> pa.Table:
    """Return responses with `clock_behind_s` and `is_clock_back`.

    `clock_behind_s` is by how many seconds a response was submitted before one with a lower number of its device, in
    this table or among those of `later` months (`CLOCK`); null where it was not, or where there is no device or number.
    The clock was set back then, or was fast before: one of the two times is wrong.
    """
    own = table.select(list(CLOCK))
    every = own if later is None else pa.concat_tables([own, later.select(list(CLOCK)).cast(own.schema)])
    rows = np.flatnonzero(pc.and_(every["device_id"].is_valid(), every["sequence"].is_valid()).to_numpy())
    device = every["device_id"].take(rows).combine_chunks().dictionary_encode().indices.to_numpy()
    sequence, submitted = (every[name].take(rows).cast(pa.int64()).to_numpy() for name in CLOCK[1:])
    order = np.lexsort((sequence, device))
    seconds = np.zeros(every.num_rows)
    seconds[rows[order]] = _behind(device[order], sequence[order], submitted[order]) / MICROSECONDS
    seconds = seconds[: table.num_rows]
    is_back = seconds > 0
    table = table.append_column("clock_behind_s", pa.array(seconds, mask=~is_back))
    return table.append_column("is_clock_back", pa.array(is_back))


def _behind(device: Ints, sequence: Ints, submitted: Ints) -> Ints:
    """Return by how much each time lies behind the latest of the lower numbers of its device; sorted by both."""
    by_time, size = np.argsort(submitted), len(submitted)
    rank = np.empty(size, dtype=np.int64)
    rank[by_time] = np.arange(size)
    latest = np.maximum.accumulate(device.astype(np.int64) * size + rank)  # a device begins above all before
    is_new = np.diff(device, prepend=-1) != 0
    first = np.maximum.accumulate(np.where(is_new | (np.diff(sequence, prepend=-1) != 0), np.arange(size), 0))
    before = submitted[by_time[latest[first - 1] % max(size, 1)]]  # of the number before; nothing is before the first
    return np.where(is_new[first], 0, np.maximum(before - submitted, 0))
