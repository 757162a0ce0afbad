"""Which conformed responses of a month do not count, and why: the rules in DuckDB, over one source's files.

Rows pass through in blocks. Only hashes of the identities are held of all rows; the rest only of those that break a
rule or share an identity, a content or a running number with another. It must not write anything.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, time, timedelta

import duckdb
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipelines.collect.months import BUILD_RIGHT, read_blocks
from pipelines.collect.plan import ScreenPlan
from pipelines.collect.rules import broken_rule, rule_places
from pipelines.collect.schema import item_columns, response_schema
from pipelines.lake import Lake

AGE = "age"  # code of the question whose answer is the age in years
IDENTITY = ("response_id", "revision", "submitted_at", "review_state", "content_hash", "landing_sha256", "line")
KEYS = ("response_id", "content_hash", "device_id", "sequence")
LIMITS = "SET memory_limit = '1GB'; SET threads = 4"  # what does not fit goes to disk; each thread needs its part
PAYLOAD_ROWS = 16_384

# Equal texts have equal hashes: rows whose hashes occur once are like no other row, and are passed over.
_KEYS = """
CREATE TEMP TABLE keys AS
SELECT row, hash(response_id) AS response, CASE WHEN device_id IS NOT NULL THEN hash(content_hash) END AS content,
    CASE WHEN $numbers_once AND device_id IS NOT NULL AND sequence IS NOT NULL THEN hash(device_id, sequence) END
        AS number
FROM month
"""

_ELSEWHERE = """
CREATE TEMP TABLE elsewhere AS
SELECT DISTINCT response FROM (SELECT hash(response_id) AS response FROM others) SEMI JOIN keys USING (response)
"""

_SUSPECTS = """
CREATE TEMP TABLE suspects AS
WITH responses AS (
    SELECT response FROM keys GROUP BY response HAVING count(*) > 1 UNION ALL FROM elsewhere
), contents AS (
    SELECT content FROM keys WHERE content IS NOT NULL GROUP BY content HAVING count(*) > 1
), numbers AS (
    SELECT number FROM keys WHERE number IS NOT NULL GROUP BY number HAVING count(*) > 1
)
SELECT row FROM keys SEMI JOIN responses USING (response)
UNION SELECT row FROM keys SEMI JOIN contents USING (content)
UNION SELECT row FROM keys SEMI JOIN numbers USING (number)
"""

_FACTS = """
CREATE TEMP TABLE facts AS
SELECT * EXCLUDE (broken), CASE
    WHEN submitted_at < $first OR submitted_at >= $end THEN 'R301_OUTSIDE_WINDOW'
    WHEN answered < $minimum_items THEN 'R302_TOO_FEW_ANSWERS'
    WHEN age_in_years < $minimum_age THEN 'R303_UNDER_AGE'
    WHEN len($units) > 0 AND NOT list_contains($units, unit_code) THEN 'R304_UNIT_NOT_IN_ROUND'
    WHEN list_contains($refused_states, review) THEN 'R305_REFUSED_AT_SOURCE'
    WHEN list_contains($waiting_states, review) THEN 'R306_AWAITS_REVIEW'
    WHEN broken IS NOT NULL THEN $rules[broken + 1].code
END AS found, CASE WHEN found = $rules[broken + 1].code THEN $rules[broken + 1] END AS rule
FROM (
    SELECT row, record_id, device_id, sequence, unit_code, {identity}, coalesce(review_state, 'unreviewed') AS review,
        {answered} AS answered, {age} AS age_in_years, {broken} AS broken
    FROM month
)
WHERE found IS NOT NULL OR row IN (FROM suspects) OR response_id IN (SELECT response_id FROM excluded)
"""

_COPIES = "CREATE TEMP TABLE copies AS SELECT {identity} FROM others WHERE hash(response_id) IN (FROM elsewhere)"

# The best copy of each record that has several: highest revision, then latest, then one that a reviewer has seen; the
# place in the landed bytes decides between copies that are alike, so that the order of arrival does not.
_RANKED = """
CREATE TEMP TABLE ranked AS
WITH every AS (
    SELECT row, {identity} FROM facts
    UNION ALL
    SELECT NULL AS row, {identity} FROM copies
), repeated AS (
    SELECT response_id FROM every GROUP BY response_id HAVING count(*) > 1
)
SELECT row, row_number() OVER best AS place, first_value(revision) OVER best AS best_revision,
    first_value(content_hash) OVER best AS best_content
FROM every SEMI JOIN repeated USING (response_id)
WINDOW best AS (
    PARTITION BY response_id
    ORDER BY revision DESC, submitted_at DESC, review_state IS NULL, landing_sha256, line, content_hash
)
"""

_REFUSED = """
CREATE TEMP TABLE refused AS
WITH screened AS (
    SELECT * REPLACE (CASE
        WHEN place > 1 AND revision = best_revision AND content_hash = best_content THEN 'D401_SAME_RECORD'
        WHEN place > 1 THEN 'D403_SUPERSEDED'
        ELSE found
    END AS found)
    FROM facts LEFT JOIN ranked USING (row)
), compared AS (
    SELECT row, row_number() OVER alike AS number, first_value(record_id) OVER alike AS first_record
    FROM screened
    WHERE found IS NULL AND device_id IS NOT NULL
    WINDOW alike AS (PARTITION BY content_hash ORDER BY record_id, response_id)
), numbered AS (
    SELECT row, row_number() OVER same AS turn, first_value(record_id) OVER same AS first_of_number
    FROM screened JOIN compared USING (row)
    WHERE $numbers_once AND number = 1 AND sequence IS NOT NULL
    WINDOW same AS (PARTITION BY device_id, sequence ORDER BY submitted_at, record_id, response_id)
)
SELECT row, CASE WHEN number > 1 THEN 'D402_SAME_CONTENT' WHEN turn > 1 THEN 'D404_SAME_NUMBER'
        WHEN found IS NULL AND decision IS NOT NULL THEN 'R308_EXCLUDED_BY_DECISION' ELSE found END AS code,
    first_record, first_of_number, best_revision, timezone($zone, submitted_at) AS local_time, answered, age_in_years,
    decision, CASE WHEN found = rule.code THEN rule END AS rule
FROM screened LEFT JOIN compared USING (row) LEFT JOIN numbered USING (row) LEFT JOIN excluded USING (response_id)
WHERE code IS NOT NULL
"""

_REASONS = """
SELECT code, landing_sha256, line, response_id, json_merge_patch('{{}}', to_json(struct_pack({record}))) AS payload,
    CASE code
        WHEN 'R301_OUTSIDE_WINDOW' THEN 'submitted_at'
        WHEN 'R303_UNDER_AGE' THEN $age
        WHEN 'R304_UNIT_NOT_IN_ROUND' THEN 'unit_code'
        WHEN 'R305_REFUSED_AT_SOURCE' THEN 'review_state'
        WHEN 'R306_AWAITS_REVIEW' THEN 'review_state'
        ELSE coalesce(rule.question, '')
    END AS field,
    CASE code
        WHEN 'D402_SAME_CONTENT' THEN first_record
        WHEN 'D404_SAME_NUMBER' THEN first_of_number
        WHEN 'D403_SUPERSEDED' THEN CAST(best_revision AS VARCHAR)
        WHEN 'R301_OUTSIDE_WINDOW' THEN strftime(local_time, '%Y-%m-%d %H:%M:%S')
        WHEN 'R302_TOO_FEW_ANSWERS' THEN CAST(answered AS VARCHAR)
        WHEN 'R303_UNDER_AGE' THEN CAST(age_in_years AS VARCHAR)
        WHEN 'R304_UNIT_NOT_IN_ROUND' THEN unit_code
        WHEN 'R305_REFUSED_AT_SOURCE' THEN coalesce(review_state, 'unreviewed')
        WHEN 'R306_AWAITS_REVIEW' THEN coalesce(review_state, 'unreviewed')
        WHEN 'R308_EXCLUDED_BY_DECISION' THEN decision
        ELSE coalesce(rule.text, '')
    END AS value
FROM month JOIN refused USING (row)
ORDER BY row
"""


class Verdicts:
    """The rows of one month that do not count; a row's number is its place in the month's files, in order of name.

    Args:
        connection: to an empty database in memory.
        lake: holds the files.
        plan: the rules.
        mine: files of the month, sorted.
        others: files of the same source's other months.

    `rows_in` is how many rows there are, `codes` how many are refused by code.
    """

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, lake: Lake, plan: ScreenPlan, mine: list[str], others: list[str]
    ) -> None:
        """Judge every row."""
        self._connection, self._lake, self._plan = connection, lake, plan
        self._mine, self._others, self._schema = mine, others, response_schema(plan.method)
        connection.execute(LIMITS)
        connection.execute(BUILD_RIGHT)
        connection.execute("SET TimeZone = 'UTC'")  # payloads must not depend on the machine
        connection.register("excluded", _excluded(plan))
        self._find_suspects()
        self._state_facts()
        self._copy_others()
        connection.execute(_RANKED.format(identity=", ".join(IDENTITY)))
        connection.execute(_REFUSED, {"numbers_once": plan.numbers_once, "zone": plan.round.time_zone})
        self.rows_in = len(connection.table("keys"))
        found = connection.sql("SELECT code, count(*) FROM refused GROUP BY code").fetchall()
        self.codes = {str(code): int(count) for code, count in found}

    def refused_rows(self) -> NDArray[np.int64]:
        """Return the numbers of the rows that do not count, ascending."""
        return np.asarray(self._connection.sql("SELECT row FROM refused ORDER BY row").fetchnumpy()["row"])

    def landings(self) -> list[str]:
        """Return the hashes of the landed objects with refused rows."""
        self._see("month", self._mine, ("landing_sha256",))
        found = self._connection.sql("SELECT DISTINCT landing_sha256 FROM month SEMI JOIN refused USING (row)")
        return [str(sha256) for (sha256,) in found.fetchall()]

    def reasons(self) -> pa.RecordBatchReader:
        """Return code, place, payload, field and value of every refused row, in order, some at a time."""
        self._see("month", self._mine, self._schema.names)
        record = ", ".join(f"{_quoted(name)} := {_quoted(name)}" for name in self._schema.names)
        found = self._connection.sql(_REASONS.format(record=record), params={"age": AGE})
        return found.to_arrow_reader(PAYLOAD_ROWS)

    def _see(self, name: str, paths: list[str], columns: Sequence[str]) -> None:
        """Let DuckDB read some columns of files, once, with the number of each row."""
        self._connection.register(name, read_blocks(self._lake, paths, self._schema, columns))

    def _find_suspects(self) -> None:
        self._see("month", self._mine, KEYS)
        self._connection.execute(_KEYS, {"numbers_once": self._plan.numbers_once})
        self._see("others", self._others, ("response_id",))
        self._connection.execute(_ELSEWHERE)
        self._connection.execute(_SUSPECTS)

    def _state_facts(self) -> None:
        plan, method = self._plan, self._plan.method
        items = [f"({_quoted(name)} IS NOT NULL)::INTEGER" for name in item_columns(method)]
        asks_age = AGE in self._schema.names and pa.types.is_int16(self._schema.field(AGE).type)
        facts = _FACTS.format(
            identity=", ".join(IDENTITY),
            answered=" + ".join(items) or "0",
            age=AGE if asks_age else "NULL::SMALLINT",
            broken=broken_rule(method),
        )
        self._see("month", self._mine, self._schema.names)
        self._connection.execute(
            facts,
            {
                "first": datetime.combine(plan.round.window_from, time(), plan.round.zone),
                "end": datetime.combine(plan.round.window_to + timedelta(days=1), time(), plan.round.zone),
                "minimum_items": plan.minimum_items,
                "minimum_age": plan.minimum_age,
                "units": sorted(plan.units),
                "refused_states": list(plan.refused_states),
                "waiting_states": list(plan.waiting_states),
                "rules": rule_places(method),
            },
        )

    def _copy_others(self) -> None:
        """Keep of other months the copies of this month's records; without any their files are not read again."""
        paths = self._others if len(self._connection.table("elsewhere")) else []
        self._see("others", paths, IDENTITY)
        self._connection.execute(_COPIES.format(identity=", ".join(IDENTITY)))


def _excluded(plan: ScreenPlan) -> pa.Table:
    columns = {"response_id": list(plan.excluded.keys()), "decision": list(plan.excluded.values())}
    return pa.table({name: pa.array(values, pa.string()) for name, values in columns.items()})


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
