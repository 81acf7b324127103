"""The commands, each in the file of its idea."""

from __future__ import annotations

import typer

from backend.cli import audit, chain, field, verify
from backend.cli.backup import backup, restore
from backend.cli.books import open_bin_source, open_point_sink
from backend.cli.complaint import complaint_app
from backend.cli.import_points import import_command
from backend.cli.inspection import inspection_app
from backend.cli.labels import labels_command
from backend.cli.month import simulate_app
from backend.cli.open_data import anchor_open_data, open_data
from backend.cli.person import person_app
from backend.cli.reindex import reindex
from backend.cli.relay import relay
from backend.cli.scale import scale_app
from backend.cli.scan_privacy import scan_privacy
from backend.cli.trace import trace


def build_app() -> typer.Typer:
    """Return the command line."""
    app = typer.Typer(
        name="huanlian",
        help="Waste custody as device-signed facts on a chain that anyone can check.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
    )
    app.command("devnet")(chain.devnet)
    app.command("deploy")(chain.deploy)
    app.command("up")(chain.up)
    app.command("seed")(field.seed)
    app.command("import")(import_command(open_point_sink))
    app.command("plan")(field.plan)
    app.add_typer(simulate_app())
    app.command("invite")(field.invite)
    app.command("labels")(labels_command(open_bin_source))
    app.command("trace")(trace)
    app.command("audit")(audit.audit)
    app.command("open-data")(open_data)
    app.command("anchor-open-data")(anchor_open_data)
    app.command("relay")(relay)
    app.command("backup")(backup)
    app.command("restore")(restore)
    app.command("reindex")(reindex)
    app.command("scan-privacy")(scan_privacy)
    app.command("verify")(verify.verify)
    app.add_typer(scale_app)
    app.add_typer(complaint_app)
    app.add_typer(person_app)
    app.add_typer(inspection_app)
    return app
