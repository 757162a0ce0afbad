"""The built-in rounds: a commune that asks after each procedure, its year before, a province that surveys households.

Names of places and procedures are real; how many dossiers or adults each has is invented (the commune's add up to the
10,450 of its plan for 2023). Nothing here is random.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np

from pipelines.geography import units
from pipelines.model.errors import InputError
from pipelines.model.round import Design
from pipelines.simulate.action_plan import Task
from pipelines.simulate.record import GOOGLE, MICROSOFT
from pipelines.simulate.spec import Channel, Effects, Faults, FrameRow, Sample, SimulationSpec, UnitRow

PROCEDURES = Path(__file__).with_name("procedures.csv")
BEFORE = "commune-before"
COMMUNE_PLAN = (
    Task("T", "Chủ tịch UBND xã", "Chairman of the commune", "score", 80),
    Task("B", "Công chức Văn phòng – Thống kê", "Office and statistics", "score", 85),
    Task("C", "Bộ phận Tiếp nhận và Trả kết quả", "One-stop desk", "score", 75),
    Task("E", "Công chức Tư pháp – Hộ tịch", "Justice and civil status", "score", 90),
)
PROVINCE_PLAN = (
    Task("SIPAS", "Sở Nội vụ", "Department of Home Affairs", "score", 80),
    Task("SIPAS", "Sở Nội vụ", "Department of Home Affairs", "rank", 50),
)
HUNG_YEN = UnitRow("33", "", "Tỉnh Hưng Yên", "Hưng Yên province", "province")
FAULTS = Faults(
    blanks=0.015,
    straight_liners=0.04,
    nonresponse=0.05,
    nonresponse_slope=0.3,
    comments=0.15,
    personal_data=6,
    decomposed=4,
    late=4,
    revised=3,
    exact_duplicates=4,
    content_duplicates=3,
    unknown_codes=3,
    unknown_units=2,
    foreign_units=2,
    unknown_frame_codes=2,
    outside_window=1,  # each of another month: three tasks more of every source
    empty_forms=2,
    refused_at_source=2,
    broken_lines=2,
    half_lines=1,
    sequence_gaps=2,
    repeated_numbers=2,
    clock_back=2,
    unregistered=2,
    tampered=3,
    unfinished=3,
    on_hold=2,
    deleted=2,
    encrypted=1,
    unmapped=2,
    incomplete=3,
    bad_times=2,
    broken_files=2,
    repeated_files=1,
)


def spec_named(name: str, communes: int | None = None, scale: float = 1.0) -> SimulationSpec:
    """Return a built-in specification: `commune`, `province`, or `commune-before`, the year before of the first.

    Args:
        communes: of the province, the first so many in the order of codes; None for all.
        scale: see the two specifications.

    Raises:
        InputError: there is none of that name.
    """
    if name == "commune":
        return commune_spec(scale)
    if name == BEFORE:
        return commune_before_spec(scale)
    if name == "province":
        return province_spec(hung_yen_communes()[:communes], scale)
    raise InputError(f"there is no simulation “{name}”", remedy=f"use one of commune, province, {BEFORE}")


def hung_yen_communes() -> tuple[UnitRow, ...]:
    """Return the communes of Hưng Yên as they are at the end of the round's window."""
    found = units("commune", date(2025, 11, 30)).values()
    return tuple(
        UnitRow(unit.code, HUNG_YEN.unit_code, unit.name_vi, unit.name_en, "commune")
        for unit in found
        if unit.parent_code == HUNG_YEN.unit_code
    )


def commune_spec(scale: float = 1.0) -> SimulationSpec:
    """Return the round of xã Hòa Thành 2023: 10,450 dossiers of 26 procedures in 8 fields, more than 500 forms.

    Args:
        scale: multiplies dossiers and forms; every procedure keeps at least six dossiers.
    """
    return SimulationSpec(
        round_id="tthc-2023-hoa-thanh",
        programme="tthc",
        method_version="2017",
        year=2023,
        title_vi="Khảo sát mức độ hài lòng trong giải quyết thủ tục hành chính, xã Hòa Thành, năm 2023",
        title_en="Survey of satisfaction with administrative procedures, Hòa Thành commune, 2023",
        window_from=date(2023, 9, 1),
        window_to=date(2023, 10, 31),
        unit_level="commune",
        units=(UnitRow("22243", "", "Xã Hòa Thành", "Hòa Thành commune", "commune"),),
        frame=_procedures("22243", scale),
        design=Design(strata=("procedure_field",), psu="", finite_population=True),
        sample=Sample(size=round(560 * scale), minimum=12),
        channels=(
            Channel("kiosk", "kiosk", 0.5, _devices("K", round(560 * scale)), 0.02),
            Channel("postal", "paper_post", 0.25, _devices("NL", round(560 * scale)), -0.03),
            Channel("kobo", "portal", 0.25, _devices("W", round(560 * scale)), -0.05, ("citizen",)),
        ),
        instruments={"citizen": "citizen", "organisation": "organisation"},
        faults=FAULTS,
        previous="tthc-2022-hoa-thanh",
        tasks=COMMUNE_PLAN,
        settings={"reading": {"units_at": "2025-07-01"}},
    )


def commune_before_spec(scale: float = 1.0) -> SimulationSpec:
    """Return the commune's round of the year before: keyed forms of one month, people a little less satisfied."""
    return replace(
        commune_spec(scale),
        round_id="tthc-2022-hoa-thanh",
        year=2022,
        title_vi="Khảo sát mức độ hài lòng trong giải quyết thủ tục hành chính, xã Hòa Thành, năm 2022",
        title_en="Survey of satisfaction with administrative procedures, Hòa Thành commune, 2022",
        window_from=date(2022, 10, 1),
        window_to=date(2022, 10, 31),
        sample=Sample(size=round(260 * scale), minimum=8),
        channels=(Channel("postal", "paper_post", 1.0, _devices("NL", round(260 * scale))),),
        effects=Effects(mean=0.8),
        faults=Faults(blanks=0.015),
        previous="",
        tasks=(),
        settings={},
    )


def province_spec(communes: Sequence[UnitRow], scale: float = 1.0) -> SimulationSpec:
    """Return the household survey of Hưng Yên 2025: in each commune 3 villages of 12 adults each.

    Args:
        communes: the strata; all of the province, or fewer for a small round.
        scale: multiplies the adults of each village (20 to 40 villages a commune, 300 to 900 adults each).
    """
    keyers = _devices("NL", 36 * len(communes))
    tablets = tuple(f"T{unit.unit_code}" for unit in communes)
    return SimulationSpec(
        round_id="sipas-2025-hung-yen",
        programme="sipas",
        method_version="2023",
        year=2025,
        title_vi="Chỉ số hài lòng về sự phục vụ hành chính, tỉnh Hưng Yên, năm 2025",
        title_en="Satisfaction index of public administrative services, Hưng Yên province, 2025",
        window_from=date(2025, 11, 1),
        window_to=date(2025, 11, 30),
        unit_level="commune",
        units=(HUNG_YEN, *communes),
        frame=tuple(row for unit in communes for row in _villages(unit, scale)),
        design=Design(strata=(), psu="psu_code", finite_population=False),
        sample=Sample(size=12, psus=3),
        channels=(
            Channel("kobo", "interview", 0.35, tablets, 0.02),
            Channel("odk", "interview", 0.2, tablets, 0.02),
            Channel("limesurvey", "interview", 0.15, tablets, 0.02),
            Channel("spreadsheet", "interview", 0.1, _services(communes), -0.02),
            Channel("postal", "interview", 0.2, keyers, -0.02),
        ),
        instruments={"citizen": "household"},
        faults=FAULTS,
        seconds=1200.0,
        rollup="pooled",
        tasks=PROVINCE_PLAN,
    )


def _procedures(unit_code: str, scale: float) -> tuple[FrameRow, ...]:
    with PROCEDURES.open(encoding="utf-8", newline="") as stream:
        return tuple(
            FrameRow(
                unit_code=unit_code,
                population=max(6, round(int(row["dossiers"]) * scale)),
                name_vi=row["name_vi"],
                name_en=row["name_en"],
                procedure_code=row["procedure_code"],
                procedure_field=row["procedure_field"],
                organisation_share=float(row["organisation_share"]),
            )
            for row in csv.DictReader(stream)
        )


def _villages(unit: UnitRow, scale: float) -> list[FrameRow]:
    """Return 20 to 40 villages whose sizes follow from the commune's code alone."""
    rng = np.random.default_rng(int(unit.unit_code))
    sizes = rng.integers(300, 901, size=int(rng.integers(20, 41)))
    return [
        FrameRow(
            unit_code=unit.unit_code,
            population=max(24, round(int(size) * scale)),
            name_vi=f"Thôn {number}, {unit.name_vi}",
            name_en=f"Village {number}, {unit.name_en}",
            psu_code=f"{unit.unit_code}-{number:02d}",
        )
        for number, size in enumerate(sizes, 1)
    ]


def _services(communes: Sequence[UnitRow]) -> tuple[str, ...]:
    """Return which form service each commune uses, by turns."""
    return tuple(f"{(GOOGLE, MICROSOFT)[place % 2]}-{unit.unit_code}" for place, unit in enumerate(communes))


def _devices(prefix: str, forms: int) -> tuple[str, ...]:
    """Return two devices, and one more for every 3,000 forms."""
    return tuple(f"{prefix}{number:02d}" for number in range(1, 3 + forms // 3000))
