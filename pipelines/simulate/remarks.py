"""Free-text remarks of respondents, some with personal data planted and some in decomposed Unicode."""

from __future__ import annotations

import numpy as np

REMARKS = (
    "Cán bộ hướng dẫn nhiệt tình, giải quyết nhanh.",
    "Đề nghị bố trí thêm ghế ngồi chờ và quạt mát.",
    "Hồ sơ phải đi lại nhiều lần, mong được hướng dẫn một lần cho đủ.",
    "Rất hài lòng với thái độ phục vụ của bộ phận một cửa.",
    "Nên niêm yết thủ tục bằng chữ to hơn cho người già dễ đọc.",
    "Thời gian trả kết quả còn chậm so với giấy hẹn.",
    "Mong được nhận kết quả tại nhà qua bưu điện.",
    "Không có ý kiến gì thêm.",
)


def remark(rng: np.random.Generator) -> str:
    """Return an ordinary remark."""
    return REMARKS[int(rng.integers(len(REMARKS)))]


def personal_remark(rng: np.random.Generator) -> tuple[str, str, str]:
    """Return a remark with personal data, the kind (phone, cccd, email) and the planted string."""
    digits = "".join(str(digit) for digit in rng.integers(0, 10, size=10))
    kind, planted, text = (
        ("phone", f"09{digits[:2]} {digits[2:5]} {digits[5:8]}", "Xin gọi lại cho tôi số {} vào giờ hành chính."),
        ("phone", f"03{digits[:8]}", "Số điện thoại của tôi là {}."),
        (
            "cccd",
            f"054{int(rng.integers(0, 4))}{60 + int(rng.integers(0, 40))}{digits[:6]}",
            "CCCD của tôi: {}, nhờ kiểm tra.",
        ),
        ("email", f"nguyen.van.{digits[:5]}@example.com", "Gửi kết quả vào hộp thư {} giúp tôi."),
    )[int(rng.integers(4))]
    return text.format(planted), kind, planted
