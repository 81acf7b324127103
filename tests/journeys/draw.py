"""Draws all journeys into docs/journeys/, or checks that what is there is up to date.

python tests/journeys/draw.py [--check]
"""

from __future__ import annotations

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
if str(ROOT) not in sys.path:
    sys.path.append(str(ROOT))

from page import write_index, write_page  # noqa: E402
from picture import draw  # noqa: E402
from story import read_stories  # noqa: E402

PAGES = ROOT / "docs" / "journeys"


def drawn() -> dict[str, str]:
    """Return the content of every file in docs/journeys/, by its name."""
    stories = read_stories()
    files = {"README.md": write_index(stories)}
    for story in stories:
        files[f"{story.slug}.md"] = write_page(story)
        files[f"{story.slug}.svg"] = draw(story)
    return files


def main(arguments: list[str]) -> int:
    """Write the files, or with --check say which are stale; return the exit status."""
    wanted = drawn()
    present = {path.name: path.read_text(encoding="utf-8") for path in PAGES.glob("*")} if PAGES.exists() else {}
    stale = sorted(name for name in wanted.keys() | present.keys() if wanted.get(name) != present.get(name))
    if arguments == ["--check"]:
        if stale:
            print(
                f"docs/journeys is stale ({', '.join(stale)}): run python tests/journeys/draw.py", file=sys.stderr
            )
        return 1 if stale else 0
    PAGES.mkdir(parents=True, exist_ok=True)
    for name in stale:
        if name in wanted:
            (PAGES / name).write_text(wanted[name], encoding="utf-8")
        else:
            (PAGES / name).unlink()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
