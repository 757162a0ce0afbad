"""How well filled pages come back through scanners, faxes and telephones: run by hand, `python tests/bench/paper.py`.

Every page of two questionnaires is printed, filled as people do, distorted, read, and compared with what was drawn.
It ends with an error if one mark was read as another answer. Same seed, same pages.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from dataclasses import dataclass, field

import cv2
import numpy as np

from pipelines.methods import load_method
from pipelines.paper.images import Picture, pictures
from pipelines.paper.marks import SIZE, State, Thresholds
from pipelines.paper.plan import plan_form
from pipelines.paper.printing import Blank, Heading, make_blank, print_sheets
from pipelines.paper.reading import Refusal, read_page
from pipelines.paper.template import RADIUS
from pipelines.simulate.filled import Drawn, fill_page
from pipelines.simulate.scanners import DISTORTIONS

FORMS = (("tthc", "2017", "citizen"), ("sipas", "2023", "household"))
COLUMNS = "distortion   pages  read  refused   rows  wrong  double as one   lost  to review  ms median  ms p95"


@dataclass
class Result:
    counts: Counter[str] = field(default_factory=Counter)
    reviewed: Counter[str] = field(default_factory=Counter)
    lost: Counter[str] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)

    def line(self, name: str) -> str:
        count, ms = self.counts, 1000 * np.quantile(self.seconds, (0.5, 0.95))
        share = 100 * count["review"] / max(count["rows"], 1)
        return (
            f"{name:<11} {count['pages']:>6} {count['read']:>5} {count['refused']:>8} {count['rows']:>6} "
            f"{count['wrong']:>6} {count['double']:>14} {count['lost']:>6} {share:>9.1f} % {ms[0]:>9.0f} {ms[1]:>7.0f}"
        )


def blank_of(programme: str, version: str, form: str) -> Blank:
    instrument = load_method(programme, version).instrument(form)
    return make_blank("bench", instrument, plan_form(instrument), Heading("Xã thử", instrument.title_vi, "Đo thử"))


def printed_pages(blank: Blank) -> list[np.ndarray]:
    pages = [one.pixels for one in pictures(print_sheets(blank, ["000001"])) if isinstance(one, Picture)]
    return [np.asarray(cv2.resize(page, SIZE, interpolation=cv2.INTER_CUBIC), dtype=np.uint8) for page in pages]


def compare(result: Result, drawn: dict[str, Drawn], rows: dict) -> None:
    for code, row in rows.items():
        meant = drawn[code]
        result.counts["rows"] += 1
        if row.state in (State.DOUBLE, State.DOUBTFUL):
            result.counts["review"] += 1
            result.reviewed[meant.kind] += 1
        elif row.value and meant.kind == "double":
            result.counts["double"] += 1
        elif row.value and row.value != meant.option:
            result.counts["wrong"] += 1
        elif meant.option and not row.value:
            result.counts["lost"] += 1
            result.lost[meant.kind] += 1


def measure(name: str, blanks: list[Blank], prints: list[list[np.ndarray]], pages: int) -> Result:
    result, places = Result(), [(form, page) for form, own in enumerate(prints) for page in range(len(own))]
    for number in range(pages):
        rng = np.random.default_rng([number, list(DISTORTIONS).index(name)])
        form, page = places[number % len(places)]
        template, paper = blanks[form].template, prints[form][page].copy()
        rows = {q.code: [(b.option, b.x, b.y) for b in bubbles] for q, bubbles in template.rows(page + 1)}
        drawn = fill_page(paper, rows, RADIUS, rng)
        pixels = DISTORTIONS[name](paper, rng)
        started = time.perf_counter()
        read = read_page(Picture(pixels, len(np.unique(pixels)) == 2), lambda _, known=template: known, Thresholds())
        result.seconds.append(time.perf_counter() - started)
        result.counts["pages"] += 1
        if isinstance(read, Refusal):
            result.counts["refused"] += 1
            continue
        result.counts["read"] += 1
        compare(result, drawn, read.rows)
    return result


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pages", type=int, default=102, help="of each distortion")
    pages = parser.parse_args().pages
    cv2.setNumThreads(1)
    blanks = [blank_of(*form) for form in FORMS]
    prints = [printed_pages(blank) for blank in blanks]
    print(COLUMNS, flush=True)
    total, reviewed, lost = Counter[str](), Counter[str](), Counter[str]()
    for name in DISTORTIONS:
        result = measure(name, blanks, prints, pages)
        print(result.line(name), flush=True)
        total, reviewed, lost = total + result.counts, reviewed + result.reviewed, lost + result.lost
    print(f"\n{total['pages']} pages, {total['rows']} rows, {total['wrong']} wrong answers accepted")
    print(f"to review by what was drawn: {dict(reviewed.most_common())}; lost: {dict(lost.most_common())}")
    return 1 if total["wrong"] else 0


if __name__ == "__main__":
    sys.exit(main())
