"""What people are told is what is there."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from typer.testing import CliRunner

from backend.cli.app import build_app
from backend.domain.layout import LAYOUTS, Kind
from backend.domain.products import FIRST_MEASURE, Product, Unit
from backend.settings import Settings

ROOT = Path(__file__).resolve().parents[2]


def test_settings_page_names_every_setting_with_its_default() -> None:
    rows = re.findall(r"^\| `(HUANLIAN_\w+)` \| (\S+) \|", (ROOT / "docs" / "settings.md").read_text(), re.M)
    told = {name: default.strip("`") for name, default in rows}
    for name, field in Settings.model_fields.items():
        default = str(field.default).lower() if isinstance(field.default, bool) else str(field.default)
        assert told.pop(f"HUANLIAN_{name.upper()}") == (default or "empty")
    assert not told


def test_treaty_lists_every_kind_with_its_fields() -> None:
    text = (ROOT / "docs" / "spec" / "entries.md").read_text()
    rows = {
        int(code): (name, words)
        for code, name, words in re.findall(r"^\| (\d+) \| (\w+) \| \S+ \| (.+) \|$", text, re.M)
    }
    assert sorted(rows) == sorted(int(kind) for kind in Kind)
    for kind, layout in LAYOUTS.items():
        name, words = rows[int(kind)]
        assert name == kind.name.lower()
        told = re.sub(r"^(head, |head)", "", words)
        for word in layout.words:
            for field, bits in word:
                if field in ("kind", "words", "flags", "occurred_at") or field.startswith("spare"):
                    continue
                assert f"{field} {bits}" in told, (kind.name, field)


def test_treaty_lists_every_product_with_its_names_and_unit() -> None:
    text = (ROOT / "docs" / "spec" / "entries.md").read_text()
    listed = text.partition("**product**: ")[2].partition("\n## ")[0]
    found = {
        int(code): (en.replace("\n", " "), zh, unit or "g")
        for code, en, zh, unit in re.findall(r"(\d+) ([a-z ]+) ([^\x00-\x7f]+)(?: in (\w+))?[,;.]", listed)
    }
    assert found == {int(p): (p.names.en, p.names.zh, p.unit.value) for p in Product}
    for product in Product:
        assert product.is_measure == (product >= FIRST_MEASURE) == (product.unit != Unit.GRAMS)


def commands_of_the_product() -> set[str]:
    app = build_app()
    groups = [group.typer_instance.info.name for group in app.registered_groups if group.typer_instance]
    return {str(name) for name in (*groups, *(command.name for command in app.registered_commands))}


def test_readme_names_every_top_level_folder_and_only_real_commands() -> None:
    readme = (ROOT / "README.md").read_text()
    listed = subprocess.run(
        ["git", "ls-tree", "-d", "--name-only", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    for folder in listed.stdout.split():
        assert f"\n{folder}/" in readme, folder
    commands = commands_of_the_product()
    used = set(re.findall(r"\.venv/bin/huanlian ([\w-]+)", readme))
    assert used <= commands
    for script in re.findall(r"^scripts/(\w+)", readme, re.M):
        assert (ROOT / "scripts" / script).stat().st_mode & 0o111, script


def test_every_command_explains_itself() -> None:
    for command in commands_of_the_product():
        result = CliRunner().invoke(build_app(), [command, "--help"])
        assert result.exit_code == 0, command
        assert "Usage" in result.output
