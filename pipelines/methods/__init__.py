"""Methods as data: every programme and version is a folder here or in a folder of one's own, read into the model.

It must not compute scores or know of responses.
"""

from pipelines.methods.document import read_document
from pipelines.methods.form_crosswalk import through_crosswalk, translations
from pipelines.methods.library import folder_sha256, is_content, list_methods, load_mappings, load_method
from pipelines.methods.mapping_file import check_mappings, check_zone, crosswalk_of, read_mappings
from pipelines.methods.quality_file import load_quality, quality_text
from pipelines.methods.record_mapping import load_record_mapping
from pipelines.methods.score_layout import load_score_layout
from pipelines.methods.thresholds import load_settings
from pipelines.methods.xlsform import load_instrument

__all__ = [
    "check_mappings",
    "check_zone",
    "crosswalk_of",
    "folder_sha256",
    "is_content",
    "list_methods",
    "load_instrument",
    "load_mappings",
    "load_method",
    "load_quality",
    "load_record_mapping",
    "load_score_layout",
    "load_settings",
    "quality_text",
    "read_document",
    "read_mappings",
    "through_crosswalk",
    "translations",
]
