"""Data Docs in Airflow's web application: for who is logged in, the lake's folder of docs and nothing else."""

import json
import os

import pytest

PREFIX = "/data-docs"


@pytest.fixture
def docs(tmp_path, monkeypatch):
    """A lake with the Data Docs of two gates, one older, and a secret beside them."""
    root = tmp_path / "data"
    for name, at in (("old~kiosk~2023-02", 1_000_000_000), ("new~kobo~2023-03", 1_100_000_000)):
        page = root / "docs" / name / "index.html"
        page.parent.mkdir(parents=True)
        page.write_text(f"<p>cổng {name}</p>", encoding="utf-8")
        os.utime(page, (at, at))
    (root / "secret.txt").write_text("bí mật", encoding="utf-8")
    (root / "docs" / "link").symlink_to(root)
    monkeypatch.setenv("HAILONG_DATA", str(root))
    return root


def test_the_menu_leads_to_the_gates_the_newest_first(docs, as_user):
    client = as_user("thong-ke")
    plugins = client.get("/api/v2/plugins").json()["plugins"]
    views = [view for plugin in plugins if plugin["name"] == "data_docs" for view in plugin["external_views"]]
    assert [(view["name"], view["category"]) for view in views] == [("Data Docs", "browse")]
    page = client.get(views[0]["href"])
    assert page.status_code == 200
    assert "Kết quả các cổng" in page.text
    assert page.text.index("new~kobo") < page.text.index("old~kiosk")
    assert "2004-11-09" in page.text


@pytest.mark.parametrize(
    "failed, told",
    [([], "✓ 2 đạt"), (["warning"], "! 1 cảnh báo"), (["warning", "critical"], "✕ 1 lỗi phải dừng")],
)
def test_the_list_says_how_each_gate_ended(docs, as_user, failed, told):
    checks = [{"severity": severity, "passed": severity not in failed} for severity in ("critical", "warning")]
    for gate, key in (("responses", "new~kobo~2023-03"), ("scores", "new")):
        result = docs / "gates" / "new" / gate / f"{key}.json"
        result.parent.mkdir(parents=True)
        result.write_text(json.dumps({"checks": checks}), encoding="utf-8")
    (docs / "docs" / "new~scores").mkdir()
    (docs / "docs" / "new~scores" / "index.html").touch()
    assert as_user("thong-ke").get(f"{PREFIX}/").text.count(told) == 2


def test_a_gates_page_is_served_and_may_fetch_nothing_from_elsewhere(docs, as_user):
    page = as_user("thong-ke").get(f"{PREFIX}/new~kobo~2023-03/")
    assert page.text == "<p>cổng new~kobo~2023-03</p>"
    assert "default-src 'self'" in page.headers["content-security-policy"]


@pytest.mark.parametrize("path", ["/", "/new~kobo~2023-03/"])
def test_nobody_reads_who_is_not_logged_in(docs, api, path):
    from fastapi.testclient import TestClient

    assert TestClient(api).get(PREFIX + path).status_code == 401


@pytest.mark.parametrize(
    "path",
    [
        "../secret.txt",
        "%2e%2e/secret.txt",
        "..%2fsecret.txt",
        "new~kobo~2023-03/../../secret.txt",
        "new~kobo~2023-03/%2e%2e/%2e%2e/secret.txt",
        "%2fetc/passwd",
        "//etc/passwd",
        "link/secret.txt",
        "missing/",
    ],
)
def test_nothing_outside_the_folder_is_read(docs, as_user, path):
    answer = as_user("thong-ke").get(f"{PREFIX}/{path}")
    assert answer.status_code == 404 or not answer.url.path.startswith(PREFIX)  # `..` resolved by the client
    assert "bí mật" not in answer.text
    assert "root:" not in answer.text


def test_nothing_can_be_written(docs, as_user):
    client = as_user("lanh-dao")
    assert {client.request(method, f"{PREFIX}/x").status_code for method in ("PUT", "POST", "DELETE")} == {405}


def test_an_empty_or_a_distant_lake_is_told_in_words(tmp_path, as_user, monkeypatch):
    client = as_user("thong-ke")
    monkeypatch.setenv("HAILONG_DATA", str(tmp_path / "empty"))
    assert "Chưa có cổng nào chạy" in client.get(f"{PREFIX}/").text
    monkeypatch.setenv("HAILONG_DATA", "memory://lake")
    assert "không nằm trên máy này" in client.get(f"{PREFIX}/").text
    assert client.get(f"{PREFIX}/any/").status_code == 404
