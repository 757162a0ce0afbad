"""The dictionary is what the declarations say, complete and up to date."""

from pathlib import Path

from pipelines.warehouse import dictionary_markdown, write_dictionary

PROJECT = Path(__file__).resolve().parents[2]


def test_the_committed_pages_are_what_the_declarations_give(catalogue):
    pages = dictionary_markdown(catalogue)
    committed = {path.name: path.read_text(encoding="utf-8") for path in (PROJECT / "docs/dictionary").glob("*")}
    assert committed == pages, "run write_dictionary"


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


def test_writing_removes_the_page_of_a_schema_that_is_gone(tmp_path, catalogue):
    (tmp_path / "sql").symlink_to(PROJECT / "sql")
    stale = tmp_path / "docs/dictionary/gone.md"
    stale.parent.mkdir(parents=True)
    stale.write_text("old", encoding="utf-8")
    written = write_dictionary(tmp_path)
    assert sorted(stale.parent.iterdir()) == sorted(written)
    assert {path.name: path.read_text(encoding="utf-8") for path in written} == dictionary_markdown(catalogue)
