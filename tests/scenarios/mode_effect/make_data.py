"""Writes `desks.csv`: answers by stratum and channel; channels reach strata unevenly, some have no answer."""

import csv
from pathlib import Path

rows = []
for h, (field, people) in enumerate((("ho_tich", 60), ("chung_thuc", 90), ("dat_dai", 30))):
    for channel, count in (("kiosk", (12, 3, 1)[h]), ("portal", (4, 9, 5)[h])):
        for i in range(count):
            q1 = min(5, 1 + (i * 7 + h * 3) % 5 + (channel == "kiosk"))
            q2 = "" if (i + h) % 5 == 4 else 1 + (i * i + h + (channel == "portal")) % 5
            rows.append((field, people, f"{field}-{i % 3}-{'ab'[i % 2]}", channel, q1, q2))

with (Path(__file__).parent / "desks.csv").open("w", encoding="utf-8", newline="") as stream:
    csv.writer(stream, lineterminator="\n").writerows([("stratum", "population", "psu", "channel", "q1", "q2"), *rows])
