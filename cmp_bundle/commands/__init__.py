"""The use cases, one function each: what the commands do, and the Python API.

    from cmp_bundle.commands import Context, build, deploy

Each takes a Context and plain arguments, and returns a frozen dataclass, which is what ``--json``
prints. All raise CmpBundleError for what a user can fix. What is not needed is not imported.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cmp_bundle.commands.accounts import (
        add_account,
        check_accounts,
        list_accounts,
        remove_accounts,
        rotate_passwords,
        show_account,
    )
    from cmp_bundle.commands.authority import export_authority, show_authority
    from cmp_bundle.commands.bundling import build, fetch, list_fixes
    from cmp_bundle.commands.certificate_hooks import certificate_hook
    from cmp_bundle.commands.certificates import issue_certificate, show_certificates
    from cmp_bundle.commands.context import Context
    from cmp_bundle.commands.effective_settings import show_settings
    from cmp_bundle.commands.examining import doctor
    from cmp_bundle.commands.importing import import_accounts
    from cmp_bundle.commands.installed_certificate import install_certificate, renew_certificate
    from cmp_bundle.commands.kept_releases import releases
    from cmp_bundle.commands.link_key import backup_key, restore_key, rotate_key
    from cmp_bundle.commands.phone_links import link, links
    from cmp_bundle.commands.provision_script import provision_script
    from cmp_bundle.commands.provisioning import provision, undo_provision
    from cmp_bundle.commands.releasing import deploy, rollback, undeploy
    from cmp_bundle.commands.serving import serve
    from cmp_bundle.commands.setting_up import init
    from cmp_bundle.commands.source_differences import compare_sources
    from cmp_bundle.commands.trusting import trust_authority, untrust_authority

_MODULES = {
    "accounts": (
        "add_account",
        "check_accounts",
        "list_accounts",
        "remove_accounts",
        "rotate_passwords",
        "show_account",
    ),
    "authority": ("export_authority", "show_authority"),
    "bundling": ("build", "fetch", "list_fixes"),
    "certificate_hooks": ("certificate_hook",),
    "certificates": ("issue_certificate", "show_certificates"),
    "context": ("Context",),
    "effective_settings": ("show_settings",),
    "examining": ("doctor",),
    "importing": ("import_accounts",),
    "installed_certificate": ("install_certificate", "renew_certificate"),
    "kept_releases": ("releases",),
    "link_key": ("backup_key", "restore_key", "rotate_key"),
    "phone_links": ("link", "links"),
    "provision_script": ("provision_script",),
    "provisioning": ("provision", "undo_provision"),
    "releasing": ("deploy", "rollback", "undeploy"),
    "serving": ("serve",),
    "setting_up": ("init",),
    "source_differences": ("compare_sources",),
    "trusting": ("trust_authority", "untrust_authority"),
}
_HOMES = {name: module for module, names in _MODULES.items() for name in names}

__all__ = [
    "Context",
    "add_account",
    "backup_key",
    "build",
    "certificate_hook",
    "check_accounts",
    "compare_sources",
    "deploy",
    "doctor",
    "export_authority",
    "fetch",
    "import_accounts",
    "init",
    "install_certificate",
    "issue_certificate",
    "link",
    "links",
    "list_accounts",
    "list_fixes",
    "provision",
    "provision_script",
    "releases",
    "remove_accounts",
    "renew_certificate",
    "restore_key",
    "rollback",
    "rotate_key",
    "rotate_passwords",
    "serve",
    "show_account",
    "show_authority",
    "show_certificates",
    "show_settings",
    "trust_authority",
    "undeploy",
    "undo_provision",
    "untrust_authority",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
