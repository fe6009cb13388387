"""Who may import whom, read from the source text: nothing is imported to find out."""

import ast
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]

MAY_IMPORT = {
    "infra": {"infra"},
    "data_checks": {"data_checks"},
    "monitoring": {"monitoring", "data_checks", "infra"},
    "pipelines": {"pipelines", "monitoring", "data_checks", "infra"},
    "services": {"services", "pipelines", "monitoring", "data_checks", "infra"},
    "practice": {"practice", "services", "pipelines", "monitoring", "data_checks", "infra"},
    "preflight": set(PACKAGES),
}

ONE_HOME = {
    "mlflow": {"infra.registry", "infra.model_signature"},
    "great_expectations": {"data_checks.suites"},
    "evidently": {"monitoring.drift", "monitoring.workspace"},
    "bentoml": {"services.service"},
    "onnx": {"pipelines.onnx_export"},
    "onnxruntime": {"infra.scorer"},
    "skops": {"infra.model_file"},
    "optuna": {"pipelines.tuning"},
    "fairlearn": {"monitoring.fairness"},
    "prefect_dask": {"infra.engine"},
    "distributed": {"infra.engine"},
    "dask": {"infra.engine"},
    "prometheus_client": {"services.metrics"},
    "sqlalchemy": {"infra.database", "infra.online_predictions", "services.loading", "services.agent"},
    "matplotlib": {
        *("monitoring.plots", "monitoring.explain_plots", "monitoring.bakeoff_plots", "monitoring.card_plots"),
        "monitoring.watch_plots",
    },
}
"""The outside tools that one module stands for, so that a change of theirs is met in one place."""

PREFECT_HOMES = {
    *("infra.orchestrator", "infra.automations", "infra.deployments", "infra.flow_runs", "infra.engine"),
}
"""Beside flows: a server for a command, what it does by itself, what it runs for whom, what it says of runs, where."""

HEAVY = {"prefect", "great_expectations", "evidently", "pandas", "mlflow", "matplotlib"} | {
    *("sklearn", "scipy", "skops", "lightgbm", "onnx", "optuna", "sqlalchemy")
}
"""What costs seconds or hundreds of megabytes to import, or can run what a file tells it to."""

REQUEST_PATH = (
    *("services.service", "services.worker", "services.hot", "services.front_door", "services.exchange"),
    *("services.parsing", "services.problems", "services.messages", "services.answering", "services.current"),
    *("services.model", "services.online", "services.routing", "services.prediction_log", "services.metrics"),
    *("services.openapi", "infra.shared_log", "infra.pseudonyms", "infra.scorer"),
)
"""What a worker runs to answer; all of it is loaded by the first, and what is not would be dead."""


@dataclass(frozen=True)
class Module:
    """One source file of ours, parsed."""

    name: str
    path: Path

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.path.read_text())

    @property
    def room(self) -> str:
        return self.name.split(".")[0]

    @property
    def is_flow(self) -> bool:
        return self.name.endswith("_flow")

    @property
    def imports(self) -> set[str]:
        """Every dotted name it imports, wherever the import stands."""
        return set(_imported(ast.walk(self.tree)))

    @property
    def imports_when_loaded(self) -> set[str]:
        """The dotted names it imports at once, not inside a function or for type checkers alone."""
        return set(_imported(self.tree.body))


def _imported(nodes: Iterator[ast.AST]) -> Iterator[str]:
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or "."
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _modules() -> dict[str, Module]:
    paths = [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]
    names = [".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__") for path in paths]
    return {name: Module(name, path) for name, path in zip(names, paths, strict=True)}


MODULES = _modules()


def ours(names: set[str]) -> set[str]:
    """Those of the imported names that are modules of ours, packages left out."""
    return {name for name in names if name in MODULES and name not in PACKAGES}


def loaded_with(names: tuple[str, ...]) -> set[str]:
    """Everything that loading these modules imports, ours and others', one of ours leading to the next."""
    found, waiting = set(), list(names)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += MODULES[name].imports_when_loaded if name in MODULES else []
    return found


def public_definitions(tree: ast.AST) -> Iterator[ast.AST]:
    """Functions and classes of a module, and methods of its classes, that have no leading underscore."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            yield node
            if isinstance(node, ast.ClassDef):
                yield from public_definitions(node)


def test_every_folder_of_code_is_a_package_that_is_installed():
    folders = {path.parent.name for path in ROOT.glob("*/__init__.py")}

    assert folders == set(PACKAGES)


def test_every_room_has_a_rule_about_what_it_may_import():
    assert set(MAY_IMPORT) == set(PACKAGES)


@pytest.mark.parametrize("room", PACKAGES)
def test_a_room_imports_only_the_rooms_below_it(room):
    wrong = [
        f"{module.name} imports {name}"
        for module in MODULES.values()
        if module.room == room
        for name in module.imports
        if name.split(".")[0] in set(PACKAGES) - MAY_IMPORT[room]
    ]

    assert wrong == []


def test_no_room_imports_what_measures_or_tests_it():
    wrong = [
        f"{module.name} imports {name}"
        for module in MODULES.values()
        for name in module.imports
        if name.split(".")[0] in ("benchmarks", "tests")
    ]

    assert wrong == []


def test_only_flows_and_the_command_line_import_flows():
    wrong = [
        f"{module.name} imports {name}"
        for module in MODULES.values()
        if not module.is_flow and module.room != "preflight"
        for name in ours(module.imports)
        if MODULES[name].is_flow
    ]

    assert wrong == []


def test_imports_run_in_no_circle():
    graph = {name: ours(module.imports) for name, module in MODULES.items()}

    order = list(TopologicalSorter(graph).static_order())  # raises CycleError naming the circle

    assert len(order) == len(MODULES)


def test_only_flows_and_four_homes_import_prefect():
    homes = {
        module.name for module in MODULES.values() if any(name.split(".")[0] == "prefect" for name in module.imports)
    }

    assert [name for name in homes if not MODULES[name].is_flow and name not in PREFECT_HOMES] == []


@pytest.mark.parametrize("tool", ONE_HOME)
def test_an_outside_tool_is_imported_in_its_one_home(tool):
    homes = {module.name for module in MODULES.values() if any(name.split(".")[0] == tool for name in module.imports)}

    assert homes <= ONE_HOME[tool]


def test_answering_a_request_loads_none_of_the_heavy_tools():
    loaded = {name.split(".")[0] for name in loaded_with(REQUEST_PATH)}

    assert loaded & HEAVY == set()


def test_the_service_loads_the_whole_request_path_and_none_of_what_runs_beside_it():
    loaded = loaded_with(REQUEST_PATH[:1])

    assert set(REQUEST_PATH) <= loaded
    assert loaded & {"services.agent", "services.loading", "services.rollout", "services.switching"} == set()


def test_a_package_file_holds_a_docstring_and_nothing_else():
    bodies = {package: MODULES[package].tree.body for package in PACKAGES}

    assert [
        package
        for package, body in bodies.items()
        if len(body) != 1 or ast.get_docstring(MODULES[package].tree) is None
    ] == []


def test_every_module_says_what_lives_in_it():
    assert [module.name for module in MODULES.values() if ast.get_docstring(module.tree) is None] == []


def test_everything_public_has_a_docstring():
    silent = [
        f"{module.name}.{node.name}"
        for module in MODULES.values()
        for node in public_definitions(module.tree)
        if ast.get_docstring(node) is None
    ]

    assert silent == []


def test_no_module_is_longer_than_a_reader_can_hold():
    lengths = {module.name: len(module.path.read_text().splitlines()) for module in MODULES.values()}

    assert {name: lines for name, lines in lengths.items() if lines > 300} == {}


def test_no_rule_reads_the_clock_of_the_machine():
    reading = [
        f"{module.name} asks {ast.unparse(node)}"
        for module in MODULES.values()
        if module.room in ("data_checks", "pipelines", "monitoring", "services")
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Attribute) and node.attr in ("now", "utcnow", "today", "time_ns", "localtime", "gmtime")
    ]

    assert reading == []


def test_data_files_are_touched_in_storage_and_source_alone():
    touching = {
        module.name
        for module in MODULES.values()
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Attribute) and re.fullmatch(r"(read|scan|write|sink)_(parquet|csv|ipc)", node.attr)
    }

    assert touching == {"infra.storage", "infra.source"}


def test_only_the_command_line_and_the_installer_print():
    printing = [
        module.name
        for module in MODULES.values()
        if module.room != "preflight" and module.name != "infra.bootstrap"
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
    ]

    assert printing == []
