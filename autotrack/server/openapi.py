"""The OpenAPI document, made of the table of routes."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import msgspec

from autotrack.server.route import Route
from autotrack.wire.messages import MESSAGES
from autotrack.wire.values import Schema

_REF = "#/components/schemas/{name}"


def document(routes: Iterable[Route], version: str) -> dict[str, Any]:
    """Every route with its request and its answer."""
    routes = tuple(routes)
    kinds = list(dict.fromkeys(route.asked for route in routes if route.asked is not None))
    asked, components = msgspec.json.schema_components(kinds, ref_template=_REF)
    schemas: Schema = {name: message.schema for name, message in MESSAGES.items()} | components
    schemas["Error"] = {
        "type": "object",
        "properties": {"error_code": {"type": "string"}, "message": {"type": "string"}},
        "required": ["error_code", "message"],
    }
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        requested = asked[kinds.index(route.asked)] if route.asked is not None else None
        path = re.sub(r"\{(\w+):path\}", r"{\1}", route.full_path)
        paths.setdefault(path, {})[route.method.lower()] = _operation(route, requested, components)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "autotrack server",
            "version": version,
            "description": "MLflow's REST protocol, also below /ajax-api and under either version of the API. Integers "
            "may come in quotes, names in camelCase; NaN and infinities are texts.",
        },
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer"},
                "basic": {"type": "http", "scheme": "basic"},
            },
        },
        "security": [{}, {"bearer": []}, {"basic": []}],
    }


def _operation(route: Route, requested: Schema | None, components: Schema) -> dict[str, Any]:
    inside = re.findall(r"\{(\w+)(?::path)?\}", route.path)
    parameters = [{"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in inside]
    operation: dict[str, Any] = {
        "operationId": f"{route.handle.__module__.rsplit('.', maxsplit=1)[-1]}.{route.handle.__name__}.{route.method}",
        "summary": route.says.partition("\n")[0],
        "description": route.says,
        "tags": [route.handle.__module__.rsplit(".", maxsplit=1)[-1]],
    }
    if requested is not None and route.method == "GET":
        whole = components[requested["$ref"].rsplit("/", maxsplit=1)[-1]]
        parameters += [
            {"name": name, "in": "query", "required": name in whole.get("required", ()), "schema": schema}
            for name, schema in whole["properties"].items()
            if name not in inside
        ]
    elif requested is not None:
        operation["requestBody"] = {"content": {"application/json": {"schema": requested}}, "required": True}
    if parameters:
        operation["parameters"] = parameters
    fields = {name: kind.schema for name, kind in route.answer.items()}
    answer: dict[str, Any] = {"description": "Done"}
    if fields or requested is not None:
        answer["content"] = {"application/json": {"schema": {"type": "object", "properties": fields}}}
    failure = {
        "description": "Refused",
        "content": {"application/json": {"schema": {"$ref": _REF.format(name="Error")}}},
    }
    operation["responses"] = {"200": answer, "default": failure}
    if route.path == "/health":
        operation["security"] = []
    return operation
