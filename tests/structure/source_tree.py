"""What the project's own source says of its structure: modules, imports, functions. Standard library only.

    python tests/structure/source_tree.py        # circles of imports, and sizes

An import inside a function counts like one at the top of its module: a circle is a circle whenever it is met.
"""

import ast
import statistics
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("data_catalog", "forecast", "pipelines", "plumecast")
Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Module:
    """One source file.

    Attributes:
        name: Dotted, without `__init__`.
        path: Of the file.
        tree: What it says.
    """

    name: str
    path: Path
    tree: ast.Module

    @property
    def lines(self) -> int:
        return len(self.path.read_text(encoding="utf-8").splitlines())

    @property
    def is_package(self) -> bool:
        return self.path.name == "__init__.py"

    def functions(self) -> Iterator[Function]:
        """Every function and method, inner ones too."""
        yield from (node for node in ast.walk(self.tree) if isinstance(node, Function))

    def public_functions(self) -> Iterator[Function]:
        """Functions of the module and methods of its classes whose names have no leading underscore, and `__init__`."""
        for node in self.tree.body:
            inner = node.body if isinstance(node, ast.ClassDef) and not node.name.startswith("_") else [node]
            for each in inner:
                if isinstance(each, Function) and (not each.name.startswith("_") or each.name == "__init__"):
                    yield each

    def imports(self) -> Iterator[tuple[ast.Import | ast.ImportFrom, bool]]:
        """Every import statement, and whether it stands inside a function."""
        inside = {id(node) for function in self.functions() for node in ast.walk(function)}
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import | ast.ImportFrom):
                yield node, id(node) in inside


def read_modules(root: Path = ROOT) -> dict[str, Module]:
    """Every module of the project's packages, by name."""
    modules = {}
    for package in PACKAGES:
        for path in sorted((root / package).rglob("*.py")):
            parts = path.relative_to(root).with_suffix("").parts
            name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
            modules[name] = Module(name, path, ast.parse(path.read_text(encoding="utf-8")))
    return modules


def imported_modules(module: Module, known: dict[str, Module]) -> set[str]:
    """Modules of the project that a module imports, wherever the statement stands."""
    found = set()
    for statement, _ in module.imports():
        if isinstance(statement, ast.Import):
            names = [alias.name for alias in statement.names]
        else:
            origin = _origin(module, statement)
            names = [
                f"{origin}.{alias.name}" if f"{origin}.{alias.name}" in known else origin for alias in statement.names
            ]
        found |= {name for name in names if name in known}
    return found - {module.name}


def _origin(module: Module, statement: ast.ImportFrom) -> str:
    if not statement.level:
        return statement.module or ""
    package = module.name.split(".") if module.is_package else module.name.split(".")[:-1]
    kept = package[: len(package) - statement.level + 1]
    return ".".join([*kept, *([statement.module] if statement.module else [])])


def circles(graph: dict[str, set[str]]) -> list[list[str]]:
    """Strongly connected components of more than one node.

    Source: Tarjan (1972), doi:10.1137/0201010
    """
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []

    def visit(node: str) -> None:
        index[node] = low[node] = len(index)
        stack.append(node)
        for following in sorted(graph[node]):
            if following not in index:
                visit(following)
                low[node] = min(low[node], low[following])
            elif following in stack:
                low[node] = min(low[node], index[following])
        if low[node] == index[node]:
            component = stack[stack.index(node) :]
            del stack[stack.index(node) :]
            if len(component) > 1:
                found.append(sorted(component))

    sys.setrecursionlimit(max(sys.getrecursionlimit(), 10 * len(graph)))
    for node in graph:
        if node not in index:
            visit(node)
    return found


def import_graph(modules: dict[str, Module]) -> dict[str, set[str]]:
    """Which module imports which others of the project."""
    return {name: imported_modules(module, modules) for name, module in modules.items()}


def length(function: Function) -> int:
    """Lines of a function from `def` to its last, docstring included, decorators not."""
    assert function.end_lineno is not None
    return function.end_lineno - function.lineno + 1


def parameters(function: Function) -> int:
    """Parameters of a function; `self` and `cls` do not count."""
    given = function.args
    names = [each.arg for each in (*given.posonlyargs, *given.args, *given.kwonlyargs)]
    return len([name for name in names if name not in ("self", "cls")])


def main() -> int:
    modules = read_modules()
    found = circles(import_graph(modules))
    for circle in found:
        print("circle:", " ".join(circle))
    sizes = sorted((module.lines, name) for name, module in modules.items() if not module.is_package)
    lengths = sorted((length(f), f"{m.name}.{f.name}") for m in modules.values() for f in m.functions())
    wide = [(parameters(f), f"{m.name}.{f.name}") for m in modules.values() for f in m.public_functions()]
    lazy = [name for name, module in modules.items() for _, inside in module.imports() if inside]
    outside = [name for name in lazy if not name.startswith(("pipelines.cli", "plumecast"))]
    print(f"{len(found)} circles in {len(modules)} modules")
    print(f"modules: median {statistics.median(size for size, _ in sizes):g} lines; longest {sizes[-5:]}")
    print(
        f"functions: median {statistics.median(size for size, _ in lengths):g} lines, 90th percentile "
        f"{lengths[int(0.9 * len(lengths))][0]}; longest {lengths[-8:]}"
    )
    print(f"parameters: over 8 {sorted(each for each in wide if each[0] > 8)}")
    print(f"imports inside functions outside cli/ and plumecast/: {len(outside)} {sorted(set(outside))}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
