"""Stable codes of what can befall a row: rejected (R) or duplicate (D), with texts in Vietnamese and English.

A code is never renamed or reused: reports of past years refer to it. R1 is about a file or line that could not be
read, R2 about a field that could not be conformed, R3 about a response that does not belong to the round,
D4 about a response that is already there; R5 and D5 are about a page of a scan. Texts are templates over `field` and
`value`.
"""

from __future__ import annotations

from enum import Enum


class RejectCode(Enum):
    """One reason; `code` is what is stored, `vi` and `en` are what a person reads."""

    R101_UNREADABLE_FILE = ("Không đọc được tệp: {value}", "The file cannot be read: {value}")
    R102_EMPTY_FILE = ("Tệp không có dòng dữ liệu nào", "The file holds no row of data")
    R103_UNKNOWN_HEADING = (
        "Tiêu đề cột “{field}” không có trong bảng ánh xạ của phiếu",
        "Heading “{field}” is not in the mapping of the form",
    )
    R104_MISSING_HEADING = (
        "Thiếu cột bắt buộc “{field}”",
        "Required heading “{field}” is missing",
    )
    R105_TOO_LARGE = (
        "Dòng hoặc ô vượt giới hạn kích thước: {value}",
        "The line or cell is over the size limit: {value}",
    )
    R106_TRUNCATED = (
        "Tệp bị cắt ngang: dòng cuối chưa ghi xong",
        "The file breaks off: its last line was not written to the end",
    )
    R107_BROKEN_LINE = ("Dòng không đúng định dạng: {value}", "The line is not well formed: {value}")
    R108_UNKNOWN_FORM = (
        "Không có bảng ánh xạ cho mẫu phiếu hoặc phiên bản “{value}”",
        "No mapping fits form or version “{value}”",
    )
    R109_DUPLICATE_HEADING = (
        "Tiêu đề cột “{field}” xuất hiện nhiều lần trong tệp: hãy đặt tên khác nhau",
        "Heading “{field}” occurs more than once in the file: give them different names",
    )
    R110_REPEATED_GROUP = (
        "Nhóm lặp “{field}” ({value}) chưa có quy tắc xử lý: khai báo trong options.repeats",
        "No rule says what to do with the repeated group “{field}” ({value}): write one under options.repeats",
    )
    R111_ENCRYPTED = (
        "Bản ghi được mã hóa, cổng không giải mã được: {value}",
        "The record is encrypted and the portal cannot read it: {value}",
    )
    R112_LABELS = (
        "“{value}” ở “{field}” là nhãn chữ, không phải mã: hãy xuất lại tệp theo mã câu hỏi và mã trả lời",
        "“{value}” in “{field}” is a label, not a code: export the file again with question codes and answer codes",
    )
    R113_BAD_SIGNATURE = (
        "Chữ ký của tệp không đúng, không dòng nào của tệp được nhận: {value}",
        "The signature of the file is not valid and none of its lines is taken: {value}",
    )
    R114_UNSIGNED = (
        "Bản ghi của thiết bị “{value}” chưa được ký, trong khi thiết bị đã đăng ký khóa",
        "The record of device “{value}” is not signed, though the device has registered a key",
    )
    R115_SHEET_NOT_READ = (
        "Trang tính “{field}” cũng có dữ liệu nhưng không được đọc, chỉ đọc trang “{value}”: ghi tên trang cần đọc vào "
        "options.sheet",
        "Sheet “{field}” holds rows too and is not read, only “{value}” is: name the one to read in options.sheet",
    )
    R201_MISSING_FIELD = ("Thiếu giá trị bắt buộc ở “{field}”", "Required value “{field}” is missing")
    R202_UNKNOWN_UNIT = (
        "Đơn vị “{value}” không có trong danh mục tại ngày trả lời",
        "Unit “{value}” is not in the list of units at the date of the response",
    )
    R203_UNKNOWN_CODE = (
        "Mã trả lời “{value}” không có trong thang đo của “{field}”",
        "Answer code “{value}” is not in the scale of “{field}”",
    )
    R204_BAD_TIME = ("Thời điểm “{value}” ở “{field}” không hợp lệ", "Time “{value}” in “{field}” is not valid")
    R205_UNKNOWN_PROCEDURE = (
        "Thủ tục “{value}” không có trong khung mẫu của đợt khảo sát",
        "Procedure “{value}” is not in the frame of the round",
    )
    R206_UNKNOWN_PSU = (
        "Địa bàn “{value}” không có trong khung mẫu của đợt khảo sát",
        "Primary sampling unit “{value}” is not in the frame of the round",
    )
    R207_BAD_NUMBER = ("“{value}” ở “{field}” không phải là số hợp lệ", "“{value}” in “{field}” is not a valid number")
    R208_BAD_TEXT = (
        "Chữ ở “{field}” không phải Unicode hợp lệ (NUL hoặc bảng mã cũ): {value}",
        "The text in “{field}” is not valid Unicode (NUL or a legacy encoding): {value}",
    )
    R209_OUT_OF_RANGE = (
        "Điểm ở “{field}” nằm ngoài khoảng cho phép: {value}",
        "The score in “{field}” is outside its range: {value}",
    )
    R210_UNKNOWN_DEVICE = (
        "Thiết bị “{value}” chưa đăng ký vào ngày trả lời (devices.csv)",
        "Device “{value}” is not registered on the day of the response (devices.csv)",
    )
    R211_OTHER_DEVICE = (
        "Bản ghi ghi thiết bị “{value}”, nhưng khóa đã ký tệp không phải của thiết bị này vào ngày trả lời",
        "The record names device “{value}”, but the key that signed the file is not that device's on the day",
    )
    R301_OUTSIDE_WINDOW = (
        "Thời điểm trả lời {value} nằm ngoài thời gian của đợt khảo sát",
        "Submitted at {value}, outside the window of the round",
    )
    R302_TOO_FEW_ANSWERS = (
        "Chỉ trả lời {value} tiêu chí, dưới mức tối thiểu",
        "Only {value} items answered, below the minimum",
    )
    R303_UNDER_AGE = ("Người trả lời dưới 18 tuổi", "The respondent is under 18")
    R304_UNIT_NOT_IN_ROUND = (
        "Đơn vị “{value}” không thuộc đợt khảo sát",
        "Unit “{value}” does not belong to the round",
    )
    R305_REFUSED_AT_SOURCE = (
        "Nguồn đã đánh dấu không chấp nhận: {value}",
        "The source marked the record as not accepted: {value}",
    )
    R306_AWAITS_REVIEW = (
        "Đang chờ duyệt tại nguồn ({value}); sẽ được tính khi nguồn chấp nhận",
        "Awaits review at the source ({value}); it counts once the source accepts it",
    )
    R307_GONE_AT_SOURCE = (
        "Nguồn không còn bản ghi “{value}”; câu trả lời đã nhận vẫn được tính",
        "The source no longer holds record “{value}”; the answer received before still counts",
    )
    R308_EXCLUDED_BY_DECISION = (
        "Bị loại theo quyết định {value}",
        "Excluded by decision {value}",
    )
    R309_REQUIRED_BLANK = (
        "Phiếu bắt buộc trả lời “{field}” nhưng để trống",
        "The form requires an answer to “{field}”, which is blank",
    )
    R310_NOT_RELEVANT = (
        "“{field}” có câu trả lời dù theo phiếu thì không được hỏi ({value})",
        "“{field}” is answered though the form does not ask it ({value})",
    )
    R311_CONSTRAINT = (
        "Câu trả lời ở “{field}” trái với điều kiện của phiếu: {value}",
        "The answer to “{field}” is not one that the form allows: {value}",
    )
    D401_SAME_RECORD = ("Cùng bản ghi đã có", "The same record is already there")
    D402_SAME_CONTENT = (
        "Cùng nội dung, thiết bị, thời điểm, đơn vị và thủ tục với bản ghi {value}",
        "Same content, device, times, unit and procedure as record {value}",
    )
    D403_SUPERSEDED = ("Đã được thay bằng bản sửa {value}", "Replaced by revision {value}")
    D404_SAME_NUMBER = (
        "Cùng thiết bị và số thứ tự với bản ghi {value}",
        "Same device and running number as record {value}",
    )

    R501_NOT_OUR_FORM = (
        "Trang quét không phải phiếu của hệ thống (không thấy dấu góc và mã vuông)",
        "The scan is not a form of ours (neither corner marks nor QR)",
    )
    R502_NO_CORNER_MARKS = (
        "Phiếu thiếu dấu vuông ở góc: cần thấy ít nhất ba dấu; hãy quét lại cả trang",
        "Fewer than three corner marks are seen: scan the whole page again",
    )
    R503_UNREADABLE_QR = (
        "Không đọc được mã vuông của phiếu: {value}",
        "The QR of the form cannot be read: {value}",
    )
    R504_UNKNOWN_TEMPLATE = (
        "Phiếu không thuộc đợt khảo sát này: {value}",
        "The form is not of this round: {value}",
    )
    R505_SERIAL_NOT_ISSUED = (
        "Số phiếu {value} chưa được phát hành trong đợt khảo sát",
        "Serial number {value} was never issued in the round",
    )
    R506_SERIAL_VOID = ("Số phiếu {value} đã bị hủy", "Serial number {value} is void")
    R507_SERIAL_TWICE = (
        "Số phiếu {value} đã có với câu trả lời khác: phiếu bị sao chụp hoặc bị sửa",
        "Serial {value} was read before with other answers: the form was copied or changed",
    )
    R508_ERASED = (
        "Người trả lời phiếu {value} đã được xóa theo yêu cầu, nội dung trang không được giữ",
        "The respondent of form {value} was erased on request; what the page says is not kept",
    )
    R509_SEVERAL_PAGES = (
        "Ảnh có nhiều hơn một trang phiếu: hãy quét hoặc chụp từng trang",
        "The picture shows more than one page: scan or photograph each by itself",
    )
    D501_SAME_PAGE = ("Trang {value} đã được quét", "Page {value} was scanned before")

    @property
    def code(self) -> str:
        """The stored, stable name, e.g. `R203_UNKNOWN_CODE`."""
        return self.name

    @property
    def is_duplicate(self) -> bool:
        """Whether the row counts as duplicate rather than rejected."""
        return self.name.startswith("D")

    def text_vi(self, field: str = "", value: str = "") -> str:
        """Return the Vietnamese text with the place and the value filled in."""
        return str(self._value_[0]).format(field=field, value=value)

    def text_en(self, field: str = "", value: str = "") -> str:
        """Return the English text with the place and the value filled in."""
        return str(self._value_[1]).format(field=field, value=value)
