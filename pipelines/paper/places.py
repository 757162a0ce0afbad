"""Where the files of paper lie in the lake. It must not read or write them."""

from __future__ import annotations


def template(round_id: str, template_id: str) -> str:
    """A printed form's template; the blank pages lie beside it as PDF."""
    return f"paper/{round_id}/templates/{template_id}.json"


def issued(round_id: str, first: str, last: str) -> str:
    """Serial numbers printed together, and for whom."""
    return f"paper/{round_id}/issued/{first}-{last}.json"


def void(round_id: str, serial: str) -> str:
    """A serial number that no longer counts: who said so, and why."""
    return f"paper/{round_id}/void/{serial}.json"


def page(round_id: str, serial: str, number: str | int) -> str:
    """What was read on one page."""
    return f"paper/{round_id}/pages/{serial}-{number}.json"


def sheets(round_id: str, sha256: str) -> str:
    """Whole sheets as records, by the hash of the file: what the source `scan` fetches."""
    return f"paper/{round_id}/sheets/{sha256}.jsonl"


def item(round_id: str, item_id: str) -> str:
    """Something that a person must decide; its picture lies beside it as PNG."""
    return f"review/{round_id}/items/{item_id}.json"


def crop(round_id: str, item_id: str) -> str:
    """The picture of what is to be decided."""
    return f"review/{round_id}/items/{item_id}.png"


def decision(round_id: str, item_id: str, name: str) -> str:
    """One decision; never overwritten."""
    return f"review/{round_id}/decisions/{item_id}/{name}.json"
