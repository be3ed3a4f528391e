"""Mutation testing: changes one operator, number or condition after the other, and looks whether a test sees it.

    python tools/mutate.py src/taigan/lot/tariff/evaluation.py … -- tests/lot/tariff/test_evaluation.py …

`EVERY=5` tries every fifth only. The mutations are cosmic-ray's. Each is tried in a fork that has pytest loaded
already, with the changed module in the place of the file; the working tree is not touched. Changes of type annotations
are no mutations. The tests after a second `--` are run for what survived the first ones. Prints the survivors as
diffs; 0 if at least 95 % are killed. Tests that are given must need no conftest, unless `FIXTURES=1` has it loaded;
words that begin with `-` go to pytest (`-k "not postgresql"` in one word: `-knot postgresql`).
"""

# ruff: noqa: T201

from __future__ import annotations

import ast
import difflib
import importlib.abc
import importlib.util
import multiprocessing
import os
import resource
import signal
import sys
from collections.abc import Iterator, Sequence
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType

import parso
import pytest
from cosmic_ray.ast import ast_nodes
from cosmic_ray.mutating import MutationVisitor
from cosmic_ray.plugins import get_operator, operator_names

ENOUGH = 95  # percent
CPU_SECONDS = 60
KILLED, SURVIVED = "killed", "survived"
# What says the same in another way, or changes what no caller can see.
LEFT_OUT = (
    *("RemoveDecorator", "ExceptionReplacer", "VariableInserter", "VariableReplacer"),
    *(f"Is_{other}" for other in ("Eq", "Lt", "LtE", "Gt", "GtE")),  # of members of an enumeration; IsNot is tried
)


class _Meaning(ast.NodeTransformer):
    """What runs: without annotations and docstrings."""

    def visit_arg(self, node: ast.arg) -> ast.arg:
        node.annotation = None
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.FunctionDef:
        node.returns = None
        self.generic_visit(node)
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        node.annotation = ast.Constant(0)
        self.generic_visit(node)
        return node


def meaning(source: str) -> str:
    return ast.dump(_Meaning().visit(ast.parse(source)))


def mutants(source: str, every: int = 1) -> Iterator[str]:
    """Every changed source, once; or every so manieth."""
    seen = {meaning(source)}
    places = [
        (operator, occurrence)
        for name in operator_names()
        if not any(left_out in name for left_out in LEFT_OUT)
        for operator in [get_operator(name)()]
        for occurrence in range(
            sum(len(list(operator.mutation_positions(node))) for node in ast_nodes(parso.parse(source)))
        )
    ]
    for operator, occurrence in places[::every]:
        mutated = MutationVisitor(occurrence, operator).walk(parso.parse(source)).get_code()
        try:
            means = meaning(mutated)
        except SyntaxError:
            continue
        if means not in seen:
            seen.add(means)
            yield mutated


class _Instead(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Loads one module from another text."""

    def __init__(self, name: str, path: Path, source: str) -> None:
        self._name, self._path, self._source = name, path, source

    def find_spec(self, name: str, path: object, target: object = None) -> ModuleSpec | None:
        return importlib.util.spec_from_loader(name, self, origin=str(self._path)) if name == self._name else None

    def exec_module(self, module: ModuleType) -> None:
        module.__file__ = str(self._path)
        exec(compile(self._source, str(self._path), "exec"), module.__dict__)


def outcome(path: Path, source: str, tests: Sequence[str]) -> str:
    """Run the tests on a changed module, in a process of their own."""
    child = os.fork()
    if child == 0:
        resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
        silence = os.open(os.devnull, os.O_WRONLY)
        os.dup2(silence, 1)
        os.dup2(silence, 2)
        name = ".".join(path.with_suffix("").parts[path.parts.index("src") + 1 :])
        sys.meta_path.insert(0, _Instead(name, path, source))
        code = 1
        try:
            alone = [] if os.environ.get("FIXTURES") else ["--noconftest"]
            code = pytest.main(["-x", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", *alone, *tests])
        finally:
            os._exit(int(code))
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status) and os.WTERMSIG(status) not in (signal.SIGXCPU, signal.SIGKILL):
        raise SystemExit(f"the tests ended with signal {os.WTERMSIG(status)}")
    return SURVIVED if status == 0 else KILLED


def judge(job: tuple[Path, str, str, Sequence[Sequence[str]]]) -> str | None:
    """The diff of a mutant that survived every group of tests."""
    path, source, mutant, groups = job
    if any(outcome(path, mutant, tests) == KILLED for tests in groups):
        return None
    changed = difflib.unified_diff(source.splitlines(), mutant.splitlines(), str(path), "survived", n=0, lineterm="")
    return "\n".join(changed)


def main() -> int:
    words = sys.argv[1:]
    groups: list[list[str]] = [[]]
    for word in words:
        if word == "--":
            groups.append([])
        else:
            groups[-1].append(word)
    paths, tests = [Path(name) for name in groups[0]], groups[1:]
    if not paths or not all(tests) or not tests:
        print(__doc__, file=sys.stderr)
        return 2
    every = [test for group in tests for test in group]
    for path in paths:
        if outcome(path, path.read_text("utf-8"), every) != SURVIVED:
            print(f"the tests fail on {path} as it is", file=sys.stderr)
            return 2
    jobs = [
        (path, source, mutant, tests)
        for path in paths
        for source in [path.read_text("utf-8")]
        for mutant in mutants(source, int(os.environ.get("EVERY", "1")))
    ]
    survivors = []
    with multiprocessing.get_context("fork").Pool(int(os.environ.get("JOBS", os.cpu_count() or 1))) as pool:
        for number, survivor in enumerate(pool.imap_unordered(judge, jobs), 1):
            if survivor is not None:
                survivors.append(survivor)
                print(survivor, flush=True)
            if number % 50 == 0:
                print(f"{number} of {len(jobs)}, {len(survivors)} survived", file=sys.stderr, flush=True)
    killed = len(jobs) - len(survivors)
    print(f"{killed} of {len(jobs)} mutants killed: {1000 * killed // len(jobs) / 10} %")
    return int(killed * 100 < ENOUGH * len(jobs))


if __name__ == "__main__":
    sys.exit(main())
