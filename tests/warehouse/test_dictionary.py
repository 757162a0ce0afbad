"""The dictionary is what the declarations say, complete and up to date."""

from pathlib import Path

from pipelines.warehouse import dictionary_markdown

PROJECT = Path(__file__).resolve().parents[2]


def test_the_committed_pages_are_what_the_declarations_give(catalogue):
    pages = dictionary_markdown(catalogue)
    committed = {path.name: path.read_text(encoding="utf-8") for path in (PROJECT / "docs/dictionary").glob("*")}
    assert committed == pages, "run docs/generate.py"


def test_every_column_has_its_row_in_both_languages(catalogue):
    pages = dictionary_markdown(catalogue)
    for table in catalogue.values():
        section = pages[f"{table.schema}.md"].split(f"## {table.full_name}\n")[1].split("\n## ")[0]
        rows = [line for line in section.splitlines() if line.startswith("| `")]
        assert [row.split("`")[1] for row in rows] == [column.name for column in table.columns]
        assert all(row.replace(r"\|", "").count("|") == 8 for row in rows)


def test_a_view_shows_what_it_is_made_from_and_a_table_who_reads_it(catalogue):
    pages = dictionary_markdown(catalogue)
    view = pages["published.md"].split("## published.index_score\n")[1].split("\n## ")[0]
    assert "[mart.released_score](mart.md#martreleased_score)" in view
    assert "[published.release](#publishedrelease)" in view
    table = pages["mart.md"].split("## mart.released_score\n")[1].split("\n## ")[0]
    assert "[published.index_score](published.md#publishedindex_score)" in table
