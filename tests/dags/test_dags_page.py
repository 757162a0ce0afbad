"""The page on the DAGs follows from the DAGs."""

from pathlib import Path

import pytest

DOCS = Path(__file__).resolve().parents[2] / "docs"


@pytest.fixture
def page(airflow_home, monkeypatch):
    monkeypatch.syspath_prepend(DOCS)
    from dags_page import dags_markdown

    return dags_markdown()


def test_the_page_names_every_dag_with_its_documentation_order_and_stages(page, bag):
    for dag in bag.dags.values():
        assert f"`{dag.dag_id}`" in page
        assert dag.doc_md.strip().splitlines()[0] in page
        assert all(f"| `{task.task_id}` |" in page for task in dag.tasks)
    assert 'month_gate["month.gate [ ]"] --> month_tally["month.tally [ ]"]' in page
    assert "| `load` | `stages.load_month` | Load what is known of a round" in page
    assert "when a partition changes of `release/draft`" in page


def test_the_page_in_the_folder_is_up_to_date(page):
    assert (DOCS / "operations" / "dags.md").read_text(encoding="utf-8") == page, "run `make docs`"
