"""Data Docs of a gate: one page in both languages that loads nothing and appears whole or not at all."""

import re
from collections import Counter
from threading import Thread

import pyarrow as pa
import pytest
from gates_kit import TIME, WINDOW, gate, responses

from pipelines.model.errors import GateError
from pipelines.quality.docs import site_folder


def test_docs_are_built_with_both_languages_and_replace_the_former(tmp_path):
    site = tmp_path / "docs" / "tthc-2023~kiosk~2023-05"
    gate(responses(), docs=site)
    (site / "left-over.html").write_text("old", encoding="utf-8")
    gate(responses(line=pa.array([0, 1, 2], pa.int64())), docs=str(site))
    assert (site / "index.html").is_file() and not (site / "left-over.html").exists()
    text = (site / "index.html").read_text(encoding="utf-8")
    assert "Vị trí trong tệp gốc tính từ 1 / Positions count from 1" in text
    assert [path.name for path in site.parent.iterdir()] == [site.name]
    assert [path.name for path in site.iterdir()] == ["index.html"]


def test_a_page_of_docs_loads_nothing_runs_nothing_and_counts_what_failed(tmp_path):
    early = responses(channel=["<script>alert(1)</script>"] * 3, started_at=pa.array([WINDOW["window_to"]] * 3, TIME))
    gate(early, docs=tmp_path / "docs")
    text = (tmp_path / "docs" / "index.html").read_text(encoding="utf-8")
    loaded = re.findall(r"""(?:src|href)\s*=\s*["']?[^#"'\s]|url\(|@import""", text)
    policy = """<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">"""
    assert loaded == [] and "http" not in text.replace(policy, "")
    assert text.index(policy) < text.index("<script>") and text.count("<script") == 1  # only the planted one
    assert re.search(r'<td>responses</td><td>19</td><td class="critical">1</td><td class="warning">1</td>', text)


def test_the_same_result_gives_the_same_page(tmp_path):
    pages = []
    for folder in ("one", "two"):
        gate(responses(line=pa.array([0, 1, 2], pa.int64())), docs=tmp_path / folder)
        pages.append((tmp_path / folder / "index.html").read_bytes())
    assert pages[0] == pages[1]


def test_docs_are_built_even_where_an_expectation_could_not_be_evaluated(tmp_path):
    with pytest.raises(GateError):
        gate(responses().drop_columns(["channel"]), docs=tmp_path / "docs")
    assert (tmp_path / "docs" / "index.html").is_file()


def test_a_crash_while_building_leaves_the_former_site_and_no_rubbish(tmp_path):
    site = tmp_path / "site"
    with site_folder(site) as folder:
        (folder / "index.html").write_text("first", encoding="utf-8")
    with pytest.raises(RuntimeError), site_folder(site) as folder:
        (folder / "index.html").write_text("half", encoding="utf-8")
        raise RuntimeError("power cut")
    assert (site / "index.html").read_text(encoding="utf-8") == "first"
    assert [path.name for path in tmp_path.iterdir()] == ["site"]


def test_tasks_that_build_the_same_site_at_once_leave_one_whole_site(tmp_path):
    site = tmp_path / "site"

    def build(name):
        for _ in range(20):
            with site_folder(site) as folder:
                for page in ("index.html", "other.html"):
                    (folder / page).write_text(name, encoding="utf-8")

    threads = [Thread(target=build, args=(str(number),)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [path.name for path in tmp_path.iterdir()] == ["site"]
    pages = Counter(path.read_text(encoding="utf-8") for path in site.iterdir())
    assert list(pages.values()) == [2]
