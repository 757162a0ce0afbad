"""A small, realistic publication: nine communes of a province and their roll-up, five factors, eleven items.

Figures are made up by a seeded generator. One commune is suppressed, one has few responses, one none.
"""

import math
import random
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import pyarrow as pa

from pipelines.model.instrument import Choice, CodeList, Instrument, Kind, Question, Role
from pipelines.model.method import Combination, Level, Measure, Method, Node, Rule, Status
from pipelines.model.publication import Publication, PublishedTable
from pipelines.model.round import Design, Round
from pipelines.model.table import Column, Table

ARROW = {"text": pa.string(), "integer": pa.int64(), "double": pa.float64()}
FACTORS = [
    ("access", "Tiếp cận dịch vụ", "Access to the service", [
        ("seats", "Nơi ngồi chờ có đủ chỗ ngồi", "There are enough seats"),
        ("equipment", "Trang thiết bị phục vụ đầy đủ", "Equipment is complete"),
    ]),
    ("procedure", "Thủ tục hành chính", "Procedures", [
        ("posted", "Thủ tục được niêm yết công khai đầy đủ", "Procedures are posted in full"),
        ("time", "Thời hạn giải quyết đúng quy định", "The time limit is as regulated"),
    ]),
    ("officials", "Công chức giải quyết công việc", "Officials", [
        ("polite", "Thái độ giao tiếp lịch sự", "Officials are polite"),
        ("listens", "Chú ý lắng nghe ý kiến", "Officials listen attentively"),
        ("guidance", "Hướng dẫn kê khai hồ sơ tận tình, chu đáo", "Guidance is given with care"),
    ]),
    ("result", "Kết quả giải quyết", "Result", [
        ("complete", "Kết quả có thông tin đầy đủ", "The result is complete"),
        ("accurate", "Kết quả có thông tin chính xác", "The result is accurate"),
    ]),
    ("feedback", "Tiếp nhận, xử lý góp ý, phản ánh, kiến nghị", "Feedback and complaints", [
        ("ways", "Có bố trí hình thức tiếp nhận góp ý", "There are ways to give feedback"),
        ("notified", "Thông báo kết quả xử lý kịp thời", "The outcome is notified in time"),
    ]),
]  # fmt: skip
UNITS = {
    "33": ("Tỉnh Hưng Yên", "Hưng Yên Province"),
    "12271": ("Phường Phố Hiến", "Phố Hiến Ward"),
    "12280": ("Phường Sơn Nam", "Sơn Nam Ward"),
    "12331": ("Xã Tân Hưng", "Tân Hưng Commune"),
    "12337": ("Xã Hoàng Hoa Thám", "Hoàng Hoa Thám Commune"),
    "12361": ("Xã Tiên Lữ", "Tiên Lữ Commune"),
    "12391": ("Xã Quang Hưng", "Quang Hưng Commune"),
    "12424": ("Phường Thái Bình", "Thái Bình Ward"),
    "12466": ("Xã Nghĩa Trụ", "Nghĩa Trụ Commune"),
    "12511": ("Xã Đức Hợp", "Đức Hợp Commune"),
}
SAMPLE_SIZE = {"12271": 412, "12280": 388, "12331": 215, "12337": 164, "12361": 301, "12391": 12, "12424": 520,
               "12466": 41, "12511": 0}  # fmt: skip
SCALE = CodeList(
    "satisfaction5",
    tuple(
        Choice(code, vi, en)
        for code, vi, en in (
            (1, "Rất không hài lòng", "Very dissatisfied"),
            (2, "Không hài lòng", "Dissatisfied"),
            (3, "Bình thường", "Neutral"),
            (4, "Hài lòng", "Satisfied"),
            (5, "Rất hài lòng", "Very satisfied"),
        )
    ),
)
SEX = CodeList("sex", (Choice(1, "Nam", "Male"), Choice(2, "Nữ", "Female")))


def column(name: str, kind: str, vi: str, en: str, unit: str = "", public: bool = True) -> Column:
    return Column(name, kind, vi, en, unit, public)


SCORE_COLUMNS = (
    column("programme", "text", "Chương trình", "Programme"),
    column("method_version", "text", "Phiên bản phương pháp", "Version of the method"),
    column("round_id", "text", "Đợt khảo sát", "Round"),
    column("measure", "text", "Cách tính điểm tiêu chí", "How an answer becomes a score"),
    column("unit_code", "text", "Mã đơn vị", "Code of the unit"),
    column("breakdown", "text", "Chiều phân tổ; trống: toàn đơn vị", "Breakdown; empty: the whole unit"),
    column("category", "text", "Nhóm của chiều phân tổ", "Category of the breakdown"),
    column("node_code", "text", "Mã nút của cây chỉ số", "Node of the index tree"),
    column("node_level", "text", "Cấp của nút", "Level of the node"),
    column("score", "double", "Điểm", "Score", "percent"),
    column("se", "double", "Sai số chuẩn", "Standard error", "percent"),
    column("ci_low", "double", "Cận dưới", "Lower end of the interval", "percent"),
    column("ci_high", "double", "Cận trên", "Upper end of the interval", "percent"),
    column("ci_level", "double", "Mức tin cậy", "Level of the interval"),
    column("ci_method", "text", "Cách tính khoảng tin cậy", "How the interval is computed"),
    column("df", "double", "Bậc tự do", "Degrees of freedom"),
    column("n", "integer", "Số câu trả lời hợp lệ", "Valid answers"),
    column("n_eff", "double", "Cỡ mẫu hiệu dụng", "Effective sample size"),
    column("deff", "double", "Hệ số thiết kế", "Design effect"),
    column("flag", "text", "Cờ độ tin cậy", "Reliability flag"),
    column("flag_reason", "text", "Lý do của cờ", "Reason of the flag"),
    column("basis", "text", "Loại mẫu", "Kind of sample"),
    column("rank", "integer", "Thứ hạng", "Rank"),
    column("rank_low", "integer", "Thứ hạng tốt nhất có thể", "Best possible rank"),
    column("rank_high", "integer", "Thứ hạng thấp nhất có thể", "Worst possible rank"),
    column("rank_of", "integer", "Số đơn vị được xếp hạng", "Units ranked"),
    column("group_no", "integer", "Nhóm tứ phân vị", "Quartile group"),
    column("obs_status", "text", "Trạng thái ô: A, S, M", "State of the cell: A, S, M"),
    column("batch_id", "text", "Lô tính toán (nội bộ)", "Batch that computed it (internal)", public=False),
)
COUNT_COLUMNS = (
    column("round_id", "text", "Đợt khảo sát", "Round"),
    column("programme", "text", "Chương trình", "Programme"),
    column("unit_code", "text", "Mã đơn vị", "Code of the unit"),
    column("breakdown", "text", "Chiều phân tổ", "Breakdown"),
    column("category", "text", "Nhóm", "Category"),
    column("question_code", "text", "Mã câu hỏi", "Question"),
    column("answer_code", "text", "Mã trả lời", "Answer"),
    column("n", "integer", "Số câu trả lời", "Answers"),
    column("share", "double", "Tỷ lệ", "Share", "percent"),
    column("se", "double", "Sai số chuẩn của tỷ lệ", "Standard error of the share", "percent"),
    column("obs_status", "text", "Trạng thái ô", "State of the cell"),
)
SCORES = Table(
    "mart", "index_score", "Điểm của từng đơn vị", "Scores of each unit",
    ("round_id", "measure", "unit_code", "breakdown", "category", "node_code"), SCORE_COLUMNS,
)  # fmt: skip
COUNTS = Table(
    "mart", "answer_count", "Số câu trả lời theo từng mức", "Answers by option",
    ("round_id", "unit_code", "breakdown", "category", "question_code", "answer_code"), COUNT_COLUMNS,
)  # fmt: skip


def table_of(declaration: Table, rows: Sequence[Mapping[str, Any]]) -> pa.Table:
    """Rows as an Arrow table with the public columns of the declaration; a column absent from a row is null."""
    public = [c for c in declaration.columns if c.public]
    return pa.table({c.name: pa.array([row.get(c.name) for row in rows], ARROW[c.type]) for c in public})


def tree() -> Node:
    factors = tuple(
        Node(code, Level.FACTOR, vi, en, Combination.POOLED, tuple(Node(c, Level.ITEM, v, e) for c, v, e in items))
        for code, vi, en, items in FACTORS
    )
    return Node("overall", Level.INDEX, "Chỉ số hài lòng chung", "Overall satisfaction", Combination.POOLED, factors)


def instrument() -> Instrument:
    items = tuple(
        Question(c, c, f"g/{c}", Kind.SELECT_ONE, Role.ITEM, v, e, SCALE) for *_, items in FACTORS for c, v, e in items
    )
    sex = Question("sex", "sex", "sex", Kind.SELECT_ONE, Role.PROFILE, "Giới tính", "Sex", SEX)
    return Instrument("citizen", "2017.1", "Mẫu số 01", "Form 01", (*items, sex), "1" * 64)


def method() -> Method:
    points = {1: 0.0, 2: 0.0, 3: 0.0, 4: 100.0, 5: 100.0}
    mean = {code: 20.0 * code for code in points}
    return Method(
        programme="tthc", version="2017", regime="B", input="responses",
        title_vi="Đo lường sự hài lòng về giải quyết thủ tục hành chính",
        title_en="Satisfaction with administrative procedures",
        tree=tree(),
        measures=(
            Measure("top2", points, "percent", True, "Tỷ lệ hài lòng và rất hài lòng",
                    "Share satisfied or very satisfied", Status.UNKNOWN),
            Measure("mean5", mean, "percent", False, "Điểm trung bình trên thang 100", "Mean on a scale of 100",
                    Status.UNKNOWN),
        ),
        instruments=(instrument(),),
        rules={"combination": Rule("combination", "pooled", Status.INFERRED, "2024: 83.943")},
        sha256="a" * 64,
        legal_basis=("Quyết định 2640/QĐ-BNV ngày 10/10/2017",),
        breakdowns=("sex",),
    )  # fmt: skip


def a_round(round_id: str = "tthc-2026-hung-yen") -> Round:
    return Round(
        id=round_id, programme="tthc", method_version="2017", year=2026,
        title_vi="Chỉ số hài lòng về thủ tục hành chính, tỉnh Hưng Yên 2026",
        title_en="Satisfaction with administrative procedures, Hưng Yên 2026",
        window_from=date(2026, 1, 1), window_to=date(2026, 10, 31), unit_level="commune", design=Design(), sources=(),
        settings={}, folder="rounds/x", sha256="b" * 64, rollup=Combination.POOLED,
    )  # fmt: skip


def publication(release_id: str = "tthc-2026-hung-yen.1", *, seed: int = 1, with_private: bool = False) -> Publication:
    scores = table_of(SCORES, score_rows(seed))
    if with_private:
        scores = scores.append_column("batch_id", pa.array(["PRIVATE-BATCH"] * scores.num_rows))
    tables = {
        "index_score": PublishedTable(SCORES, scores),
        "answer_count": PublishedTable(COUNTS, table_of(COUNTS, count_rows(seed))),
    }
    notes = (("Số liệu mô phỏng, không phải kết quả thật.", "Simulated figures, not real results."),)
    return Publication(release_id, a_round(), method(), "2026-11-23", tables, UNITS, notes, "33")


def score_rows(seed: int = 1) -> list[dict[str, Any]]:
    rng = random.Random(seed)
    rows: list[dict[str, Any]] = []
    nodes = list(tree().walk())
    for measure, shift in (("top2", 0.0), ("mean5", -4.0)):
        for unit in UNITS:
            level = 79 + 9 * rng.random() + shift
            size = SAMPLE_SIZE.get(unit, sum(SAMPLE_SIZE.values()))
            rows += [score_row(measure, unit, "", "", node, level + rng.uniform(-6, 6), size) for node in nodes]
        for category, size in (("1", 980), ("2", 1073)):
            rows.append(score_row(measure, "33", "sex", category, nodes[0], 82 + rng.random() + shift, size))
    ranked(rows)
    return rows


def score_row(measure: str, unit: str, breakdown: str, category: str, node: Node, score: float, n: int) -> dict:
    row = {"programme": "tthc", "method_version": "2017", "round_id": "tthc-2026-hung-yen", "measure": measure,
           "unit_code": unit, "breakdown": breakdown, "category": category, "node_code": node.code,
           "node_level": str(node.level), "n": n, "basis": "self_selected", "ci_level": 0.95, "ci_method": "logit",
           "flag": flag(n), "flag_reason": {"suppress": "n", "parentheses": "few_cases"}.get(flag(n), ""),
           "obs_status": "A"}  # fmt: skip
    if n == 0:
        return row | {"obs_status": "M", "flag": "suppress", "flag_reason": "no_answers"}
    if n < 30:
        return row | {"obs_status": "S", "df": n - 1.0, "n_eff": n * 0.8}
    se = 38 / math.sqrt(n)
    return row | {"score": score, "se": se, "ci_low": score - 1.96 * se, "ci_high": score + 1.96 * se, "df": n - 1.0,
                  "n_eff": n / 1.1, "deff": 1.1}  # fmt: skip


def flag(n: int) -> str:
    if n < 30:
        return "suppress"
    return "parentheses" if n < 50 else "caution" if n == 164 else "ok"


def ranked(rows: list[dict[str, Any]]) -> None:
    groups: dict[tuple, list[dict[str, Any]]] = {}
    for row in rows:
        if row["unit_code"] != "33" and not row["breakdown"] and row.get("score") is not None:
            groups.setdefault((row["measure"], row["node_code"]), []).append(row)
    for members in groups.values():
        members.sort(key=lambda row: -row["score"])
        for place, row in enumerate(members):
            row |= {"rank": place + 1, "rank_of": len(members), "group_no": 1 + 4 * place // len(members)}


def count_rows(seed: int = 1) -> list[dict[str, Any]]:
    rng = random.Random(seed)
    rows: list[dict[str, Any]] = []
    for unit, size in SAMPLE_SIZE.items():
        for *_, items in FACTORS:
            for code, *_ in items:
                rows += question_rows(unit, code, rng.choices((1, 2, 3, 4, 5), (1, 2, 12, 50, 35), k=size))
    return rows


def question_rows(unit: str, question: str, answers: Sequence[int]) -> list[dict[str, Any]]:
    total = len(answers)
    shares = {code: answers.count(code) / total if total else None for code in (1, 2, 3, 4, 5)}
    return [
        {"round_id": "tthc-2026-hung-yen", "programme": "tthc", "unit_code": unit, "breakdown": "", "category": "",
         "question_code": question, "answer_code": str(code), "n": answers.count(code),
         "share": None if share is None else 100 * share,
         "se": None if share is None else 100 * math.sqrt(share * (1 - share) / total), "obs_status": "A"}
        for code, share in shares.items()
    ]  # fmt: skip
