"""The JSON Schemas in docs/json/, made from what the use cases return; ``check`` holds output to them."""

from __future__ import annotations

import dataclasses
import enum
import functools
import json
import types
import typing
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jsonschema

from cmp_bundle.bundle import manifest
from cmp_bundle.changes import described
from cmp_bundle.commands import (
    accounts,
    authority,
    bundling,
    certificate_hooks,
    certificates,
    effective_settings,
    examination,
    importing,
    installed_certificate,
    kept_releases,
    link_key,
    phone_links,
    provisioning,
    releasing,
    republish,
    result,
    serving,
    setting_up,
    source_differences,
    trusting,
)
from cmp_bundle.findings import Finding, Level

FOLDER = Path(__file__).parents[1] / "docs/json"

#: What each command prints with --json.
RESULTS: dict[str, type] = {
    "init": setting_up.Initialised,
    "config": effective_settings.SettingsInEffect,
    "fetch": bundling.Fetched,
    "accounts-list": accounts.Accounts,
    "accounts-show": accounts.ListedAccount,
    "accounts-add": accounts.AddedAccount,
    "accounts-remove": accounts.RemovedAccounts,
    "accounts-import": importing.ImportedAccounts,
    "accounts-check": accounts.AccountFindings,
    "accounts-sync": source_differences.SourceDifferences,
    "accounts-rotate": accounts.RotatedPasswords,
    "build": bundling.BuiltBundle,
    "fixes": bundling.Fixes,
    "certs-issue": certificates.Issued,
    "certs-show": certificates.Certificates,
    "certs-trust": trusting.TrustChange,
    "certs-untrust": trusting.TrustChange,
    "certs-ca": authority.ShownAuthority,
    "certs-install": installed_certificate.InstalledCertificate,
    "certs-renew": installed_certificate.RenewedCertificate,
    "certs-hook": certificate_hooks.CertificateHook,
    "serve": serving.Served,
    "provision": provisioning.Provisioned,
    "deploy": releasing.Release,
    "doctor": examination.Examination,
    "link": phone_links.UserLink,
    "links": phone_links.Links,
    "key-backup": link_key.KeyBackup,
    "key-restore": link_key.KeyChange,
    "key-rotate": link_key.KeyChange,
    "releases": kept_releases.Releases,
    "rollback": releasing.Release,
    "undeploy": releasing.Release,
}

#: What annotations name that their modules import for type checkers alone.
_NAMES = {"Mapping": Mapping, "Path": Path, "Finding": Finding, "Any": Any} | {
    name: value
    for module in (
        authority,
        described,
        manifest,
        provisioning,
        republish,
        result,
        source_differences,
    )
    for name, value in vars(module).items()
    if dataclasses.is_dataclass(value)
}

_PLAIN = {str: "string", int: "integer", bool: "boolean", Path: "string", type(None): "null"}


def _text(*, null: bool = False) -> dict[str, Any]:
    return {"type": ["string", "null"] if null else "string"}


_FINDING = {
    "type": "object",
    "description": "What is wrong or worth knowing: docs/findings.md has the codes. A place is a"
    " file and its line, or a row of a database, which is in no file.",
    "properties": {
        "code": _text(),
        "level": {"enum": [level.value for level in Level]},
        "message": _text(),
        "hint": _text(null=True),
        "file": _text(null=True),
        "line": {"type": ["integer", "null"]},
        "place": _text(null=True),
        "subject": _text(null=True),
    },
    "required": ["code", "level", "message", "hint", "file", "line", "place", "subject"],
}


def _schema(kind: Any, parts: dict[str, Any]) -> dict[str, Any]:
    """Of a type; dataclasses are put among ``parts``, and referred to."""
    if kind is Any:
        return {}
    if kind in _PLAIN:
        return {"type": _PLAIN[kind]}
    if kind is Finding:
        parts["Finding"] = _FINDING
        return {"$ref": "#/$defs/Finding"}
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if origin in (types.UnionType, typing.Union):
        each = [_schema(one, parts) for one in inner]
        if all(one.keys() == {"type"} for one in each):
            return {"type": [one["type"] for one in each]}
        return {"anyOf": each}
    if origin is tuple:
        return {"type": "array", "items": _schema(inner[0], parts)}
    if origin is Mapping:
        return {"type": "object", "additionalProperties": _schema(inner[1], parts)}
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return {"enum": [one.value for one in kind]}
    parts[kind.__name__] = {}  # for one that holds its like
    parts[kind.__name__] = _object(kind, parts)
    return {"$ref": f"#/$defs/{kind.__name__}"}


def _object(kind: Any, parts: dict[str, Any]) -> dict[str, Any]:
    hints = typing.get_type_hints(kind, localns=_NAMES)
    names = [field.name for field in dataclasses.fields(kind)]
    return {
        "type": "object",
        "description": _words(kind),
        "properties": {name: _schema(hints[name], parts) for name in names},
        "required": names,
    }


def _words(kind: type) -> str:
    """The docstrings of a dataclass and of those that it has its fields from, in JSON's words."""
    own = [(one.__name__, one.__doc__ or "") for one in kind.__mro__ if one is not object]
    # A dataclass without a docstring is given its signature for one.
    text = " ".join(" ".join(doc for name, doc in own if not doc.startswith(f"{name}(")).split())
    return text.replace("``", "`").replace("None", "null")


def made() -> dict[str, str]:
    """What each file in docs/json/ has to hold."""
    files = {}
    for name, kind in RESULTS.items():
        parts: dict[str, Any] = {}
        whole = {"title": f"cmp-bundle {name.replace('-', ' ')} --json", **_object(kind, parts)}
        files[f"{name}.json"] = _written(whole, parts)
    several = {"type": "array", "items": {"$ref": "#/$defs/Finding"}}
    error = {
        "title": "cmp-bundle … --json where it ends with 1 or 2",
        "description": "What is wrong; with the code several, all of it is among the findings.",
        "type": "object",
        "properties": {
            "error": {"$ref": "#/$defs/Finding", "properties": {"findings": several}},
        },
        "required": ["error"],
    }
    return files | {"error.json": _written(error, {"Finding": _FINDING})}


def _written(whole: dict[str, Any], parts: dict[str, Any]) -> str:
    start = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    document = start | whole | ({"$defs": parts} if parts else {})
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


@functools.cache
def _validator(name: str) -> jsonschema.Draft202012Validator:
    schema = json.loads((FOLDER / f"{name}.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def check(words: Sequence[str], printed: Any) -> None:
    """Raises where ``printed`` is not what the command of these words says that it prints."""
    name = words[0]
    if f"{name}-{words[1] if len(words) > 1 else ''}" in RESULTS:
        name = f"{name}-{words[1]}"
    if isinstance(printed, dict) and "error" in printed:
        name = "error"
    _validator(name).validate(printed)
    known = _validator(name).schema
    assert isinstance(known, dict)
    assert set(printed) <= set(known["properties"]), "a field that is not documented"
