"""Mutation testing of signatures, amounts and states: `python -m tests.mutation [MODULE …]`; no database is needed.

Each fault is put into a process of its own, forked once the tests are collected; a test has to fail there. A fault that
no test notices is printed with file and line. Exit code 1 when fewer than 85 % were noticed.
"""

import contextlib
import importlib
import os
import resource
import signal
import sys
import time
from collections import Counter
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any

import hypothesis
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.mutation.mutants import Mutant, mutants

LEAST = 0.85
LONGEST_S, LONGEST_WAIT_S = 60, 600
"""Seconds of processor time and of the clock: a fault that makes the tests run longer is noticed."""
BROKEN = 3
draw = rsa.generate_private_key

QUIETLY = ("-q", "-s", "--no-header", "--no-summary", "-p", "no:cacheprovider", "-W", "ignore:Module already imported")

WECHAT = "tests/payments/gateways/wechat_pay/test_wechat_pay_"
ALIPAY = "tests/payments/gateways/alipay/test_alipay_"
TARGETS: dict[str, tuple[tuple[str, ...], list[str]]] = {
    "payments.amounts": ((), ["tests/payments/test_amounts.py"]),
    "payments.states": ((), ["tests/payments/test_states.py", "tests/backend/test_diagrams.py"]),
    "payments.proof": (("is_foreign",), ["tests/payments/test_proof.py"]),
    "payments.gateways.wechat_pay_wire": (
        ("verify", "SignedCalls.authorization"),
        [f"{WECHAT}notices.py", f"{WECHAT}vectors.py"],
    ),
    "payments.gateways.wechat_pay_reading": (
        (),
        [f"{WECHAT}reading.py", f"{WECHAT}notices.py", f"{WECHAT}vectors.py", f"{WECHAT}calls.py"],
    ),
    "payments.gateways.wechat_pay_statement": (("fen", "_check_totals"), [f"{WECHAT}statements.py"]),
    "payments.gateways.alipay_text": ((), [f"{ALIPAY}text.py"]),
    "payments.gateways.alipay_notice": ((), [f"{ALIPAY}notices.py", f"{ALIPAY}vectors.py"]),
    "payments.gateways.alipay_client": (("read_answer",), [f"{ALIPAY}text.py", f"{ALIPAY}vectors.py"]),
    "backend.core.rsa_keys": ((), ["tests/backend/core/test_rsa_keys.py"]),
}
"""Module → the functions meant, all of it when none is named, and the tests that answer for it."""


class Faults:
    """Runs the collected tests once as they are, then once for every fault."""

    def __init__(self, module: ModuleType, within: tuple[str, ...]) -> None:
        self.module = module
        path = str(module.__file__)
        self.mutants = list(mutants(Path(path).read_text(), path, within))
        self.survivors: list[Mutant] = []
        self.sound = False
        self._deadly: Counter[int] = Counter()

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        if session.testsfailed or self._is_noticed(session, None):
            return True
        for mutant in self.mutants:
            if not self._is_noticed(session, mutant):
                self.survivors.append(mutant)
        self.sound = True
        return True

    def _is_noticed(self, session: pytest.Session, mutant: Mutant | None) -> bool:
        """Whether a test fails in a process with this fault; tests that noticed others are asked first."""
        order = sorted(range(len(session.items)), key=lambda place: (-self._deadly[place], place))
        mine, theirs = os.pipe()
        child = os.fork()
        if child == 0:
            self._run(session, order, mutant, theirs)
        os.close(theirs)
        with os.fdopen(mine) as answer:
            said = answer.read().split()
        _, status = os.waitpid(child, 0)
        assert os.waitstatus_to_exitcode(status) != BROKEN, f"the fault {mutant} could not be put in"
        if status:
            self._deadly.update(map(int, said))
        for name in [] if mutant else said:
            with contextlib.suppress(ImportError):
                importlib.import_module(name)
        return status != 0

    def _run(self, session: pytest.Session, order: list[int], mutant: Mutant | None, answer: int) -> None:
        signal.alarm(LONGEST_WAIT_S)
        resource.setrlimit(resource.RLIMIT_CPU, (LONGEST_S, LONGEST_S))
        nothing = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nothing, 1)
        os.dup2(nothing, 2)
        status, before = BROKEN, set(sys.modules)
        try:
            if mutant is not None:
                _put(self.module, mutant.code)
            status = 1
            for place, following in zip(order, [*order[1:], None], strict=True):
                item = session.items[place]
                after = None if following is None else session.items[following]
                item.config.hook.pytest_runtest_protocol(item=item, nextitem=after)
                if session.testsfailed:
                    os.write(answer, str(place).encode())
                    break
            else:
                status = 0
                # What the tests import late is imported before the next processes part.
                os.write(
                    answer, " ".join([] if mutant else [name for name in sys.modules if name not in before]).encode()
                )
        finally:
            os._exit(status)


def _put(module: ModuleType, code: CodeType) -> None:
    """Give functions of the module their changed code where they stand, and everyone the changed values."""
    changed: dict[str, Any] = {"__name__": module.__name__, "__file__": module.__file__}
    try:
        exec(code, changed)
    except Exception:
        os._exit(1)
    for name, new in changed.items():
        old = vars(module).get(name)
        if old is None or old is new or isinstance(new, ModuleType):
            continue
        if not _renew(old, new):
            for other in list(sys.modules.values()):
                if vars(other).get(name) is old and not name.startswith("__"):
                    setattr(other, name, new)


def _renew(old: Any, new: Any) -> bool:
    """Whether this is code, which was exchanged in place."""
    if isinstance(old, type):
        for name, member in vars(new).items():
            _renew(vars(old).get(name), member)
        return not hasattr(old, "__members__")
    while hasattr(old, "__wrapped__"):
        getattr(old, "cache_clear", int)()
        old, new = old.__wrapped__, new.__wrapped__
    if isinstance(old, property):
        return _renew(old.fget, new.fget)
    if isinstance(old, (staticmethod, classmethod)):
        return _renew(old.__func__, new.__func__)
    if not isinstance(old, FunctionType):
        return False
    old.__code__, old.__defaults__, old.__kwdefaults__ = new.__code__, new.__defaults__, new.__kwdefaults__
    return True


def _keep_keys() -> None:
    """Drawing RSA keys is most of these tests' time: some are drawn here, and every process finds the same."""
    drawn = {bits: [draw(65_537, bits) for _ in range(6)] for bits in (1024, 2048)}
    given: Counter[int] = Counter()

    def kept(public_exponent: int, key_size: int, backend: Any = None) -> rsa.RSAPrivateKey:
        given[key_size] += 1
        return drawn[key_size][given[key_size] % 6] if key_size in drawn else draw(public_exponent, key_size)

    rsa.generate_private_key = kept


def main(names: list[str]) -> int:
    """Try the faults of the named modules, or of all; print what nobody noticed."""
    _keep_keys()
    hypothesis.settings.register_profile("mutation", derandomize=True, database=None, deadline=None)
    hypothesis.settings.load_profile("mutation")
    made = survived = 0
    for name in names or TARGETS:
        within, tests = TARGETS[name]
        began = time.monotonic()
        faults = Faults(importlib.import_module(name), within)
        pytest.main([*QUIETLY, *tests], plugins=[faults])
        if not faults.sound:
            print(f"{name}: its tests fail without any fault, or a fault could not be put in")
            return 1
        made, survived = made + len(faults.mutants), survived + len(faults.survivors)
        for one in faults.survivors:
            print(f"  {name.replace('.', '/')}.py:{one.line}: {one.what}")
        killed = len(faults.mutants) - len(faults.survivors)
        print(f"{name}: {killed} of {len(faults.mutants)} noticed, {time.monotonic() - began:.0f} s", flush=True)
    share = (made - survived) / made
    print(f"{made - survived} of {made} faults noticed, {share:.1%}; at least {LEAST:.0%} are needed")
    return 0 if share >= LEAST else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
