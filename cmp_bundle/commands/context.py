"""What every use case is given: the settings, and whom to tell."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

from cmp_bundle.commands.result import ServerChanges
from cmp_bundle.report import Silent
from cmp_bundle.settings import load

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from cmp_bundle.findings import Finding
    from cmp_bundle.report import Reporter
    from cmp_bundle.settings import Loaded, Settings

_Arguments = ParamSpec("_Arguments")
_Changes = TypeVar("_Changes", bound=ServerChanges)


@dataclass(frozen=True)
class Context:
    """``loaded`` are the settings, each with its origin; ``reload`` reads them again, as they are
    by then. ``allow_loose`` is whether files with passwords that others can read are used, too.
    """

    loaded: Loaded
    reload: Callable[[], Loaded]
    reporter: Reporter = field(default_factory=Silent)
    allow_loose: bool = False

    @classmethod
    def load(
        cls,
        file: Path | str | None = None,
        settings: Mapping[str, Any] | None = None,
        *,
        reporter: Reporter | None = None,
        allow_loose: bool = False,
        replaced: bool = False,
    ) -> Context:
        """With the settings that count here: of ``file``, else of cmp-bundle.toml of this folder,
        and of the environment. ``settings`` wins over both: values by their dotted names
        (``build.out``). Where the file is to be ``replaced``, as by ``init``, it may be missing or
        wrong. Raises CmpBundleError.
        """
        named = None if file is None else Path(file)
        loaded = load(named, flags=settings, replaced=replaced)

        def again() -> Loaded:
            # A file that has gone is none to do without: defaults are another phone.
            return load(named or loaded.file, flags=settings)

        return cls(loaded, again, reporter or Silent(), allow_loose)

    @property
    def settings(self) -> Settings:
        return self.loaded.settings

    @property
    def home(self) -> Path:
        """The folder of the settings, where there is a file of them; else the current one."""
        return self.loaded.file.parent if self.loaded.file else Path.cwd()


def with_notes(
    use_case: Callable[Concatenate[Context, _Arguments], _Changes],
) -> Callable[Concatenate[Context, _Arguments], _Changes]:
    """``use_case``, whose result has as its ``notes`` all that was said to the reporter."""

    @wraps(use_case)
    def run(context: Context, /, *args: _Arguments.args, **options: _Arguments.kwargs) -> _Changes:
        recorder = _RecordingReporter(context.reporter)
        result = use_case(replace(context, reporter=recorder), *args, **options)
        return replace(result, notes=tuple(recorder.notes))

    return run


class _RecordingReporter:
    """A Reporter that also keeps what it passes on."""

    def __init__(self, reporter: Reporter) -> None:
        self._reporter = reporter
        self.notes: list[str] = []
        self.detail = reporter.detail
        self.progress = reporter.progress

    def note(self, text: str) -> None:
        self.notes.append(text)
        self._reporter.note(text)

    def warn(self, text: str) -> None:
        self.notes.append(text)
        self._reporter.warn(text)

    def found(self, finding: Finding) -> None:
        self.notes.append(str(finding))
        self._reporter.found(finding)
