"""Screening: which conformed responses of a month count; rows in = accepted + duplicate + rejected.

One record is counted once, whatever the order in which its copies landed: first the latest revision of each record is
found, over all months; it must then belong to the round; last, records that are the same under another identity leave
one. It must not judge how good an answer is.
"""

from __future__ import annotations

from collections.abc import Callable
from tempfile import TemporaryDirectory

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.collect.months import dataset, month_of
from pipelines.collect.plan import ScreenPlan
from pipelines.collect.rejects import SCHEMA
from pipelines.collect.rules import broken_rule, rule_places
from pipelines.collect.schema import accepted_schema, item_columns, response_schema
from pipelines.lake import Lake, conformed, receipt, rejects, responses
from pipelines.model.codes import RejectCode
from pipelines.model.run import Partition, StageReport

STAGE = "screen"
AGE = "age"  # code of the question whose answer is the age in years
IDENTITY = ("response_id", "revision", "submitted_at", "review_state", "content_hash", "landing_sha256", "line")
DUPLICATES = pa.array([code.code for code in RejectCode if code.is_duplicate])
Flags = Callable[[pa.Table], pa.Table]

# The best copy of each record that has several: highest revision, then latest, then one that a reviewer has seen; the
# place in the landed bytes decides between copies that are alike, so that the order of arrival does not.
_RANK = """
CREATE TEMP TABLE ranked AS
WITH every AS (
    SELECT row, {identity} FROM mine
    UNION ALL
    SELECT NULL AS row, {identity} FROM others
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

_DECIDE = """
CREATE TEMP TABLE decided AS
WITH facts AS (
    SELECT row, record_id, response_id, device_id, sequence, unit_code, review_state, content_hash,
        coalesce(place, 1) > 1 AS is_beaten, best_revision,
        revision = best_revision AND content_hash = best_content AS is_same,
        coalesce(review_state, 'unreviewed') AS review,
        {answered} AS answered, {age} AS age_in_years, {broken} AS broken,
        timezone($zone, submitted_at) AS local_time, timezone($zone, received_at) AS local_receipt
    FROM mine LEFT JOIN ranked USING (row)
), screened AS (
    SELECT *, CASE
        WHEN is_beaten AND is_same THEN 'D401_SAME_RECORD'
        WHEN is_beaten THEN 'D403_SUPERSEDED'
        WHEN CAST(local_time AS DATE) NOT BETWEEN $first_day AND $last_day THEN 'R301_OUTSIDE_WINDOW'
        WHEN answered < $minimum_items THEN 'R302_TOO_FEW_ANSWERS'
        WHEN age_in_years < $minimum_age THEN 'R303_UNDER_AGE'
        WHEN len($units) > 0 AND NOT list_contains($units, unit_code) THEN 'R304_UNIT_NOT_IN_ROUND'
        WHEN list_contains($refused_states, review) THEN 'R305_REFUSED_AT_SOURCE'
        WHEN list_contains($waiting_states, review) THEN 'R306_AWAITS_REVIEW'
        WHEN broken IS NOT NULL THEN $rules[broken + 1].code
    END AS found
    FROM facts
), compared AS (
    SELECT row, row_number() OVER alike AS number, first_value(record_id) OVER alike AS first_record
    FROM screened
    WHERE found IS NULL AND device_id IS NOT NULL
    WINDOW alike AS (PARTITION BY content_hash ORDER BY record_id, response_id)
), numbered AS (
    SELECT row, row_number() OVER same AS turn, first_value(record_id) OVER same AS first_of_number
    FROM screened JOIN compared USING (row)
    WHERE $numbers_once AND number = 1 AND sequence IS NOT NULL
    WINDOW same AS (PARTITION BY device_id, sequence ORDER BY local_time, record_id, response_id)
)
SELECT row,
    CASE WHEN number > 1 THEN 'D402_SAME_CONTENT' WHEN turn > 1 THEN 'D404_SAME_NUMBER'
        WHEN found IS NULL AND decision IS NOT NULL THEN 'R308_EXCLUDED_BY_DECISION' ELSE found END AS code,
    coalesce(date_trunc('month', local_receipt) > date_trunc('month', local_time), false) AS is_late,
    first_record, first_of_number, best_revision, local_time, answered, age_in_years, decision,
    CASE WHEN found = $rules[broken + 1].code THEN $rules[broken + 1] END AS rule
FROM screened LEFT JOIN compared USING (row) LEFT JOIN numbered USING (row) LEFT JOIN excluded USING (response_id)
"""

_ACCEPTED = """
SELECT {columns}, is_late FROM mine JOIN decided USING (row) WHERE code IS NULL ORDER BY response_id
"""

_REFUSED = """
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
FROM mine JOIN decided USING (row)
WHERE code IS NOT NULL
ORDER BY landing_sha256, line, code, response_id
"""


def screen_month(lake: Lake, plan: ScreenPlan, source: str, month: str, flags: Flags | None = None) -> StageReport:
    """Screen the responses of one source that were submitted in one month (`2023-05`, in the round's zone).

    `flags` may add columns to the accepted responses. Running it again replaces what it wrote, with the same bytes;
    a month without accepted responses gets an empty file.

    Raises:
        AccountError: rows would have been lost; nothing is written then.
    """
    round_id = plan.round.id
    paths = lake.glob(conformed(round_id, source, "*", "*"))
    mine = [path for path in paths if month_of(path) == month]
    others = [path for path in paths if month_of(path) != month]
    with TemporaryDirectory() as folder, duckdb.connect(config={"temp_directory": folder}) as connection:
        rows_in = _decide(connection, lake, plan, mine, others)
        accepted = _accepted(connection, plan)
        names = _file_names(lake, round_id, source, connection)
        refused = _refused(connection, plan, names)
    accepted = accepted if flags is None else flags(accepted)
    duplicate = pc.sum(pc.is_in(refused["code"], DUPLICATES)).as_py() or 0
    report = StageReport(STAGE, Partition(round_id, source, month), rows_in, len(accepted), duplicate, inputs=mine)
    report.rejected = len(refused) - duplicate
    report.close()
    report.outputs = _publish(lake, plan, source, month, accepted, refused)
    return report


def _decide(
    connection: duckdb.DuckDBPyConnection, lake: Lake, plan: ScreenPlan, mine: list[str], others: list[str]
) -> int:
    """Give every row of the month its code, null where it is accepted; return how many rows there are."""
    schema = response_schema(plan.method)
    connection.execute("SET TimeZone = 'UTC'")  # payloads must not depend on the machine
    connection.register("month_files", dataset(lake, mine, schema))
    connection.register("excluded", _excluded(plan))
    connection.execute("CREATE TEMP TABLE mine AS SELECT row_number() OVER () AS row, * FROM month_files")
    connection.register("others", _copies(lake, connection, others, schema))
    connection.execute(_RANK.format(identity=", ".join(IDENTITY)))
    items = [f"({_quoted(name)} IS NOT NULL)::INTEGER" for name in item_columns(plan.method)]
    age = AGE if AGE in schema.names and pa.types.is_int16(schema.field(AGE).type) else "NULL::SMALLINT"
    decide = _DECIDE.format(answered=" + ".join(items) or "0", age=age, broken=broken_rule(plan.method))
    connection.execute(
        decide,
        {
            "zone": plan.round.time_zone,
            "first_day": plan.round.window_from,
            "last_day": plan.round.window_to,
            "minimum_items": plan.minimum_items,
            "minimum_age": plan.minimum_age,
            "units": sorted(plan.units),
            "refused_states": list(plan.refused_states),
            "waiting_states": list(plan.waiting_states),
            "numbers_once": plan.numbers_once,
            "rules": rule_places(plan.method),
        },
    )
    return len(connection.table("mine"))


def _copies(lake: Lake, connection: duckdb.DuckDBPyConnection, others: list[str], schema: pa.Schema) -> pa.Table:
    """Return of other months only the copies of this month's records; their files pass through a block at a time."""
    mine = connection.sql("SELECT DISTINCT response_id FROM mine").to_arrow_table()["response_id"].combine_chunks()
    identity = pa.schema([schema.field(name) for name in IDENTITY])
    is_copy = pc.field("response_id").isin(mine)
    return dataset(lake, others, identity).to_table(filter=is_copy, batch_readahead=2, fragment_readahead=1)


def _excluded(plan: ScreenPlan) -> pa.Table:
    columns = {"response_id": list(plan.excluded.keys()), "decision": list(plan.excluded.values())}
    return pa.table({name: pa.array(values, pa.string()) for name, values in columns.items()})


def _accepted(connection: duckdb.DuckDBPyConnection, plan: ScreenPlan) -> pa.Table:
    schema = accepted_schema(plan.method)
    columns = ", ".join(map(_quoted, response_schema(plan.method).names))
    return connection.sql(_ACCEPTED.format(columns=columns)).to_arrow_table().cast(schema)


def _refused(connection: duckdb.DuckDBPyConnection, plan: ScreenPlan, names: dict[str, str]) -> pa.Table:
    """Return what is turned away as a table of rejects; texts are made once for all rows with the same reason."""
    record = ", ".join(f"{_quoted(name)} := {_quoted(name)}" for name in response_schema(plan.method).names)
    found = connection.sql(_REFUSED.format(record=record), params={"age": AGE}).to_arrow_table()
    reasons = list(zip(*(found[name].to_pylist() for name in ("code", "field", "value")), strict=True))
    texts = {
        (code, field, value): (RejectCode[code].text_vi(field, value), RejectCode[code].text_en(field, value))
        for code, field, value in set(reasons)
    }
    columns = {name: found[name] for name in found.column_names} | {
        "stage": pa.repeat(STAGE, len(found)),
        "file": [names[sha256] for sha256 in found["landing_sha256"].to_pylist()],
        "message_vi": [texts[reason][0] for reason in reasons],
        "message_en": [texts[reason][1] for reason in reasons],
    }
    return pa.table({name: columns[name] for name in SCHEMA.names}, SCHEMA)


def _file_names(lake: Lake, round_id: str, source: str, connection: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """Return what the objects with refused rows were called when they landed."""
    query = "SELECT DISTINCT landing_sha256 FROM mine JOIN decided USING (row) WHERE code IS NOT NULL"
    found = connection.sql(query).fetchall()
    return {sha256: str(lake.read_json(receipt(round_id, source, sha256))["name"]) for (sha256,) in found}


def _publish(lake: Lake, plan: ScreenPlan, source: str, month: str, accepted: pa.Table, refused: pa.Table) -> list[str]:
    path = responses(plan.round.programme, plan.round.id, month, source)
    lake.write_table(path, accepted)
    reject_path = rejects(plan.round.id, source, STAGE, month)
    if not refused.num_rows:
        lake.remove(reject_path)
        return [path]
    lake.write_table(reject_path, refused)
    return [path, reject_path]


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
