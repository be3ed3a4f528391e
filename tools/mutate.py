"""Mutation testing: changes one operator, number or condition after the other, and looks whether a test sees it.

    python tools/mutate.py src/taigan/lot/tariff/evaluation.py … -- tests/lot/tariff/test_evaluation.py …

The mutations are cosmic-ray's; changes of annotations and docstrings, of a record's `frozen`, `slots`, `kw_only` and
`gc`, and of `*` among arguments are none. Imports and collection are paid once: each mutant is a fork of a pytest that
has collected the tests, with the changed function in the place of the old one. It runs only the tests that come through
that function, the quickest first, to the first that fails. What is changed outside of functions is imported anew. The
working tree is not touched.

Mutants come in a random order (`SEED=1`), so that the first of them are a fair sample: `MINUTES=20` and `MUTANTS=400`
end it there, and the interval in which the whole would lie is told. `JOBS=1` leaves the other processors alone.
`ONLY='Comparison|AndWith|OrWith|Not|True|Continue'` changes switches and comparisons alone, by operators' names.
Survivors are printed as diffs; 0 if at least 95 % are killed. Tests that are given must need no conftest, unless
`FIXTURES=1` has it loaded; words that begin with `-` go to pytest (`-k "not postgresql"` in one word:
`-knot postgresql`).

Identity is exchanged with identity alone: `is` is asked of None and of members, where `==` says the same; what `is`
says of two numbers is the interpreter's affair, and the same change with `==` is tried. A word, a literal or a name
of the module that is one, is exchanged with `==` and `!=` alone: `<` says something of it by the accident of the
alphabet. Single mutants that no test can tell from the code are listed in `equivalent_mutants.toml`, each with its
reason. They count neither as killed nor as mutants, and how many there were is told; one that is listed and killed all
the same is an error.
"""

# ruff: noqa: T201

from __future__ import annotations

import ast
import contextlib
import difflib
import hashlib
import importlib.abc
import importlib.util
import inspect
import json
import math
import os
import random
import re
import resource
import signal
import sys
import threading
import time
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import CodeType, FrameType, FunctionType, ModuleType
from typing import Any, TypeVar

import parso
import pytest
from _pytest.runner import runtestprotocol
from cosmic_ray.ast import ast_nodes
from cosmic_ray.mutating import MutationVisitor
from cosmic_ray.plugins import get_operator, operator_names

F = TypeVar("F", ast.FunctionDef, ast.AsyncFunctionDef)
ENOUGH = 95  # percent
CPU_SECONDS = 20
"""Beyond what the tests take as the code is: a mutant that never ends is killed by it."""
WAITED_SECONDS = 60
"""Beyond three times what the tests take as the code is: a mutant that waits for what never comes is killed by it."""
MEMORY = 4 << 30
SURVIVED, KILLED, NONE = 0, 1, 2
# What says the same in another way, or changes what no caller can see.
_OF_VALUES, _OF_IDENTITY = "(Eq|NotEq|Lt|LtE|Gt|GtE)", "(Is|IsNot)"
LEFT_OUT = re.compile(
    "RemoveDecorator|ExceptionReplacer|VariableInserter|VariableReplacer"
    f"|_{_OF_VALUES}_{_OF_IDENTITY}$|_{_OF_IDENTITY}_{_OF_VALUES}$"
)
OF_ORDER = re.compile("ReplaceComparisonOperator_.*_(Lt|LtE|Gt|GtE)$")
EQUIVALENT = Path(__file__).with_name("equivalent_mutants.toml")


FLAGS = frozenset({"frozen", "slots", "kw_only", "gc"})
"""What a class says of itself to who reads it, to the type checker and to the memory."""


class _Meaning(ast.NodeTransformer):
    """What runs: without annotations and docstrings, flags of records, and how arguments must be handed over."""

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.ClassDef:
        for said in (node, *(one for one in node.decorator_list if isinstance(one, ast.Call))):
            said.keywords = [keyword for keyword in said.keywords if keyword.arg not in FLAGS]
        self.generic_visit(node)
        return node

    def visit_arguments(self, node: ast.arguments) -> ast.arguments:
        self.generic_visit(node)
        node.args = [*node.posonlyargs, *node.args, *node.kwonlyargs]
        node.defaults = [*node.defaults, *(default for default in node.kw_defaults if default is not None)]
        node.posonlyargs, node.kwonlyargs, node.kw_defaults = [], [], []
        return node

    def visit_arg(self, node: ast.arg) -> ast.arg:
        node.annotation = None
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.FunctionDef:
        return self._function(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AsyncFunctionDef:
        return self._function(node)

    def _function(self, node: F) -> F:
        node.returns = None
        self.generic_visit(node)
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        node.annotation = ast.Constant(0)
        self.generic_visit(node)
        return node


def meaning(source: str) -> str:
    return hashlib.sha256(ast.dump(_Meaning().visit(ast.parse(source))).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Function:
    """A function or method at the top of a module or class, by its lines."""

    name: str
    begin: int  # of its body
    end: int


class Source:
    """One file that is changed."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.text = path.read_text("utf-8")
        self.module = ".".join(path.with_suffix("").parts[path.parts.index("src") + 1 :]).removesuffix(".__init__")
        self.tree = parso.parse(self.text)
        self.meaning = meaning(self.text)
        self.functions = list(_functions(ast.parse(self.text).body))

    def places(self) -> list[tuple[str, int]]:
        """Each operator with each of its occurrences."""
        only = re.compile(os.environ.get("ONLY", ""))
        operators = [name for name in operator_names() if only.search(name) and not LEFT_OUT.search(name)]
        nodes = list(ast_nodes(self.tree))
        found = {
            name: [(node, *place) for node in nodes for place in operator.mutation_positions(node)]
            for name in operators
            for operator in [get_operator(name)()]
        }
        return [
            (name, occurrence)
            for name, places in found.items()
            for occurrence, (node, begin, _) in enumerate(places)
            if not (OF_ORDER.search(name) and self._is_of_a_word(node, begin))
        ]

    def _is_of_a_word(self, comparison: Any, begin: tuple[int, int]) -> bool:
        """Whether one side of the operator that begins there is a word."""
        sides = comparison.children
        at = next(at for at, side in enumerate(sides) if side.start_pos == begin)
        return any(self._is_a_word(side) for side in (sides[at - 1], sides[at + 1]))

    def _is_a_word(self, side: Any) -> bool:
        if side.type in ("string", "strings", "fstring"):
            return True
        first, *rest = side.get_code().strip().split(".")
        named = vars(sys.modules[self.module]).get(first)
        for name in rest:
            named = getattr(named, name, None)
        return isinstance(named, str)

    def mutated(self, name: str, occurrence: int) -> str:
        """The changed text. The tree is changed with it: for a process that makes one."""
        return str(MutationVisitor(occurrence, get_operator(name)()).walk(self.tree).get_code())

    def function_of(self, mutant: str) -> Function | None:
        """The function in whose body everything is that was changed."""
        old, new = self.text.splitlines(), mutant.splitlines()
        changed = [
            line
            for kind, begin, end, _, _ in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes()
            if kind != "equal"
            for line in range(begin + 1, max(end, begin + 1) + 1)
        ]
        inside = [f for f in self.functions if all(f.begin <= line <= f.end for line in changed)]
        return inside[0] if inside and len(old) == len(new) else None


def _functions(body: Iterable[ast.stmt], before: str = "") -> Iterator[Function]:
    for node in body:
        if isinstance(node, ast.ClassDef):
            yield from _functions(node.body, f"{before}{node.name}.")
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield Function(before + node.name, node.body[0].lineno, node.end_lineno or 0)


def _live(module: ModuleType, name: str) -> FunctionType:
    """The function as it is called, without what is wrapped about it."""
    found: Any = module
    for part in name.split("."):
        found = vars(found)[part]
    if isinstance(found, property):
        found = found.fget
    return inspect.unwrap(getattr(found, "__func__", found))  # type: ignore[no-any-return]


def _code(compiled: CodeType, name: str) -> CodeType:
    for part in name.split("."):
        compiled = [code for code in compiled.co_consts if isinstance(code, CodeType) and code.co_name == part][-1]
    return compiled


class _Instead(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Loads one module from another text."""

    def __init__(self, source: Source, text: str) -> None:
        self._source, self._text = source, text

    def find_spec(self, name: str, path: object, target: object = None) -> ModuleSpec | None:
        if name != self._source.module:
            return None
        return importlib.util.spec_from_loader(name, self, origin=str(self._source.path))

    def exec_module(self, module: ModuleType) -> None:
        module.__file__ = str(self._source.path)
        exec(compile(self._text, str(self._source.path), "exec"), module.__dict__)


@dataclass(frozen=True, slots=True)
class Run:
    """What a test came through when nothing was changed, and the time it took while that was written down."""

    item: pytest.Item
    seconds: float  # of CPU
    waited: float  # in all
    functions: frozenset[tuple[str, str]]


class Mutations:
    """A plugin of pytest: instead of the tests once, the tests on every mutant."""

    def __init__(self, paths: Sequence[Path], arguments: Sequence[str]) -> None:
        self._sources = [Source(path) for path in paths]
        self._arguments = arguments
        self._before: set[str] = set(sys.modules)
        self.code = 2

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        capture = session.config.pluginmanager.getplugin("capturemanager")
        with capture.global_and_fixture_disabled() if capture else contextlib.nullcontext():
            self.code = self._judge(session)
        return True

    def _judge(self, session: pytest.Session) -> int:
        for source in self._sources:
            importlib.import_module(source.module)
        runs = self._as_it_is(session)
        if runs is None:
            return 2
        jobs = [(source, *place) for source in self._sources for place in source.places()]
        seed = os.environ.get("SEED", "1")
        random.Random(seed).shuffle(jobs)
        until = time.monotonic() + 60 * float(os.environ.get("MINUTES", "inf"))
        equivalent = _equivalent()
        equal: set[tuple[str, str, str]] = set()
        most = int(os.environ.get("MUTANTS", len(jobs)))
        limit = int(os.environ.get("JOBS", os.cpu_count() or 1))
        running: dict[int, tuple[Source, int]] = {}
        seen: set[str] = set()
        killed: Counter[Path] = Counter()
        tried: Counter[Path] = Counter()
        waiting = iter(jobs)
        asked = wrong = 0
        while True:
            while len(running) < limit and tried.total() + len(running) < most and time.monotonic() < until:
                job = next(waiting, None)
                if job is None:
                    break
                asked += 1
                running |= self._start(runs, *job)
            if not running:
                break
            pid, status = os.wait()
            source, pipe = running.pop(pid)
            with os.fdopen(pipe, encoding="utf-8") as answers:
                said = answers.read()
            if not said:
                raise SystemExit(f"a mutant of {source.path} could not be made, status {status}")
            found = json.loads(said.splitlines()[0])
            if found["meaning"] in seen or found["meaning"] == source.meaning:
                continue
            seen.add(found["meaning"])
            change = found["function"], found["was"], found["becomes"]
            if change in equivalent:
                if status == SURVIVED:
                    equal.add(change)
                    continue
                print(f"listed in {EQUIVALENT.name}, and killed all the same: {' | '.join(change)}", flush=True)
                wrong += 1
            tried[source.path] += 1
            if status == SURVIVED:
                print(found["diff"], flush=True)
            else:
                killed[source.path] += 1
            if tried.total() % 20 == 0:
                print(f"{tried.total()}: {killed.total()} killed", file=sys.stderr, flush=True)
        return _told(tried, killed, len(equal), whole=asked == len(jobs), seed=seed) or int(wrong > 0)

    def _as_it_is(self, session: pytest.Session) -> list[Run] | None:
        """Every test once with nothing changed, quickest first; none, if one fails."""
        names = {str(source.path.resolve()): source.module for source in self._sources}
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            answers = []
            through: set[tuple[str, str]] = set()

            def seen(frame: FrameType, event: str, argument: object) -> None:
                module = names.get(frame.f_code.co_filename)
                if module is not None:
                    through.add((module, frame.f_code.co_qualname.split(".<locals>")[0]))

            threading.settrace(seen)  # rules run in the threads of the database
            for item in session.items:
                through.clear()
                began, since = time.process_time(), time.monotonic()
                sys.settrace(seen)
                passed = _passes(item)
                sys.settrace(None)
                took = time.process_time() - began, time.monotonic() - since
                answers.append((passed, *took, sorted(through)))
            with os.fdopen(writing, "w", encoding="utf-8") as answer:
                json.dump(answers, answer)
            os._exit(0)
        os.close(writing)
        with os.fdopen(reading, encoding="utf-8") as answer:
            said = answer.read()
        os.waitpid(child, 0)
        found = json.loads(said)
        failed = [item.nodeid for item, (passed, *_) in zip(session.items, found, strict=True) if not passed]
        if failed or not found:
            print(f"the tests fail as it is: {failed}", file=sys.stderr)
            return None
        runs = [
            Run(item, seconds, waited, frozenset((module, name) for module, name in through))
            for item, (_, seconds, waited, through) in zip(session.items, found, strict=True)
        ]
        return sorted(runs, key=lambda run: run.seconds)

    def _start(
        self, runs: Sequence[Run], source: Source, operator: str, occurrence: int
    ) -> dict[int, tuple[Source, int]]:
        reading, writing = os.pipe()
        child = os.fork()
        if child:
            os.close(writing)
            return {child: (source, reading)}
        code = KILLED
        try:
            _may_take([])
            resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
            silence = os.open(os.devnull, os.O_WRONLY)
            os.dup2(silence, 1)
            os.dup2(silence, 2)
            code = self._try(runs, source, operator, occurrence, writing)
        finally:
            os._exit(code)

    def _try(self, runs: Sequence[Run], source: Source, operator: str, occurrence: int, writing: int) -> int:
        mutant = source.mutated(operator, occurrence)
        diff = list(
            difflib.unified_diff(
                source.text.splitlines(), mutant.splitlines(), str(source.path), operator, n=0, lineterm=""
            )
        )
        function = source.function_of(mutant)
        try:
            means = meaning(mutant)
        except SyntaxError:
            means = source.meaning
        with os.fdopen(writing, "w", encoding="utf-8") as answer:
            json.dump(
                {
                    "meaning": means,
                    "diff": "\n".join(diff),
                    "function": f"{source.module}.{function.name}" if function else source.module,
                    "was": _lines(diff, "-"),
                    "becomes": _lines(diff, "+"),
                },
                answer,
            )
        if means == source.meaning:
            return NONE
        if function is None:
            return self._imported_anew(source, mutant, runs)
        module = sys.modules[source.module]
        changed = _code(compile(mutant, str(source.path), "exec"), function.name)
        live = _live(module, function.name)
        if changed.co_freevars != live.__code__.co_freevars:
            return self._imported_anew(source, mutant, runs)
        live.__code__ = changed
        for other in [module for name, module in sys.modules.items() if name.startswith("taigan")]:
            for value in vars(other).values():
                if hasattr(value, "cache_clear"):
                    value.cache_clear()
        through = [run for run in runs if (source.module, function.name) in run.functions]
        _may_take(through)
        return SURVIVED if all(_passes(run.item) for run in through) else KILLED

    def _imported_anew(self, source: Source, mutant: str, runs: Sequence[Run]) -> int:
        """With the tests and all that they import."""
        _may_take(runs)
        for name in set(sys.modules) - self._before:
            if name.partition(".")[0] in {"taigan", "support", "lot", "tests"} or "test_" in name:
                del sys.modules[name]
        sys.meta_path.insert(0, _Instead(source, mutant))
        return SURVIVED if pytest.main([*self._arguments, "-x"]) == 0 else KILLED


def _may_take(runs: Sequence[Run]) -> None:
    """End this process when it has taken longer than these ever do."""
    most = math.ceil(time.process_time() + sum(run.seconds for run in runs)) + CPU_SECONDS
    resource.setrlimit(resource.RLIMIT_CPU, (most, resource.RLIM_INFINITY))
    signal.alarm(math.ceil(3 * sum(run.waited for run in runs)) + WAITED_SECONDS)


def _passes(item: pytest.Item) -> bool:
    return not any(report.failed for report in runtestprotocol(item, log=False, nextitem=None))


def _lines(diff: Sequence[str], sign: str) -> str:
    """What was taken away or added, without the header."""
    return " ".join(line[1:].strip() for line in diff[2:] if line.startswith(sign))


def _equivalent() -> set[tuple[str, str, str]]:
    """The function, the line and what it becomes: mutants that say the same."""
    listed = tomllib.loads(EQUIVALENT.read_text("utf-8"))
    return {
        (function, one["was"], becomes)
        for function, found in listed.items()
        for one in found
        for becomes in one["becomes"]
    }


def _told(tried: Counter[Path], killed: Counter[Path], equal: int, *, whole: bool, seed: str) -> int:
    for path in sorted(tried):
        print(f"{killed[path]:5} of {tried[path]:5}  {path}")
    count, share = tried.total(), killed.total() / max(tried.total(), 1)
    print(f"{killed.total()} of {count} mutants killed: {100 * share:.1f} %; {equal} more say the same")
    if not whole and count:  # Wilson's interval
        z = 1.96
        middle = (share + z * z / (2 * count)) / (1 + z * z / count)
        half = z / (1 + z * z / count) * math.sqrt(share * (1 - share) / count + z * z / (4 * count * count))
        print(
            f"a sample (SEED={seed}); of all, {100 * (middle - half):.1f} to {100 * (middle + half):.1f} % (19 in 20)"
        )
    return int(100 * killed.total() < ENOUGH * count)


def main() -> int:
    words = sys.argv[1:]
    if "--" not in words:
        print(__doc__, file=sys.stderr)
        return 2
    paths, tests = [Path(word) for word in words[: words.index("--")]], words[words.index("--") + 1 :]
    if not paths or not tests:
        print(__doc__, file=sys.stderr)
        return 2
    for end in (signal.SIGXCPU, signal.SIGALRM):
        signal.signal(end, signal.SIG_DFL)
    alone = [] if os.environ.get("FIXTURES") else ["--noconftest"]
    arguments = ["-q", "-p", "no:cacheprovider", "-p", "no:xdist", "-o", "timeout=0", *alone, *tests]
    mutations = Mutations(paths, arguments)
    pytest.main(arguments, plugins=[mutations])
    return mutations.code


if __name__ == "__main__":
    sys.exit(main())
