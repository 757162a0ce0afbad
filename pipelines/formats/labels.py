"""Words for the codes that a reader meets in results: flags, states of a cell, kinds of sample, channels.

Each is a pair (Vietnamese, English). A code that is not listed is shown as it is.
"""

from __future__ import annotations

from pipelines.model.publication import Publication

Text = tuple[str, str]

FLAGS: dict[str, Text] = {
    "ok": ("Đủ tin cậy", "Reliable"),
    "full_count": ("Đếm toàn bộ", "Full count"),
    "as_published": ("Theo nguồn công bố", "As published"),
    "caution": ("Thận trọng", "Use with caution"),
    "parentheses": ("Ít phiếu", "Few responses"),
    "suppress": ("Không công bố", "Not shown"),
}
FLAG_MEANINGS: dict[str, Text] = {
    "ok": ("Số liệu đạt các ngưỡng tin cậy.", "The figure meets the reliability thresholds."),
    "full_count": (
        "Tính trên mọi hồ sơ nên không có sai số chọn mẫu; hồ sơ ghi đúng hay sai không xét ở đây.",
        "Every dossier is counted, so there is no sampling error; whether dossiers are right is not judged here.",
    ),
    "as_published": (
        "Nguồn không công bố sai số, nên mức độ tin cậy không đánh giá được ở đây.",
        "The source gives no standard error, so the reliability cannot be judged here.",
    ),
    "caution": (
        "Số liệu dùng được nhưng có điều cần lưu ý, xem cột lý do trong tệp dữ liệu.",
        "The figure can be used, with a reservation named in the data files.",
    ),
    "parentheses": (
        "Ít phiếu trả lời; điểm đặt trong ngoặc, chỉ nên tham khảo.",
        "Few responses; the score is in parentheses and only indicative.",
    ),
    "suppress": (
        "Quá ít phiếu hoặc khoảng tin cậy quá rộng; không công bố điểm.",
        "Too few responses or too wide an interval; no score is shown.",
    ),
}
STATUS_MEANINGS: dict[str, Text] = {
    "S": (
        "Không công bố: số liệu không đủ tin cậy, hoặc có thể làm lộ câu trả lời của một người.",
        "Not shown: the figure is not reliable, or could reveal what one person answered.",
    ),
    "M": ("Không có câu trả lời nào.", "There were no answers."),
}
STATUS: dict[str, Text] = {"S": ("Không công bố", "Not shown"), "M": ("Không có trả lời", "No answers")}
BASIS: dict[str, Text] = {
    "probability": ("Mẫu chọn ngẫu nhiên", "Random sample"),
    "self_selected": ("Người trả lời tự chọn tham gia", "Respondents chose to take part"),
    "published": ("Điểm đã được nguồn gốc công bố", "Scores as published by their source"),
    "register": ("Tính trên toàn bộ hồ sơ", "All dossiers counted"),
}
BASIS_NOTES: dict[str, Text] = {
    "self_selected": (
        "Người trả lời tự chọn tham gia, không phải mẫu chọn ngẫu nhiên: khoảng tin cậy dựa trên mô hình, "
        "và điểm nói về những người đã trả lời.",
        "Respondents chose to take part and were not sampled at random: intervals rest on a model, "
        "and scores speak of those who answered.",
    ),
    "published": (
        "Điểm lấy nguyên từ số liệu đã công bố; ở đây chỉ cộng, xếp hạng và chia nhóm.",
        "Scores are taken as published; here they are only added up, ranked and grouped.",
    ),
    "register": (
        "Tính trên mọi hồ sơ của hệ thống, không phải mẫu khảo sát: không có sai số chọn mẫu, không có khoảng tin cậy.",
        "Computed from every dossier of the system, not from a sample: no sampling error and no interval.",
    ),
}
RULE_STATUS: dict[str, Text] = {
    "seen": ("thấy trong nguồn công khai", "seen in a public source"),
    "inferred": ("suy ra từ số liệu đã công bố", "inferred from published figures"),
    "unknown": ("chưa rõ, chọn ở đây", "not known, chosen here"),
    "local": ("quy định tại chỗ", "decided locally"),
}
COMBINATION: dict[str, Text] = {
    "pooled": (
        "trung bình cộng của mọi tiêu chí, mỗi tiêu chí như nhau",
        "the mean of all items, each counting the same",
    ),
    "mean": ("trung bình có trọng số của các thành phần", "the weighted mean of its parts"),
    "sum": ("tổng có trọng số của các thành phần", "the weighted sum of its parts"),
    "scaled": (
        "các chỉ báo quy về thang điểm của nội dung rồi cộng theo trọng số",
        "its indicators brought to its own scale and added by weight",
    ),
}
RESPONSES: Text = ("Số phiếu", "Responses")
COUNTED: dict[str, Text] = {"dossiers": ("Số hồ sơ", "Dossiers")}  # by the input of the method, else responses
UNIT_OF_SCORE: dict[str, Text] = {"percent": ("%", "%"), "points": ("điểm", "points")}
BREAKDOWNS: dict[str, Text] = {
    "channel": ("Kênh trả lời", "Channel"),
    "procedure_field": ("Lĩnh vực thủ tục", "Field of the procedure"),
    "respondent": ("Người trả lời", "Respondent"),
}
CATEGORIES: dict[str, Text] = {
    "kiosk": ("Máy khảo sát", "Kiosk"),
    "paper_desk": ("Phiếu giấy tại bàn", "Paper at the desk"),
    "paper_post": ("Phiếu gửi bưu điện", "Paper by post"),
    "portal": ("Cổng trực tuyến", "Online portal"),
    "interview": ("Phỏng vấn", "Interview"),
    "citizen": ("Cá nhân", "Citizen"),
    "organisation": ("Tổ chức", "Organisation"),
    "": ("Không rõ", "Not stated"),
}


def counted(publication: Publication) -> Text:
    """Return what the scores of a publication are counted from."""
    return COUNTED.get(publication.method.input, RESPONSES)


def label(words: dict[str, Text], code: str) -> Text:
    """Return the words for a code, or the code itself in both languages."""
    return words.get(code, (code, code))


def breakdown_title(publication: Publication, breakdown: str) -> Text:
    """Return the title of a breakdown: a known field of the response, or a question of an instrument."""
    for instrument in publication.method.instruments:
        if question := instrument.by_code.get(breakdown):
            return question.label_vi, question.label_en
    return label(BREAKDOWNS, breakdown)


def category_title(publication: Publication, breakdown: str, category: str) -> Text:
    """Return the title of a category: an option of the question, or a known code."""
    for instrument in publication.method.instruments:
        question = instrument.by_code.get(breakdown)
        for choice in question.code_list.choices if question and question.code_list else ():
            if str(choice.code) == category:
                return choice.label_vi, choice.label_en
    return label(CATEGORIES, category)
