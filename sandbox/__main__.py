"""`python -m sandbox serve hubspot|salesforce …`: one stand-in CRM in the foreground."""

from __future__ import annotations

import argparse
import importlib
import logging
import os
from pathlib import Path

from sandbox.control import CRMS, ServerFile
from sandbox.control_app import create_control_app
from sandbox.loopback import bind
from sandbox.serving import run


def main() -> None:
    """Parse the command line and serve until SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(prog="python -m sandbox", description=__doc__)
    commands = parser.add_subparsers(required=True)
    serve = commands.add_parser("serve", help="serve one stand-in CRM on two loopback ports")
    serve.add_argument("crm", choices=CRMS)
    serve.add_argument("--state-dir", type=Path, required=True, help="where the database file lives")
    serve.add_argument("--port", type=int, default=0, help="port of the API; 0 means a free one")
    serve.add_argument("--control-port", type=int, default=0, help="port of the control app; 0: a free one")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    try:
        _serve(arguments.crm, arguments.state_dir, arguments.port, arguments.control_port)
    except OSError as error:
        parser.exit(1, f"Cannot serve {arguments.crm} on port {arguments.port}: {error}\n")


def _serve(crm: str, state_dir: Path, port: int, control_port: int) -> None:
    sockets = (bind(port), bind(control_port))
    room = importlib.import_module(f"sandbox.{crm}")
    organisation = room.open_organisation(state_dir / f"{crm}.db")
    server_file = ServerFile(state_dir, crm)

    def on_started() -> None:
        ports = [sock.getsockname()[1] for sock in sockets]
        server_file.write(os.getpid(), *ports)
        logging.getLogger("sandbox").info("%s answers on port %s, control on port %s", crm, *ports)

    try:
        run(room.create_app(organisation), create_control_app(organisation, state_dir), sockets, on_started)
    finally:
        server_file.remove(os.getpid())
        organisation.close()


if __name__ == "__main__":
    main()
