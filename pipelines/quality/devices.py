"""What the running numbers and times of each device tell: lost records, repeated ones, a clock set back.

It must not decide what it means: a gap may be a record that is still on its way.
"""

from __future__ import annotations

import duckdb
import pyarrow as pa

# Records are put in the order of their running numbers; among equal numbers the earlier time comes first.
_REPORT = """
WITH ordered AS (
    SELECT device_id, sequence, submitted_at,
        lag(submitted_at) OVER (PARTITION BY device_id ORDER BY sequence, submitted_at) AS before
    FROM records
    WHERE device_id IS NOT NULL AND sequence IS NOT NULL
)
SELECT device_id,
    count(*) AS n,
    min(sequence) AS first_sequence,
    max(sequence) AS last_sequence,
    max(sequence) - min(sequence) + 1 - count(DISTINCT sequence) AS gaps,
    count(*) - count(DISTINCT sequence) AS repeats,
    count(*) FILTER (WHERE submitted_at < before) AS clock_back
FROM ordered
GROUP BY device_id
ORDER BY device_id
"""


def device_report(table: pa.Table) -> pa.Table:
    """Return one row a device, in the order of `device_id`.

    Columns: `n` (records), `first_sequence`, `last_sequence`, `gaps` (running numbers between them that are missing),
    `repeats` (records whose number was there before), `clock_back` (records submitted before the one that precedes
    them in number). Records without device or running number, as those of paper, are left out.

    Args:
        table: responses with `device_id`, `sequence` and `submitted_at`.
    """
    records = table.select(["device_id", "sequence", "submitted_at"])
    with duckdb.connect() as connection:
        connection.register("records", records)
        return connection.sql(_REPORT).to_arrow_table()
