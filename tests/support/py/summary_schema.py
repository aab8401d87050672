"""The schema of lgen's JSON, as strict as a test may be: a key that it does not name is a mistake of one of the two."""

import json
import os

import jsonschema

SCHEMA = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "..", "schema", "summary.schema.json")


def strict(node):
    """Refuses unknown keys wherever keys are named; where a condition names them again, the condition's rule counts."""
    if isinstance(node, list):
        return [strict(item) for item in node]
    if not isinstance(node, dict):
        return node
    out = {key: strict(value) for key, value in node.items() if key not in ("if", "then", "else")}
    out.update({key: node[key] for key in ("if", "then", "else") if key in node})
    if isinstance(node.get("properties"), dict) and "additionalProperties" not in node:
        out["additionalProperties"] = False
    return out


def validator():
    with open(SCHEMA, encoding="utf-8") as file:
        schema = json.load(file)
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(strict(schema))


def problems(summary):
    return [f"{'/'.join(map(str, error.absolute_path))}: {error.message}" for error in validator().iter_errors(summary)]
