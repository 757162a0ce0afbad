"""Who a response is, and what it says, as hashes; vectorised over a block.

The identity is pseudonymous, not secret: whoever knows the record id can compute it.
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256

import pyarrow as pa
import pyarrow.compute as pc

SEPARATOR = "\0"  # occurs in no text that is accepted
CONTENT_FIELDS = ("device_id", "started_at", "submitted_at", "unit_code", "procedure_code")


def response_ids(source: str, instance: str, record_ids: pa.Array) -> pa.Array:
    """Return the first 32 hex digits of SHA-256 of source, instance and record id, with NUL between them."""
    prefix = f"{source}{SEPARATOR}{instance}{SEPARATOR}"
    named = pc.binary_join_element_wise(prefix, record_ids, "").cast(pa.binary())
    digests = (content and sha256(content).hexdigest()[:32] for content in named.to_pylist())
    return pa.array(digests, pa.string())


def content_hashes(fields: Mapping[str, pa.Array], answers: Mapping[str, pa.Array]) -> pa.Array:
    """Return SHA-256 over `name=value` of device, times, unit, procedure and answers; what is null does not count."""
    named = {name: fields[name] for name in CONTENT_FIELDS} | dict(sorted(answers.items()))
    parts = [_said(name, values) for name, values in named.items()]
    joined = pc.binary_join_element_wise(*parts, "", null_handling="replace")  # "skip" drops rows that are all null
    return pa.array((sha256(content).hexdigest() for content in joined.cast(pa.binary()).to_pylist()), pa.string())


def _said(name: str, values: pa.Array) -> pa.Array:
    """Return `name=value` of every row, made once for each distinct value."""
    found = values.dictionary_encode()
    return pc.binary_join_element_wise(f"{name}=", _text(found.dictionary), SEPARATOR, "").take(found.indices)


def _text(values: pa.Array) -> pa.Array:
    return (values.cast(pa.int64()) if pa.types.is_timestamp(values.type) else values).cast(pa.string())
