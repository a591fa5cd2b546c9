"""Which Pythons `make test-pythons` finds."""

import os
import sys
from pathlib import Path

from devstack.pythons import find

THIS = sys.version_info[:2]


def script(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


def pretends(version: str, path: Path) -> None:
    script(path, f"echo {version} {path}")


def test_those_on_the_path_and_those_of_pyenv_are_found(tmp_path: Path) -> None:
    name = f"python{THIS[0]}.{THIS[1]}"
    on_path, pyenv = tmp_path / "bin", tmp_path / "pyenv"
    script(on_path / name, f'exec {sys.executable} "$@"')
    pretends("3 98 final", pyenv / "versions/3.98.0/bin/python3.98")

    found = find({"PATH": f"{tmp_path / 'absent'}{os.pathsep}{on_path}", "PYENV_ROOT": str(pyenv)})

    assert set(found) == {THIS, (3, 98)}
    assert found[THIS].samefile(sys.executable)


def test_broken_shims_old_versions_and_previews_are_left_out(tmp_path: Path) -> None:
    script(tmp_path / "bin/python3.12", "echo 'python3.12: command not found' >&2; exit 127")
    pretends("3 10 final", tmp_path / "bin/python3.10")
    pretends("3 99 beta", tmp_path / "bin/python3.99")

    assert find({"PATH": str(tmp_path / "bin"), "PYENV_ROOT": str(tmp_path)}) == {}
