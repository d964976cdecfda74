"""The tests that there are, and the recordings of tests that there are no more.

What was collected says which files and which stories belong to a test; what else lies in folders of
cassettes was left behind by one that was renamed or deleted.
"""

import re
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from runreel.pytest_plugin.names import SETUP, TEARDOWN
from runreel.pytest_plugin.proxy import TestProxy


@dataclass(slots=True)
class Collected:
    """The tests that there are, and where they have their cassettes; paths are text, so that it can
    pass between processes.

    `whole`: none was left out of the modules that were collected; `full`: nor was any module.
    `modules` are those of each folder, by the names of their cassettes; `files` belong to tests;
    `shared` are the tests by the file that they name.
    """

    root: str
    whole: bool
    full: bool
    fixtures: set[str]
    tests: set[str] = field(default_factory=set)
    modules: dict[str, set[str]] = field(default_factory=dict)
    files: set[str] = field(default_factory=set)
    shared: dict[str, set[str]] = field(default_factory=dict)

    def add(self, test: str, path: Path, name: str) -> None:
        """There is a test, with the cassette that it has if it names none."""
        self.tests.add(test)
        module = name.partition("/")[0]
        self.modules.setdefault(str(path.parent), set()).add(module)
        self.files |= {str(path.parent / "cassettes" / f"{each}.json") for each in _both(name)}

    def share(self, folder: Path, name: str, test: str) -> None:
        """A test names a cassette."""
        for each in _both(name):
            self.shared.setdefault(str(folder / f"{each}.json"), set()).add(test)

    def together(self, other: "Collected") -> "Collected":
        """What two processes have seen of one run; both collected the same."""
        whole = self.whole and other.whole
        return replace(self, whole=whole, files=self.files | other.files)

    def document(self) -> dict[str, Any]:
        """For `of`, in another process."""
        listed = {name: sorted(getattr(self, name)) for name in ("fixtures", "tests", "files")}
        told = {"root": self.root, "whole": self.whole, "full": self.full, **listed}
        for name in ("modules", "shared"):
            told[name] = {key: sorted(each) for key, each in getattr(self, name).items()}
        return told

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> "Collected":
        """What `document` told."""
        told = dict(document)
        for name in ("fixtures", "tests", "files"):
            told[name] = set(told[name])
        for name in ("modules", "shared"):
            told[name] = {key: set(each) for key, each in told[name].items()}
        return cls(**told)


def _both(name: str) -> tuple[str, str]:
    return name, name + TEARDOWN


@dataclass(frozen=True, slots=True)
class Orphan:
    """A cassette that no test has any more, or the `scopes` in it of tests that are gone."""

    file: Path
    scopes: tuple[str, ...] = ()

    def told(self, root: Path) -> str:
        """For people."""
        place = self.file.relative_to(root) if root in self.file.parents else self.file
        return f"{place} ({', '.join(self.scopes)})" if self.scopes else str(place)


def orphans(
    found: Collected,
    is_module: Callable[[str], bool],
    scopes_of: Callable[[Path], set[str | None]],
) -> list[Orphan]:
    """The cassettes of tests that are gone, beside the modules that were collected whole;
    `scopes_of` tells the stories in a file.

    A folder of cassettes is a module's if `is_module` says so of its name; one of a module that is
    there and was not collected is left alone, and so is what may be of no test at all.
    """
    gone = []
    folders = {Path(folder) / "cassettes": names for folder, names in found.modules.items()}
    for folder, modules in sorted(folders.items()):
        for file in sorted(folder.rglob("*.json")):
            shared = str(file) in found.shared
            if not shared and str(file) in found.files:
                continue
            if not shared and _is_gone(file, folder, modules, found, is_module):
                gone.append(Orphan(file))
            elif scopes := _gone_scopes(file, scopes_of(file), found):
                gone.append(Orphan(file, scopes if shared else ()))
    return gone


def _is_gone(
    file: Path,
    folder: Path,
    modules: Collection[str],
    found: Collected,
    is_module: Callable[[str], bool],
) -> bool:
    """Whether a file was the cassette of a test, or of a fixture, that is not there any more."""
    module = file.parent.name
    if file.parent.parent != folder:
        return False
    phase = next((end for end in (SETUP, TEARDOWN) if file.stem.endswith(end)), "")
    named = re.split(r"[.\[\]-]", file.stem.removesuffix(phase))
    if phase and found.fixtures & set(named):
        return False
    if module in modules or module == "conftest":
        return True
    return is_module(module) and not (folder.parent / f"{module}.py").exists()


def _gone_scopes(file: Path, scopes: set[str | None], found: Collected) -> tuple[str, ...]:
    """The tests that are gone and have recordings in a cassette; those of modules that are there
    and were not collected are not gone.
    """
    seen = {test.partition("::")[0] for test in found.tests}
    gone = {
        scope
        for scope in scopes - found.tests
        if scope is not None and "::" in scope
        if (module := scope.partition("::")[0]) in seen or not (Path(found.root) / module).exists()
    }
    named = str(file) in found.shared
    return tuple(sorted(filter(None, gone))) if named or gone == scopes else ()


def remove_orphan(orphan: Orphan, stage: TestProxy) -> None:
    """Delete a cassette, or what is of tests that are gone in it."""
    if orphan.scopes:
        stage.drop_scopes(orphan.file, orphan.scopes)
        return
    orphan.file.unlink(missing_ok=True)
    with suppress(OSError):
        orphan.file.parent.rmdir()  # if nothing else is there
