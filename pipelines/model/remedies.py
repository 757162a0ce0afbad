"""How a row that was not accepted is mended: by its code, or else by the kind of its code; in Vietnamese and English.

It must not look at the row.
"""

from __future__ import annotations

from pipelines.model.codes import RejectCode

Texts = tuple[str, str]

_CORRECT_OR_MAP = (
    "sửa ánh xạ ở mappings/<nguồn>.yml nếu cách ghi này đúng, hoặc ghi giá trị đúng vào "
    "corrections.csv; rồi chạy replay",
    "add the spelling to mappings/<source>.yml if it is right, or the right value to corrections.csv; then replay",
)
_KINDS: dict[str, Texts] = {
    "R1": (
        "sửa tệp ở nguồn rồi nộp lại (tệp cũ vẫn được giữ), hoặc sửa ánh xạ ở mappings/<nguồn>.yml rồi chạy replay",
        "mend the file at its source and hand it in again (the old one is kept), or mend "
        "mappings/<source>.yml and replay",
    ),
    "R2": (
        "ghi giá trị đúng vào corrections.csv của đợt (người duyệt khác người sửa), rồi chạy replay",
        "write the right value to corrections.csv of the round (reviewed by somebody else), then replay",
    ),
    "R3": (
        "phiếu không thuộc đợt theo quy định của đợt; nếu một giá trị bị ghi sai, sửa ở corrections.csv "
        "rồi chạy replay",
        "the answer is outside the round as round.yml has it; where a value is wrong, put it right in "
        "corrections.csv and replay",
    ),
    "D": (
        "không cần làm gì: câu trả lời này đã được tính một lần",
        "nothing to do: the answer counts once already",
    ),
    "R5": (
        "quét lại trang nguyên vẹn, hoặc nhập phiếu bằng tay",
        "scan the whole page again, or key the form by hand",
    ),
}
_CODES: dict[RejectCode, Texts] = {
    RejectCode.R103_UNKNOWN_HEADING: (
        "ghi tiêu đề này vào headings hoặc ignore của mappings/<nguồn>.yml, rồi chạy replay",
        "add the heading to headings or ignore of mappings/<source>.yml, then replay",
    ),
    RejectCode.R108_UNKNOWN_FORM: (
        "thêm ánh xạ cho phiên bản phiếu này (hoặc bảng chuyển đổi của phiên bản cũ) vào "
        "mappings/<nguồn>.yml, rồi chạy replay",
        "add a mapping for this version of the form (or the crosswalk of an older one) to "
        "mappings/<source>.yml, then replay",
    ),
    RejectCode.R202_UNKNOWN_UNIT: (
        "kiểm tra mã đơn vị tại ngày trả lời; cơ quan thì thêm vào units.csv; mã ghi sai thì sửa ở "
        "corrections.csv; rồi chạy replay",
        "check the code at the date of the answer; add an agency to units.csv; put a wrong code right "
        "in corrections.csv; "
        "then replay",
    ),
    RejectCode.R203_UNKNOWN_CODE: _CORRECT_OR_MAP,
    RejectCode.R204_BAD_TIME: _CORRECT_OR_MAP,
    RejectCode.R205_UNKNOWN_PROCEDURE: (
        "thêm thủ tục vào frame.csv nếu thuộc đợt, hoặc sửa mã ở corrections.csv; rồi chạy replay",
        "add the procedure to frame.csv if it belongs to the round, or put the code right in "
        "corrections.csv; then replay",
    ),
    RejectCode.R206_UNKNOWN_PSU: (
        "thêm địa bàn vào frame.csv nếu thuộc đợt, hoặc sửa mã ở corrections.csv; rồi chạy replay",
        "add the sampling unit to frame.csv if it belongs to the round, or put the code right in "
        "corrections.csv; then replay",
    ),
    RejectCode.R306_AWAITS_REVIEW: (
        "duyệt bản ghi tại nguồn; lần thu sau sẽ nhận",
        "review the record at its source; the next collection takes it",
    ),
    RejectCode.R308_EXCLUDED_BY_DECISION: (
        "không cần làm gì, trừ khi quyết định được thay bằng quyết định khác",
        "nothing to do, unless another decision takes the place of this one",
    ),
    RejectCode.R307_GONE_AT_SOURCE: (
        "không cần làm gì, trừ khi người trả lời yêu cầu xóa",
        "nothing to do, unless the respondent asked for erasure",
    ),
    RejectCode.R508_ERASED: (
        "không cần làm gì: việc dọn hằng ngày bỏ trang này khỏi tệp quét",
        "nothing to do: the daily upkeep takes the page out of the scan",
    ),
}


def remedy_of(code: RejectCode) -> Texts:
    """Return what mends a row with this code, in Vietnamese and English."""
    return _CODES.get(code) or next(texts for kind, texts in _KINDS.items() if code.name.startswith(kind))
