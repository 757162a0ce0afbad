"""What a printed form says besides the questionnaire: the same sentences in Vietnamese and English.

It must not hold anything of a questionnaire.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Texts:
    """The sentences of one language. `many` stands behind a question of many answers."""

    language: str
    procedure: str
    satisfaction: str
    many: str
    anonymous: str
    kept: str
    answer: str
    fill: str
    mistake: str
    cross: str
    content: str
    serial: str
    page: str
    thanks: str
    care: str


VI = Texts(
    language="vi",
    procedure="Thủ tục hành chính mà Ông/Bà vừa làm",
    satisfaction="Mức độ hài lòng của Ông/Bà",
    many="có thể chọn nhiều ô",
    anonymous="Phiếu không ghi tên.",
    kept="Câu trả lời của Ông/Bà được giữ kín, chỉ dùng để phục vụ nhân dân tốt hơn.",
    answer="Trả lời:",
    fill="tô kín một ô tròn cho mỗi câu, bằng bút bi hoặc bút mực xanh, đen.",
    mistake="Tô nhầm:",
    cross="gạch chéo ô sai rồi tô kín ô đúng. Câu nào không muốn trả lời thì để trống.",
    content="Nội dung",
    serial="Số phiếu:",
    page="Trang",
    thanks="Trân trọng cảm ơn Ông/Bà!",
    care="Xin đừng gấp phiếu, đừng viết lên các dấu vuông ở góc và mã vuông ở trên.",
)
EN = Texts(
    language="en",
    procedure="The administrative procedure that you have just been through",
    satisfaction="How satisfied are you?",
    many="you may choose several",
    anonymous="No name is asked.",
    kept="Your answers are kept confidential and serve only to improve public services.",
    answer="To answer:",
    fill="fill one circle for each question, with a blue or black pen.",
    mistake="Mistaken:",
    cross="cross the wrong circle out and fill the right one. Leave empty what you do not wish to answer.",
    content="Statement",
    serial="Form no.:",
    page="Page",
    thanks="Thank you very much!",
    care="Please do not fold the form, nor write on the squares in its corners and the code above.",
)
LANGUAGES = {texts.language: texts for texts in (VI, EN)}
