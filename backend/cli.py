"""Commands of the product: `python -m backend.cli --help`."""

import argparse
import json
import logging
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import NoReturn

from backend import database, development
from backend.core import clock, crypto, db, logs
from backend.core.config import ConfigError, Settings
from backend.core.errors import ServiceError
from backend.files import storage
from backend.files.storage import DiskStorage

DEMO_FILERS = ("wu", "huang")
"""Who has filed already when a development run begins; the other demo people start with nothing."""


def main() -> None:
    """Parse and run one command; an expected failure is one sentence and exit code 1."""
    parser = argparse.ArgumentParser(prog="python -m backend.cli", description="微政务")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, function, help_ in COMMANDS:
        command = commands.add_parser(name, help=help_)
        command.set_defaults(run=function)
        if name == "create-staff":
            command.add_argument("username")
            command.add_argument("display_name")
            command.add_argument("roles", nargs="+", help="role@HALL, or role@* for every hall")
        if name == "poster":
            command.add_argument("hall", help="code of the hall, such as XM")
        if name == "shut-payments":
            command.add_argument("reason", help="what happened, for the audit trail")
        if name == "device":
            command.add_argument("place", nargs="?", help="code of a hall or site; without it, lists the devices")
            command.add_argument("name", nargs="?", help="what the place calls it", default="自助机")
            command.add_argument("--revoke", metavar="ID", help="switch a device off at once and for good")
    arguments = parser.parse_args()
    try:
        arguments.run(arguments)
    except (development.CannotRun, database.DatabaseUnusable, ConfigError, ServiceError) as error:
        sys.exit(str(error))


def run(_: argparse.Namespace) -> None:
    """Everything on this machine: database, web, worker, sandbox."""
    var_dir = Path(os.environ.get("VAR_DIR", "var")).resolve()
    port = development.port("PORT", 8000)
    sandbox_port = development.port("SANDBOX_PORT", 8001, highest=65_534)
    development.check_machine(var_dir, port, sandbox_port)
    for stale in (var_dir / "metrics").glob("*.db"):
        stale.unlink()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)
    server, processes = None, development.Processes(var_dir)
    try:
        address = os.environ.get("DATABASE_URL")
        if not address:
            server = development.start_database(var_dir)
            address = server.url(development.DATABASE)
        processes.environ = environ = development.environment(var_dir, address, port, sandbox_port)
        settings = Settings.from_env(environ)
        database.upgrade(address)
        processes.start("sandbox", "backend.cli", "sandbox")
        processes.start("web", "gunicorn", "-c", "backend/gunicorn.conf.py", "backend.wsgi:app")
        _seed(_connect(settings))
        _demo(environ)
        processes.start("worker", "backend.cli", "worker")
        processes.wait_until_answers(f"http://127.0.0.1:{sandbox_port}/livez")
        processes.wait_until_answers(f"http://127.0.0.1:{port}/readyz")
        _demo_shipments(settings)
        _welcome(port, sandbox_port, environ)
        processes.wait()
    except KeyboardInterrupt:
        print("\n正在停止……", flush=True)
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        processes.stop()
        if server:
            server.stop()


def _interrupt(*_: object) -> NoReturn:
    raise KeyboardInterrupt


def _welcome(port: int, sandbox_port: int, environ: Mapping[str, str]) -> None:
    print("\n微政务 is running.")
    if int(environ.get("CLOCK_OFFSET_S", "0")):
        hour = f"{clock.civil(clock.now()):%Y-%m-%d %A %H:%M}"
        print(f"  Its clock says   {hour} in Xiamen (CLOCK_OFFSET_S; `make logins` needs it too)")
    print(
        f"""  Citizen app      http://127.0.0.1:{port}/
  Staff console    http://127.0.0.1:{port}/staff/
  API reference    http://127.0.0.1:{port}/docs/api
  API document     http://127.0.0.1:{port}/api/v1/openapi.json
  Sandbox phone    http://127.0.0.1:{sandbox_port}/phone   (WeChat, i厦门 and SMS of the demo people)
Demo staff: user, password, one-time code secret, code of this minute (`make logins` prints the next one):"""
    )
    _print_logins(environ)
    print("Ctrl-C stops everything.\nready", flush=True)


def _print_logins(environ: Mapping[str, str]) -> None:
    from backend.devices import service as devices
    from backend.identity import staff
    from payments import demo

    for line in staff.demo_logins(password=environ["DEMO_PASSWORD"], secret=environ["DEMO_TOTP_SECRET"]):
        print(f"  {line}")
    with db.transaction() as session:
        code = devices.demo_code(session)
        to_pay = demo.open_bills(session)
    print("Demo bills to pay: code, payer's name, sum")
    for line in to_pay:
        print(f"  {line}")
    print(f"Demo kiosk: enter this code at /kiosk within fifteen minutes: {code[:5]} {code[5:]}")


def logins(_: argparse.Namespace) -> None:
    """Print the demo accounts of this folder's development run with a current one-time code, and a kiosk's code."""
    var_dir = Path(os.environ.get("VAR_DIR", "var")).resolve()
    server, address = None, os.environ.get("DATABASE_URL")
    if not address:
        server = development.start_database(var_dir)
        address = server.url(development.DATABASE)
    environ = development.environment(var_dir, address, 8000, 8001)
    try:
        _connect(Settings.from_env(environ))
        _print_logins(environ)
    finally:
        db.engine().dispose()
        if server:
            server.stop()


def _connect(settings: Settings) -> Settings:
    clock.shift(settings.clock_offset_s)
    crypto.configure(crypto.Keyring.from_settings(settings))
    storage.configure(DiskStorage.from_settings(settings))
    db.configure(settings)
    return settings


def _seed(settings: Settings) -> None:
    from backend.appointments import jobs
    from backend.seed import express, loader, opening

    with db.transaction() as session:
        loader.load(session)
    with db.transaction() as session:
        opening.load(session)
        express.load(session)
    jobs.first_slots()


def _demo(environ: Mapping[str, str]) -> None:
    from backend.applications import demo as cases
    from backend.identity import staff
    from backend.sandbox.people import PEOPLE
    from payments import demo

    region = Settings.from_env(environ).pay_region
    people = [
        cases.DemoCitizen(one.ixiamen_id(), one.name, one.id_number, one.phone)
        for one in PEOPLE
        if one.key in DEMO_FILERS
    ]
    with db.transaction() as session:
        staff.seed_demo(session, password=environ["DEMO_PASSWORD"], secret=environ["DEMO_TOTP_SECRET"])
        demo.issue(session, region_code=region)
        cases.file(session, people, region_code=region)


def _demo_shipments(settings: Settings) -> None:
    """They are ordered at the simulator, so it must answer first."""
    from backend.sandbox.people import BY_KEY
    from backend.seed import demo_shipments

    # A lost one raises an alert, which is meant for logs and not for this terminal.
    logging.getLogger("express").addHandler(logging.NullHandler())
    person = BY_KEY["zhang"]
    if demo_shipments.load(settings, name=person.name, id_number=person.id_number, phone=person.phone):
        print(f"  Demo shipments of {person.name}; move them at {settings.sandbox_url}/ems/desk")


def seed(_: argparse.Namespace) -> None:
    """Load the catalogue, calendar and opening rules."""
    _seed(_connect(Settings.from_env()))


def migrate(_: argparse.Namespace) -> None:
    """Bring the database to the newest migration."""
    database.upgrade(Settings.from_env().database_url)


def worker(_: argparse.Namespace) -> None:
    """Run background jobs until SIGTERM."""
    from backend import worker as process

    settings = Settings.from_env()
    logs.configure(settings.log_level)
    clock.shift(settings.clock_offset_s)
    process.run(settings)


def sandbox(_: argparse.Namespace) -> None:
    """Serve the simulated providers; refuses to exist in production."""
    from werkzeug.serving import make_server

    from backend.sandbox import clamd, pushes
    from backend.sandbox.app import create_sandbox
    from express.sandbox.ems import pushes as ems_pushes
    from payments.sandbox.alipay import notices as alipay_notices
    from payments.sandbox.wechat_pay import notices

    settings = Settings.from_env()
    if settings.production:
        raise ConfigError("The sandbox does not run in production")
    logs.configure(settings.log_level)
    values = {item.name.upper(): str(getattr(settings, item.name)) for item in fields(settings)}
    values |= {name: key for name, key in os.environ.items() if name.startswith("SANDBOX_")}
    port = int(settings.sandbox_url.rsplit(":", 1)[1])
    push = pushes.over_http(f"http://127.0.0.1:{settings.port}")
    providers = create_sandbox(
        values,
        clock=lambda: time.time() + settings.clock_offset_s,
        push=push,
        pay_push=notices.over_http,
        alipay_push=alipay_notices.over_http,
        ems_push=ems_pushes.over_http(f"http://127.0.0.1:{settings.port}/callbacks/ems"),
    )
    if settings.clamd_address:
        host, number = settings.clamd_address.rsplit(":", 1)
        clamd.Clamd((host, int(number))).start()
    make_server("127.0.0.1", port, providers, threaded=True).serve_forever()


def doctor(_: argparse.Namespace) -> None:
    """Check every invariant; exit code 1 and the row ids when one is broken."""
    from backend import doctor as checks

    _connect(Settings.from_env())
    # One picture of all tables, though the halls go on working meanwhile.
    db.engine().update_execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
    findings = checks.examine()
    for finding in findings:
        print(finding)
    if findings:
        sys.exit(1)
    print("all invariants hold")


def openapi(_: argparse.Namespace) -> None:
    """Print the OpenAPI document, from which the clients' types are generated."""
    from backend.app import create_app
    from backend.openapi import current_document

    environ = development.environment(Path("var"), "postgresql://unused/unused", 8000, 8001)
    app = create_app(Settings.from_env(environ))
    print(json.dumps(current_document(app), ensure_ascii=False, indent=1, sort_keys=True))


def diagrams(_: argparse.Namespace) -> None:
    """Write docs/states.md from the state tables, and docs/retention.md from the retention classes."""
    from backend.diagrams import page as states
    from backend.privacy.page import page as retention

    (database.ROOT / "docs" / "states.md").write_text(states())
    (database.ROOT / "docs" / "retention.md").write_text(retention())


def create_staff(arguments: argparse.Namespace) -> None:
    """Create a member of staff; the password is read from the terminal, the TOTP secret printed once."""
    import getpass

    from backend.identity import staff

    _connect(Settings.from_env())
    password = getpass.getpass("Password (at least 15 characters): ")
    roles = [
        (role, None if hall in {"", "*"} else hall)
        for role, _, hall in (text.partition("@") for text in arguments.roles)
    ]
    with db.transaction() as session:
        secret = staff.create_staff(
            session, username=arguments.username, display_name=arguments.display_name, password=password, roles=roles
        )
    print(f"One-time code secret, shown only now: {secret}")


def menu(_: argparse.Namespace) -> None:
    """Replace the official account's menu."""
    from backend.core.wechat import official_account
    from backend.core.wechat_tokens import connect
    from backend.official import poster as official

    settings = _connect(Settings.from_env())
    connect(official_account(settings)).create_menu(official.menu(settings.public_url))


def poster(arguments: argparse.Namespace) -> None:
    """Print a hall's poster as an A4 page of HTML; scanning it opens that hall in the official account."""
    from backend.catalogue import queries
    from backend.core.wechat import official_account
    from backend.core.wechat_tokens import connect
    from backend.official import poster as official
    from backend.official.service import HALL

    settings = _connect(Settings.from_env())
    with db.transaction() as session:
        hall = queries.hall(session, arguments.hall)
    scanned = connect(official_account(settings)).create_scene(HALL + arguments.hall)
    print(official.poster(hall, scanned))


def shut_payments(arguments: argparse.Namespace) -> None:
    """After a restore to an earlier point: nothing is paid until the channels have been asked what is missing."""
    from payments import recovery

    _connect(Settings.from_env())
    with db.transaction() as session:
        begun = recovery.begin(session, reason=arguments.reason, actor="system")
    print(
        "Payments are shut; the worker opens them when all channels have answered."
        if begun
        else "They are shut already."
    )


def device(arguments: argparse.Namespace) -> None:
    """Add a device of a hall or site and print its enrolment code; list the devices; revoke one."""
    from backend.devices import operations as devices

    _connect(Settings.from_env())
    with db.transaction() as session:
        if arguments.revoke:
            devices.revoke(session, arguments.revoke)
        elif arguments.place:
            print(devices.add(session, arguments.place, arguments.name))
        else:
            print("\n".join(devices.listed(session)))


Command = Callable[[argparse.Namespace], None]

COMMANDS: tuple[tuple[str, Command, str], ...] = (
    ("run", run, "everything for development"),
    ("migrate", migrate, "bring the database to the newest migration"),
    ("seed", seed, "load catalogue, calendar and opening rules"),
    ("worker", worker, "run background jobs"),
    ("sandbox", sandbox, "serve the simulated providers"),
    ("doctor", doctor, "check every invariant"),
    ("logins", logins, "demo logins with a current one-time code"),
    ("openapi", openapi, "print the OpenAPI document"),
    ("diagrams", diagrams, "write the state diagrams and the retention table"),
    ("menu", menu, "replace the official account's menu"),
    ("poster", poster, "print a hall's poster with its QR code"),
    ("shut-payments", shut_payments, "after a restore: ask the channels before anything is paid"),
    ("create-staff", create_staff, "create a member of staff"),
    ("device", device, "add a terminal or kiosk and print its enrolment code; list them; revoke one"),
)

if __name__ == "__main__":
    main()
