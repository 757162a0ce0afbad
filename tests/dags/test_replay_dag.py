"""The replay DAG after a reviewed correction: the row that was refused counts, and the run tells of it."""

import pytest
from airflow_kit import ROUND, run, states

from pipelines.collect.rejects import read_rejects
from pipelines.stages import bring_in, open_context

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
COLUMNS = "source,landing_sha256,line,field,expect,correct,reason,author,reviewer,date"


def test_after_a_correction_the_replay_accepts_what_was_refused_and_tells_of_it(bag, make_lake):
    lake, context = make_lake(), open_context()
    bring_in(context, "postal", ROUND, lambda stage, what: None)
    rejects = read_rejects(lake, ROUND, "postal").to_pylist()
    (bad,) = [one for one in rejects if one["code"] == "R203_UNKNOWN_CODE"]
    place = f"postal,{bad['landing_sha256']},{bad['line']},{bad['field']},{bad['value']},4"
    correction = f"{COLUMNS}\n{place},nhập nhầm,An,Bình,2023-10-25\n"
    lake.write_bytes(f"rounds/{ROUND}/corrections.csv", correction.encode())
    dag_run = run(bag, "replay", round=ROUND, source="postal", code="R203")
    assert str(dag_run.state) == "success"
    assert states(dag_run)["month.tally"] == {"success"}
    (report,) = [lake.read_json(path) for path in lake.glob(f"runs/{ROUND}/replay/*")]
    assert report["messages"] == ["postal R203_UNKNOWN_CODE: 1 rows, 1 mended, 0 as before"]
    assert "R203_UNKNOWN_CODE" not in read_rejects(lake, ROUND, "postal")["code"].to_pylist()
