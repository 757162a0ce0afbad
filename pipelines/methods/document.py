"""Reads the YAML files of methods and rounds strictly: as written, against a JSON Schema, with errors a person can use.

Keys stay the text that was written and dates stay text; an unquoted `No`, `007` or `2023-02-15` therefore never turns
into something else unseen. It must not know what a document means.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Hashable
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError, best_match

from pipelines.model.errors import InputError

SCHEMAS = Path(__file__).parent / "schemas"
DATE_TAG = "tag:yaml.org,2002:timestamp"
LONGEST_VALUE, LONGEST_MESSAGE = 100, 300


class _Loader(yaml.CSafeLoader):
    """Plain YAML: text keys that occur once, no dates. The parser in C is ten times as fast as the one in Python."""

    yaml_implicit_resolvers = {  # noqa: RUF012 - the attribute through which PyYAML is configured
        first: [(tag, pattern) for tag, pattern in resolvers if tag != DATE_TAG]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        mapping: dict[Hashable, Any] = {}
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise yaml.MarkedYAMLError(problem="a key must be text", problem_mark=key.start_mark)
            if key.value in mapping:
                raise yaml.MarkedYAMLError(problem=f"key {key.value!r} occurs twice", problem_mark=key.start_mark)
            mapping[key.value] = self.construct_object(value, deep=deep)
        return mapping


def read_document(content: bytes, where: str, schema: str) -> Any:
    """Return the value of a YAML document that fits `schemas/<schema>.schema.yml`.

    Raises:
        InputError: naming file, line or key, and remedy.
    """
    document = _parse(content, where)
    check_document(document, where, schema)
    return document


def check_document(document: Any, where: str, schema: str) -> None:
    """Raise InputError where a value does not fit a schema."""
    error = best_match(_validator(schema).iter_errors(document))
    if error is not None:
        key = error.json_path.removeprefix("$").removeprefix(".")
        raise InputError(_shortened(error), f"{where}: {key}" if key else where, _remedy(error))


def _shortened(error: ValidationError) -> str:
    """Return what is wrong; a long value in front of it is cut, not the reason behind."""
    shown, message = repr(error.instance), str(error.message)
    if len(shown) > LONGEST_VALUE and message.startswith(shown):
        return f"{shown[:LONGEST_VALUE]} …{message.removeprefix(shown)}"
    return message if len(message) <= LONGEST_MESSAGE else f"{message[:LONGEST_MESSAGE]} …"


def _parse(content: bytes, where: str) -> Any:
    try:
        text = unicodedata.normalize("NFC", content.decode("utf-8-sig"))
        _refuse_aliases(text)
        return yaml.load(text, Loader=_Loader)
    except UnicodeDecodeError as error:
        raise InputError(f"not UTF-8 at byte {error.start}", where, "save the file as UTF-8") from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = f"{where}, line {mark.line + 1}, column {mark.column + 1}" if mark else where
        raise InputError(f"not well-formed YAML: {error.problem}", place, "correct this line") from None
    except yaml.YAMLError as error:
        raise InputError(f"not well-formed YAML: {error}", where, "remove the control character") from None


def _refuse_aliases(text: str) -> None:
    """Raise where a document refers to a part of itself, which allows cycles and explosions."""
    for event in yaml.parse(text, Loader=yaml.CSafeLoader):
        if isinstance(event, yaml.AliasEvent):
            mark: Any = event.start_mark  # the parser in C has a class of its own for marks
            raise yaml.MarkedYAMLError(problem="aliases are not allowed", problem_mark=mark)


def _remedy(error: ValidationError) -> str:
    schema = error.schema if isinstance(error.schema, dict) else {}
    if error.validator == "additionalProperties":
        return f"use one of: {', '.join(sorted(schema.get('properties', {})))}"
    if error.validator == "required":
        return f"write all of: {', '.join(schema['required'])}"
    return str(schema.get("description", f"see {SCHEMAS.name}/ for the form of this file"))


@cache
def _validator(schema: str) -> Draft202012Validator:
    content = (SCHEMAS / f"{schema}.schema.yml").read_bytes()
    return Draft202012Validator(_parse(content, schema))
