"""Two simulated rounds, and what their files say, read without the pipeline."""

import csv
import io
import json

import openpyxl

from pipelines.methods import load_method
from pipelines.simulate import spec_named

TTHC = load_method("tthc", "2017")
SIPAS = load_method("sipas", "2023")
COMMUNE = spec_named("commune")
PROVINCE = spec_named("province", communes=4, scale=0.1)


def below(files, folder):
    return {path.rpartition("/")[2]: content for path, content in files.items() if f"{folder}/" in path}


def keyed_rows(files):
    """All rows of the keyed files, as text by heading."""
    for name, content in sorted(below(files, "postal").items()):
        if name.endswith(".csv"):
            assert content.startswith(b"\xef\xbb\xbf")
            table = list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))
        else:
            sheet = openpyxl.load_workbook(io.BytesIO(content), read_only=True).active
            table = [["" if cell is None else str(cell) for cell in row] for row in sheet.iter_rows(values_only=True)]
        for row in table[1:]:
            yield name, dict(zip(table[0], row, strict=True))


def exported_rows(files):
    """All rows of the spreadsheets of form services that can be opened, by heading; the name of the file beside it."""
    for name, content in sorted(below(files, "spreadsheet").items()):
        if name.startswith(("broken", "ban-sao")):
            continue
        if name.endswith(".csv"):
            table = list(csv.reader(io.StringIO(content.decode(), newline="")))
        else:
            sheet = openpyxl.load_workbook(io.BytesIO(content), read_only=True).active
            table = list(sheet.iter_rows(values_only=True))
        for row in table[1:]:
            yield name, dict(zip(table[0], row, strict=True))


def kiosk_lines(files):
    """Lines of each whole file of the kiosk that are no seal."""
    whole = {name: content for name, content in below(files, "kiosk").items() if not name.endswith(".part")}
    return {
        name: [line for line in content.split(b"\n") if line and b'"seal"' not in line]
        for name, content in whole.items()
    }


def kiosk_events(files):
    """Every record of the kiosk's whole files that is JSON; the name of the file beside it."""
    for name, lines in kiosk_lines(files).items():
        for line in lines:
            try:
                yield name, json.loads(line)
            except ValueError:
                continue


def submissions(files, folder="portal/kobo"):
    """Every record of a portal; `portal-before-edits/kobo` holds those before they were edited."""
    return [json.loads(line) for content in below(files, folder).values() for line in content.splitlines()]
