"""The one Cyber Mega Phone 2K that cmp-bundle was made for and is tested with."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Pin:
    """A commit, the content that it must have, and where to get it.

    ``archive`` is an https address of a tar of the commit's files, ``git`` one that git can
    fetch other commits from.
    """

    repository: str
    commit: str
    tree: str
    archive: str
    git: str

    @classmethod
    def on_github(cls, repository: str, commit: str, tree: str) -> Pin:
        return cls(
            repository,
            commit,
            tree,
            # Where https://github.com/…/archive/… redirects to; it saves a round trip.
            archive=f"https://codeload.github.com/{repository}/tar.gz/{commit}",
            git=f"https://github.com/{repository}.git",
        )


#: The last commit, of 2022-05-18; nothing has happened there since.
UPSTREAM = Pin.on_github(
    "asterisk/cyber_mega_phone_2k",
    commit="ea8b0c1ca502f26c09a233261820ff210a7072a6",
    tree="743fbd3eacc7cde8cfeeb068c2e72531f54ea97b",
)
