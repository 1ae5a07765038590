"""The account as blueprints for the sandbox, and as an application of its own for tests of the wire."""

from __future__ import annotations

from flask import Blueprint, Flask

from . import api, desk
from .simulator import Simulator


def create_blueprints(simulator: Simulator) -> tuple[Blueprint, ...]:
    """EMS's interface, and the desk."""
    return api.create_blueprint(simulator), desk.create_blueprint(simulator)


def create_app(simulator: Simulator) -> Flask:
    """The account alone."""
    app = Flask(__name__)
    app.json.ensure_ascii = False  # type: ignore[attr-defined]
    for blueprint in create_blueprints(simulator):
        app.register_blueprint(blueprint)
    return app
