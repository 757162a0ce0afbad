"""Columns of a response, shared by all that write or read the response table.

Wide: the header fields below, then one small-integer column a coded question (`Question.columns`), `comment` for
scrubbed free text, and the quality flags. A blank answer is null; an unknown code never becomes one.
"""

from __future__ import annotations

# Header fields that a mapping may fill. All text unless said otherwise in HEADER_TYPES.
HEADER: dict[str, str] = {
    "record_id": "Identity of the record in its source",
    "revision": "Revision of the record in its source, 1 the first",
    "unit_code": "Administrative unit or agency evaluated",
    "procedure_code": "Administrative procedure that was done",
    "psu_code": "Primary sampling unit (village, block) of a household survey",
    "respondent": "Who answers: citizen or organisation",
    "channel": "How the answer came: kiosk, paper_desk, paper_post, portal, interview, published",
    "device_id": "Device or keyer that recorded the answer",
    "sequence": "Running number of the record on its device",
    "signing_key": "Key that signed the batch, of a device of the register; empty: not signed",
    "started_at": "When answering began, UTC",
    "submitted_at": "When the answer was submitted, UTC",
    "received_at": "When the source received it, UTC",
    "review_state": "What a reviewer said at the source: approved, rejected, on_hold or empty",
}
HEADER_TYPES: dict[str, str] = {
    "revision": "int32",
    "sequence": "int64",
    "started_at": "timestamp",
    "submitted_at": "timestamp",
    "received_at": "timestamp",
}
# Fields that conforming adds: where the response comes from and who it is.
PROVENANCE: dict[str, str] = {
    "response_id": "Pseudonymous identity: first 32 hex digits of SHA-256 of source, instance and record_id",
    "pseudonym": "HMAC of who answered, with the year's key, only to count repeated respondents; never published",
    "source": "Connector that fetched the record",
    "instance": "Server, folder or form of the source",
    "form": "Instrument id",
    "form_version": "Instrument version",
    "procedure_field": "Field of the procedure, from the frame of the round",
    "landing_sha256": "Hash of the landed bytes that hold the record",
    "line": "Line or position of the record in those bytes",
    "content_hash": "Hash of device, times, unit, procedure and answers",
}
COMMENT = "comment"
# What a heading may tell of the person who answers; never beside answers.
IDENTITY_FIELDS: dict[str, str] = {
    "name": "Name",
    "phone": "Telephone number",
    "citizen_id": "Number of the citizen's identity card (CCCD, CMND) or passport",
    "email": "E-mail address",
    "dossier": "Number of the dossier, by which the one-stop system finds the person",
    "address": "Address",
    "birth_date": "Day of birth",
    "account": "Number of a bank account, an insurance card or a vehicle",
}
CHANNELS = ("kiosk", "paper_desk", "paper_post", "portal", "interview", "published")
RESPONDENTS = ("citizen", "organisation")
REVIEW_STATES = ("approved", "rejected", "on_hold")
