"""A phone and settings become a bundle. Pure: the same inputs give the same bytes."""

from __future__ import annotations

import hashlib
import json
import posixpath
import re
from dataclasses import astuple, dataclass, field, replace
from typing import TYPE_CHECKING, Any

from cmp_bundle import __version__
from cmp_bundle.bundle import banners, fixes, leaks, manifest, minify, policy
from cmp_bundle.bundle.manifest import Bundle, Manifest, PhoneOrigin, Visit
from cmp_bundle.bundle.page import Page, tag
from cmp_bundle.bundle.transforms import TRANSFORMS, Draft, Part, take_handlers
from cmp_bundle.errors import CmpBundleError
from cmp_bundle.findings import finding
from cmp_bundle.phone.builtin import BUILTIN
from cmp_bundle.phone.pin import UPSTREAM
from cmp_bundle.phone.private import is_private
from cmp_bundle.places import Place

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cmp_bundle.bundle.client import Client
    from cmp_bundle.bundle.leaks import Secret
    from cmp_bundle.findings import Finding
    from cmp_bundle.phone.model import Phone
    from cmp_bundle.settings import Settings

#: The element in the page that holds its settings; client/page.ts reads it.
SETTINGS_ELEMENT = "cmp-bundle-settings"

#: Between the scripts in a packed file; client/loader/loader.ts splits there.
SEPARATOR = "\0"

#: What the overlay fills in, and so what a phone's page must have.
CONTRACT = ("accountId", "accountName", "accountPassword", "accountHost", "accountRegister",
            "extension")  # fmt: skip

#: Files of a phone's repository that no browser asks for, and what editors leave beside others.
_UNPUBLISHED = re.compile(
    r"(^|/)(\.git\w*|\.git\w*/.*|\.npmignore|\.editorconfig|readme(\.\w+)?|(un)?licen[sc]e(\.\w+)?"
    r"|copying(\.\w+)?|notice(\.\w+)?|[^/]+~|#[^/]+#|\.[^/]+\.sw[a-p])$",
    re.IGNORECASE,
)
_LICENCE = re.compile(r"(^|/)((un)?licen[sc]e|copying|notice)(\.\w+)?$", re.IGNORECASE)


@dataclass(frozen=True)
class Built:
    """A bundle, what is to be said about it, and what the phone as it came would have cost."""

    bundle: Bundle
    warnings: tuple[Finding, ...]
    before: Visit


@dataclass(frozen=True)
class Live:
    """What the dev server adds to a page: ``scripts`` of its own, by their paths there.

    ``folder`` takes the place of the one that is named by the content of the phone's own files,
    so that a style sheet has one address through many builds and can be swapped in place.
    """

    scripts: tuple[str, ...]
    folder: str


@dataclass(frozen=True)
class BundledAccounts:
    """The accounts' part of a bundle: sealed ``profiles`` by name, and what must not get out.

    ``plain`` is the profile of one account that is put into the page itself, where everybody can
    read it; nobody does that by accident. What it holds is not among the ``secrets``.
    """

    profiles: Mapping[str, bytes] = field(default_factory=dict)
    secrets: tuple[Secret, ...] = ()
    plain: Mapping[str, Any] | None = None


_NOBODY = BundledAccounts()


def build(
    phone: Phone,
    settings: Settings,
    client: Client,
    accounts: BundledAccounts = _NOBODY,
    live: Live | None = None,
) -> Built:
    """Make the bundle.

    Raises CmpBundleError naming the place in the page that does not fit, or the file that holds
    a secret.
    """
    page = Page(_page_text(phone))
    for element in page.all("base"):
        raise CmpBundleError(
            "page-unfit",
            "has a <base>, and cmp-bundle has to add a <base>",
            file=page.name,
            line=element.line,
        )
    additions = _Additions()
    if not settings.build.pristine:
        _check_contract(page)
        additions = _additions(phone, settings, client, accounts.plain)
    ruled = policy.without(page)
    draft = Draft(ruled, {path: file.data for path, file in phone.files.items()})
    before = _cost(page, draft.files)
    if settings.build.pack:
        files = _packed(draft, client.loader, additions, live)
    else:
        files = _plain(draft, additions, live)
    licences = _licences(phone)
    files |= licences
    listed = manifest.listed(files)
    about = Manifest(
        id=manifest.bundle_id(listed),
        made_by=f"cmp-bundle {__version__}",
        site=settings.site.name,
        redirect=settings.site.redirect,
        entry=manifest.ENTRY,
        visit=_cost(Page(files[manifest.ENTRY].decode()), files),
        phone=PhoneOrigin(phone.source, phone.revision, phone.tree),
        licences=tuple(sorted(licences)),
        profiles=manifest.Profiles.of(accounts.profiles),
        files=listed,
        plain=accounts.plain["id"] if accounts.plain is not None and additions.settings else "",
    )
    leaks.check(
        manifest.published(Bundle(files, about, accounts.profiles)),
        accounts.secrets,
        known(phone, client),
    )
    warned = _left_out(phone)
    if ruled.text != page.text:
        text = "the bundle's policy replaces the page's Content-Security-Policy"
        warned.append(finding("policy-replaced", text, Place(page.name)))
    return Built(Bundle(files, about, accounts.profiles), tuple(warned), before)


def known(phone: Phone, client: Client) -> list[bytes]:
    """What everybody can fetch anywhere: cmp-bundle's code, and the phones that it knows."""
    client_code = [part.encode() for part in astuple(client)]
    if phone.source == BUILTIN or phone.tree == UPSTREAM.tree:
        return client_code + [file.data for file in phone.files.values()]
    return client_code


@dataclass(frozen=True)
class _Additions:
    """What cmp-bundle adds to a page: nothing to a pristine one, which has no ``settings``.

    The phone's scripts whose digests are in ``dead`` stay out of a packed page.
    """

    settings: Mapping[str, Any] | None = None
    scripts: tuple[Part, ...] = ()
    style: str = ""
    dead: frozenset[str] = frozenset()
    early: tuple[str, ...] = ()


def _additions(
    phone: Phone, settings: Settings, client: Client, plain: Mapping[str, Any] | None
) -> _Additions:
    without = fixes.chosen(settings.build.without)
    page = page_settings(settings, plain)
    early = (client.early,) if client.early else ()
    overlay = Part("overlay.min.js", client.overlay)
    # The built-in phone has none of the defects.
    if phone.source == BUILTIN:
        return _Additions(page, (overlay,), client.style, early=early)
    if without:
        page["without"] = list(without)
    # First, since the overlay changes what the address bar shows.
    scripts = (Part("fixes.min.js", client.fixes), overlay) if client.fixes else (overlay,)
    style = client.style + client.fixes_style
    return _Additions(page, scripts, style, fixes.dead(without), early)


def page_settings(settings: Settings, plain: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """What the page is told: the shape of Settings in client/settings.ts."""
    server, account = settings.server, settings.account
    return {
        "server": {"host": server.host, "port": server.port, "path": server.path},
        "account": {
            "id": account.id,
            "name": account.name,
            "register": account.register,
            # As in profiles, and as the page calls its field.
            "extension": account.dial,
        },
        "ice": [],
        "visit": settings.site.redirect,
        **({"profile": plain} if plain is not None else {}),
    }


def inert_json(value: Any) -> str:
    """``value`` as JSON that nothing in it can end or run: ASCII, and no ``<``, ``>``, ``&``."""
    text = json.dumps(value, separators=(",", ":"), sort_keys=True)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _page_text(phone: Phone) -> str:
    try:
        return phone.files[manifest.ENTRY].data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise CmpBundleError("not-utf8", "is not UTF-8 text", file=manifest.ENTRY) from None


def _check_contract(page: Page) -> None:
    missing = [name for name in CONTRACT if name not in page.ids]
    if missing:
        raise CmpBundleError(
            "page-unfit",
            f"has no element with the id {missing[0]}, and cmp-bundle has to fill it in",
            file=page.name,
            hint="add the element, or bundle the phone unchanged: --pristine",
        )


def _packed(
    draft: Draft, loader: str, additions: _Additions, live: Live | None
) -> dict[str, bytes]:
    """index.html with everything small inline, and one gzipped file with all the code."""
    sources = dict(draft.files)
    for transform in TRANSFORMS:
        draft = transform(draft)
    alive = tuple(p for p in draft.scripts if fixes.digest(p.text) not in additions.dead)
    draft = replace(draft, scripts=alive)
    parts = [*draft.scripts, *additions.scripts]
    for part in parts:
        if SEPARATOR in part.text:
            raise CmpBundleError("page-unfit", "holds a NUL character", file=part.name)
    scripts = [minify.javascript(p.text, p.name) for p in parts]
    scripts[:1] = [_banner(sources, draft) + "".join(scripts[:1])]
    css = "".join(minify.css(p.text, p.name) for p in draft.styles) + additions.style
    app, files = _app(scripts)
    kept = _kept(draft.files)
    base = _folder(kept, live)
    files |= {posixpath.join(base, path): data for path, data in kept.items()}
    page = Page(minify.html(draft.page.text, draft.page.name))
    seen = posixpath.relpath(app, base or ".")
    attributes = (("data-app", f"{seen}.bin"), ("data-plain", f"{seen}.js"))
    inline = [*additions.early, loader, *scripts]
    head = policy.metas(inline, [css] if css else [], policy.origins_in(page))
    head += _early(additions) + _base(base) + _icon(page)
    if css:
        head += tag("style", (), css)
    head += _settings(additions) + _live(live) + tag("script", attributes, loader)
    files[manifest.ENTRY] = page.edited(page.inside_head(head)).text.encode()
    return files


def _app(scripts: list[str]) -> tuple[str, dict[str, bytes]]:
    """The files with all the code, and their name without its end.

    The loader runs the gzipped scripts one by one, each with its own strictness and its own
    failures, as the page did. Browsers that cannot unpack get them joined.
    """
    separated = SEPARATOR.join(scripts).encode()
    # A semicolon before each keeps the first string of a file from becoming a directive for all.
    joined = "".join(f";{script}\n" for script in scripts).encode()
    name = f"assets/app-{_short(separated)}"
    return name, {f"{name}.bin": minify.gzip(separated), f"{name}.js": joined}


def _plain(draft: Draft, additions: _Additions, live: Live | None) -> dict[str, bytes]:
    """The phone's files as they are, in a folder named by their content."""
    draft = take_handlers(draft)
    page, files = draft.page, dict(draft.files)
    del files[manifest.ENTRY]
    added = ""
    if additions.settings is not None:
        files["cmp-bundle/overlay.css"] = additions.style.encode()
        added += tag("link", (("rel", "stylesheet"), ("href", "cmp-bundle/overlay.css")))
    for number, part in enumerate((*draft.scripts, *additions.scripts)):
        path = f"cmp-bundle/{number}.js"
        files[path] = part.text.encode()
        # Deferred, like the page's own last ones: these come after all of them.
        added += tag("script", (("src", path), ("defer", "")), "")
    kept = _kept(files)
    base = _folder(kept, live)
    inline = [e.text for e in page.all("script") if e.get("src") is None]
    styles = [e.text for e in page.all("style")]
    head = policy.metas([*additions.early, *inline], styles, policy.origins_in(page))
    head += _early(additions) + _base(base) + _icon(page) + _settings(additions) + _live(live)
    page = page.edited(page.inside_head(head), page.before_body_ends(added))
    return {
        manifest.ENTRY: page.text.encode(),
        **{posixpath.join(base, path): data for path, data in kept.items()},
    }


def _early(additions: _Additions) -> str:
    return "".join(tag("script", (), text) for text in additions.early)


def _settings(additions: _Additions) -> str:
    if additions.settings is None:
        return ""
    attributes = (("type", "application/json"), ("id", SETTINGS_ELEMENT))
    return tag("script", attributes, inert_json(additions.settings))


def _base(folder: str) -> str:
    """The phone's own files lie in a folder named by their content; addresses are seen from it."""
    return tag("base", (("href", f"{folder}/"),)) if folder else ""


def _icon(page: Page) -> str:
    """Without one, browsers ask the server for /favicon.ico, and get a 404 for it."""
    return "" if _has_icon(page) else tag("link", (("rel", "icon"), ("href", "data:,")))


def _has_icon(page: Page) -> bool:
    return any("icon" in (e.get("rel") or "").lower().split() for e in page.all("link"))


def _kept(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """What of the phone's files is published beside its page."""
    return {
        path: data
        for path, data in files.items()
        if path != manifest.ENTRY and not _UNPUBLISHED.search(path) and not is_private(path)
    }


def _left_out(phone: Phone) -> list[Finding]:
    """What lies there and is not published, as far as anybody could miss it."""
    text = "is left out: files with such names often hold secrets"
    return [
        finding("left-out", text, Place(path))
        for path in phone.files
        if is_private(path) and not _UNPUBLISHED.search(path)
    ]


def _folder(files: Mapping[str, bytes], live: Live | None) -> str:
    """``assets/<hash>``, named by the content of ``files``; empty where there are none."""
    if not files:
        return ""
    return live.folder if live else f"assets/{manifest.bundle_id(manifest.listed(files))}"


def _live(live: Live | None) -> str:
    scripts = live.scripts if live else ()
    return "".join(tag("script", (("src", s), ("defer", "")), "") for s in scripts)


def _licences(phone: Phone) -> dict[str, bytes]:
    """The phone's licence files, all in one: what it may be handed on under."""
    texts = [
        f"{path}\n\n{file.data.decode(errors='replace').strip()}\n"
        for path, file in phone.files.items()
        if _LICENCE.search(path) and not is_private(path)
    ]
    if not texts:
        return {}
    data = ("\n\n".join(texts)).encode()
    # Without an extension Asterisk sends it as text/plain, which it does for few others.
    return {f"assets/licences-{_short(data)}": data}


def _banner(sources: Mapping[str, bytes], draft: Draft) -> str:
    """The notices of everything that went into the code, the page and its styles included."""
    taken = [manifest.ENTRY, *(p.name for p in (*draft.scripts, *draft.styles))]
    texts = [sources[name].decode(errors="replace") for name in taken if name in sources]
    return banners.banner(notice for text in texts for notice in banners.notices(text))


def _short(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:12]


def _cost(page: Page, files: Mapping[str, bytes]) -> Visit:
    """The page and every file that its elements or its loader load by themselves."""
    base = next((e.get("href") or "" for e in page.all("base")), "")
    loaded = {manifest.ENTRY}
    for element in page.elements:
        if element.tag not in {"script", "img", "source", "audio", "video"} and (
            element.tag != "link" or "stylesheet" not in (element.get("rel") or "")
        ):
            continue
        address = element.get("data-app") or element.get("src") or element.get("href")
        path = posixpath.normpath(posixpath.join(base, address or ""))
        if address and path in files:
            loaded.add(path)
    asked_in_vain = not _has_icon(page)
    return Visit(len(loaded) + asked_in_vain, sum(len(files[path]) for path in loaded))
