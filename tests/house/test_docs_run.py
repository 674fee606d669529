"""What the pages of docs/ tell people to type works: run in order, page by page, in a new folder.

Run are ```bash blocks whose first line is `$ recarb ...` (every line that starts with "$ ") and all
```python blocks, which share one namespace. A block under `<!-- not run: reason -->` is not.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"
BLOCK = re.compile(r"(?ms)(<!-- not run: [^\n]+-->\n)?^```(bash|python)\n(.*?)^```$")


def blocks(text):
    """Language, code and line of every block of a page that is to be run."""
    for found in BLOCK.finditer(text):
        skipped, language, code = found.groups()
        if not skipped and (language == "python" or code.startswith("$ recarb")):
            yield language, code, text.count("\n", 0, found.start(3)) + 1


PAGES = [page for page in sorted(DOCS.glob("*.md")) if list(blocks(page.read_text("utf-8")))]


def run_commands(code, where):
    """Run every line of a block that starts with "$ "; returns how many there were."""
    ran = 0
    scripts = Path(sys.executable).parent
    known = os.environ | {"PATH": f"{scripts}{os.pathsep}{os.environ['PATH']}", "COLUMNS": "160"}
    for line in code.splitlines():
        if line.startswith("$ "):
            done = subprocess.run(
                line[2:], shell=True, env=known, capture_output=True, text=True, check=False
            )
            told = f"{where}: {line}\n{done.stdout}{done.stderr}"
            assert done.returncode == 0, told
            ran += 1
    return ran


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_page_works(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    namespace, ran = {"__name__": "page"}, []
    for language, code, line in blocks(page.read_text("utf-8")):
        if language == "bash":
            ran.append(run_commands(code, f"{page.name}, line {line}"))
        else:
            exec(compile("\n" * (line - 1) + code, page.name, "exec"), namespace)
            ran.append(code.count("\n"))
    assert ran, "nothing of the page was run"
    assert all(ran), f"blocks without a line that was run: {ran}"


def test_the_tutorial_is_run():
    assert "tutorial.md" in [page.name for page in PAGES]


def test_a_command_that_fails_is_told():
    with pytest.raises(AssertionError, match="no such file"):
        run_commands("$ recarb check nowhere.toml\n", "page")


def test_which_blocks_are_run():
    page = "```bash\n$ recarb a\n```\n<!-- not run: data -->\n```bash\n$ recarb b\n```\n"
    page += "```bash\n$ recarb c\n```\n<!-- a remark -->\n"
    page += "```bash\n$ cd x\n```\n\n```toml\na = 1\n```\n```python\nx = 1\n```\n"
    assert [code for _, code, _ in blocks(page)] == ["$ recarb a\n", "$ recarb c\n", "x = 1\n"]
    assert all(page.splitlines()[line - 1] == code.rstrip() for _, code, line in blocks(page))
