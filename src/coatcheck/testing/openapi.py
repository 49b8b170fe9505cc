"""The controls as an OpenAPI document, made from their table."""

from __future__ import annotations

from typing import Any, Final

import coatcheck

from .controls import CONTROLS, Control
from .documents import schema

ROOT: Final = "/controls/"
TOKEN_HEADER: Final = "x-coatcheck-test-token"  # noqa: S105  a name
_REFUSED: Final = {
    "400": "What was asked can't be done.",
    "401": "The token is missing, or another.",
    "403": "The Host isn't ours, or there is an Origin.",
    "415": "It isn't JSON.",
}


def write_openapi() -> dict[str, Any]:
    """The document."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "coatcheck's test controls",
            "version": coatcheck.__version__,
            "description": "What a test may do to a server started with --test-controls.",
        },
        "security": [{"token": []}],
        "paths": {f"{ROOT}{name}": {"post": _write_control(name, control)} for name, control in CONTROLS.items()},
        "components": {
            "securitySchemes": {"token": {"type": "apiKey", "in": "header", "name": TOKEN_HEADER}},
            "schemas": {
                "Error": {
                    "type": "object",
                    "properties": {"error": {"type": "string", "description": "A sentence."}},
                    "required": ["error"],
                }
            },
        },
    }


def _write_control(name: str, control: Control) -> dict[str, Any]:
    told = {"description": "Done.", "content": {"application/json": {"schema": schema(control.tells)}}}
    error = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
    return {
        "operationId": name,
        "summary": control.meaning,
        "requestBody": {
            "required": bool(schema(control.takes)["required"]),
            "content": {"application/json": {"schema": schema(control.takes)}},
        },
        "responses": {
            "200": told,
            **{status: {"description": text, "content": error} for status, text in _REFUSED.items()},
        },
    }
