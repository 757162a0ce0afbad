"""How many respondents answered several times, by source and month and over all; who they are never leaves this module.

It must not say that it is wrong to answer twice: a person may have been at the counter twice.
"""

from __future__ import annotations

from typing import Any

import duckdb
import pyarrow as pa

SCHEMA = pa.schema(
    [
        pa.field("source", pa.string()),
        pa.field("month", pa.string()),
        pa.field("pseudonym", pa.string()),
        pa.field("submitted_at", pa.timestamp("us", "UTC")),
    ]
)
SCOPES = (("source", "month"), ("source",), ("month",), ())  # what responses must share to be looked at together

# The hour of a response begins with it, so that the fullest hour of a respondent begins with one of the responses.
_COUNTS = """
WITH placed AS (
    SELECT {scope}, pseudonym, submitted_at FROM identified
), hours AS (
    SELECT *, count(*) OVER (
        PARTITION BY within_source, within_month, pseudonym ORDER BY submitted_at
        RANGE BETWEEN CURRENT ROW AND INTERVAL 1 HOUR FOLLOWING
    ) AS in_the_hour
    FROM placed
), respondents AS (
    SELECT within_source, within_month, count(*) AS responses, max(in_the_hour) AS most
    FROM hours
    GROUP BY within_source, within_month, pseudonym
)
SELECT within_source, within_month, sum(responses)::BIGINT AS identified_responses, count(*) AS known_respondents,
    count(*) FILTER (WHERE responses > 1) AS repeated_respondents,
    coalesce(sum(responses) FILTER (WHERE responses > 1), 0)::BIGINT AS repeated_responses,
    max(responses) AS most_of_one, max(most) AS most_of_one_in_an_hour
FROM respondents
GROUP BY within_source, within_month
"""


def repeated_respondents(identified: pa.Table) -> list[dict[str, Any]]:
    """Return the counts of every source and month, every source, every month and all together; as in the mart's table.

    `within_source` and `within_month` are empty where all of them are taken together.

    Args:
        identified: responses that have a pseudonym, with the columns of `SCHEMA`.
    """
    found: list[dict[str, Any]] = []
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.register("identified", identified)
        for scope in SCOPES:
            named = ", ".join(f"{name if name in scope else repr('')} AS within_{name}" for name in SCOPES[0])
            found += connection.sql(_COUNTS.format(scope=named)).to_arrow_table().to_pylist()
    return found
