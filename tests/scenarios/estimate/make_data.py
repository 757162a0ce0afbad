"""Write the small, awkward data sets of this folder; run it by hand, then `Rscript answers.R` here.

Seeded and rounded, so that a second run writes the same bytes.
"""

from pathlib import Path

import numpy as np
import pandas as pd

HERE = Path(__file__).parent


def households() -> pd.DataFrame:
    """Return two stages: villages in strata, people in villages; stratum `island` has a single village."""
    rng = np.random.default_rng(20260701)
    villages = {"delta": (4, 30), "hill": (3, 12), "island": (1, 5), "town": (2, 2)}  # sampled, in the frame
    rows = []
    for stratum, (sampled, population) in villages.items():
        for village in range(sampled):
            people = int(rng.integers(3, 8))
            residents = people + int(rng.integers(20, 60))
            mood = rng.normal(0, 0.6)
            for person in range(people):
                answers = np.clip(np.round(3.7 + mood + rng.normal(0, 1, 3)), 1, 5)
                q = [None if rng.random() < 0.15 else int(value) for value in answers]
                rows.append(
                    {
                        "stratum": stratum,
                        "village": f"{stratum}-{village + 1}",
                        "person": f"{stratum}-{village + 1}-{person + 1}",
                        "villages": population,
                        "residents": residents,
                        "sex": "F" if rng.random() < 0.5 else "M",
                        "group": "Hre" if stratum == "hill" and person == 0 else "Kinh",
                        "q1": q[0],
                        "q2": q[1],
                        "q3": q[2],
                        "same": 4,
                    }
                )
    return pd.DataFrame(rows)


def kiosks() -> pd.DataFrame:
    """Return an element sample with weights over six orders of magnitude and a stratum of one response."""
    rng = np.random.default_rng(20260702)
    sizes = {"land": 9, "civil": 14, "trade": 6, "rare": 1}
    rows = []
    for field, count in sizes.items():
        for _ in range(count):
            rows.append(
                {
                    "field": field,
                    "channel": str(rng.choice(["kiosk", "post"])),
                    "age": str(rng.choice(["young", "old"])),
                    "w": round(float(10 ** rng.uniform(-3, 3)), 6),
                    "q1": int(rng.integers(1, 6)),
                    "minutes": None if rng.random() < 0.2 else round(float(rng.gamma(2, 8)), 3),
                }
            )
    return pd.DataFrame(rows)


if __name__ == "__main__":
    households().astype(dict.fromkeys(("q1", "q2", "q3"), "Int64")).to_csv(HERE / "households.csv", index=False)
    kiosks().to_csv(HERE / "kiosks.csv", index=False)
