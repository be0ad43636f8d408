"""What a new machine needs to start on a project: read off a checkout, kept in its project.toml, looked for here."""

from __future__ import annotations

import json
import re
import shutil
import tomllib
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from agent_context.changes import write_atomically
from agent_context.clients.keys import set_key
from agent_context.config import child_environment
from agent_context.git import locate_checkout
from agent_context.git.checkout import Snapshot, find_default_branch
from agent_context.knowledge import write_project
from agent_context.layout import PROJECT_FILE, PROJECTS, Project
from agent_context.projects import identify
from agent_context.tooling.desired import WAYS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agent_context.config import Environment
    from agent_context.git import Files
    from agent_context.knowledge import KnowledgeBase

MOST_BYTES = 1_000_000
LEAST_SHARE = 0.1
DETECTED = ("default_branch", "languages", "package_managers", "build", "test", "run", "requires", "variables")
LANGUAGES = {
    "c": "C",
    "cc": "C++",
    "cpp": "C++",
    "cs": "C#",
    "dart": "Dart",
    "ex": "Elixir",
    "go": "Go",
    "java": "Java",
    "js": "JavaScript",
    "jsx": "JavaScript",
    "kt": "Kotlin",
    "php": "PHP",
    "py": "Python",
    "rb": "Ruby",
    "rs": "Rust",
    "scala": "Scala",
    "sh": "Shell",
    "swift": "Swift",
    "ts": "TypeScript",
    "tsx": "TypeScript",
    "vue": "Vue",
    "zig": "Zig",
}
# A file at the top: the package manager it belongs to, the programs that needs, and its build, test and run commands.
MANAGERS = {
    "uv.lock": ("uv", "uv", "", "uv run pytest", ""),
    "poetry.lock": ("poetry", "poetry", "poetry build", "poetry run pytest", ""),
    "Pipfile": ("pipenv", "pipenv", "", "pipenv run pytest", ""),
    "requirements.txt": ("pip", "python3", "", "", ""),
    "pnpm-lock.yaml": ("pnpm", "pnpm", "", "", ""),
    "yarn.lock": ("yarn", "yarn", "", "", ""),
    "bun.lock": ("bun", "bun", "", "", ""),
    "bun.lockb": ("bun", "bun", "", "", ""),
    "package-lock.json": ("npm", "npm", "", "", ""),
    "Cargo.toml": ("cargo", "cargo", "cargo build", "cargo test", "cargo run"),
    "go.mod": ("go", "go", "go build ./...", "go test ./...", ""),
    "Gemfile": ("bundler", "bundle", "", "bundle exec rake test", ""),
    "composer.json": ("composer", "composer", "", "composer test", ""),
    "pom.xml": ("maven", "mvn", "mvn package", "mvn test", ""),
    "build.gradle": ("gradle", "gradle", "gradle build", "gradle test", "gradle run"),
    "build.gradle.kts": ("gradle", "gradle", "gradle build", "gradle test", "gradle run"),
    "mix.exs": ("mix", "mix", "mix compile", "mix test", "mix run"),
}
SAMPLES = (".env.example", ".env.sample", ".env.template", ".env.dist")
VARIABLE_LINE = re.compile(r"^\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=", re.MULTILINE)
TARGET = re.compile(r"^([A-Za-z][\w-]*)\s*:(?!=)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Missing:
    """One thing that a project needs and this machine lacks, and how to come by it."""

    what: str
    remedy: str


def detect(top: Path, *, guess: bool = True) -> Project:
    """Read off a checkout what it takes to start there; of its commit, so that nothing of the worktree gets out.

    Without `guess` the branch that is checked out does not pass for the default one.
    """
    snapshot = Snapshot(top, "HEAD")
    managers = [MANAGERS[name] for name in MANAGERS if name in snapshot.files]
    commands = [("", "", "")] + [row[2:] for row in managers]
    found = [*_read_scripts(snapshot, managers), *_read_targets(snapshot), *commands]
    build, test, run = (next((row[at] for row in found if row[at]), "") for at in range(3))
    programs = [row[1] for row in managers]
    programs += ["node"] if "package.json" in snapshot.files else []
    programs += ["make"] if any(command.startswith("make ") for command in (build, test, run)) else []
    programs += ["docker"] if {"compose.yaml", "docker-compose.yml"} & snapshot.files.keys() else []
    variables = {name for sample in SAMPLES for name in VARIABLE_LINE.findall(snapshot.read(sample)[:MOST_BYTES])}
    return Project(
        name="",
        default_branch=find_default_branch(top, guess=guess),
        languages=_rank_languages(snapshot),
        package_managers=tuple(dict.fromkeys(row[0] for row in managers)),
        build=build,
        test=test,
        run=run,
        requires=tuple(dict.fromkeys(programs)),
        variables=tuple(sorted(variables)),
    )


def describe_new(files: Files, checkouts: Mapping[str, str]) -> dict[str, bytes]:
    """Return the `project.toml` of new projects with what their checkouts here show, by path; none without a checkout.

    `checkouts` is path to project folder. What another machine could see otherwise at the same commit is left out.
    """
    tops = {folder: Path(path) for path, folder in sorted(checkouts.items(), reverse=True) if Path(path).is_dir()}
    described = {}
    for path, data in files.items():
        parts = path.split("/")
        if data is not None and parts[0] == PROJECTS and parts[2:] == [PROJECT_FILE] and parts[1] in tops:
            known = msgspec.convert(tomllib.loads(data.decode()), Project)
            described[path] = write_project(complete(known, detect(tops[parts[1]], guess=False)))
    return described


def complete(known: Project, detected: Project) -> Project:
    """Return what is known, with what was detected where a person has said nothing."""
    absent = {name: getattr(detected, name) for name in DETECTED if not getattr(known, name)}
    return msgspec.structs.replace(known, **absent)


def find_checkouts(knowledge_base: KnowledgeBase, environment: Environment, project: str) -> list[Path]:
    """Return the project's checkouts on this machine, the one around first."""
    known = {**environment.own.checkouts, **environment.own.mappings}
    paths = [Path(path) for path, folder in sorted(known.items()) if folder == project and Path(path).is_dir()]
    around = locate_checkout(environment.cwd)
    if around is not None and identify(around, knowledge_base.remotes()).folder == project:
        paths = [around.top, *(path for path in paths if path != around.top)]
    return paths


def find_missing(project: Project, checkouts: list[Path]) -> list[Missing]:
    """Return what this machine lacks to work on a project."""
    missing = []
    if not checkouts:
        remote = next((name for name in project.remotes if not name.startswith("root:")), "")
        missing.append(Missing("no checkout here", f"git clone https://{remote}" if remote else "copy it here"))
    lacking = [program for program in project.requires if shutil.which(program) is None]
    missing += [Missing(f"the program {name}", WAYS.get(name, "install it so that it is on PATH")) for name in lacking]
    known = set(child_environment()) | {name for top in checkouts for name in _read_env(top)}
    remedy = f"set it in your profile, or in {checkouts[0] / '.env' if checkouts else 'the .env of its checkout'}"
    return missing + [Missing(f"the variable {name}", remedy) for name in project.variables if name not in known]


def write_detected(root: Path, folder: str, project: Project) -> str:
    """Write what was detected into the project's file, where it says nothing yet; return where that is."""
    path = f"{PROJECTS}/{folder}/{PROJECT_FILE}"
    file = root / path
    text = file.read_text(encoding="utf-8") if file.is_file() else write_project(Project(project.name)).decode()
    said = tomllib.loads(text)
    for name in DETECTED:
        value = getattr(project, name)
        if value and not said.get(name):
            text = set_key("toml", text, (name,), list(value) if isinstance(value, tuple) else value)
    write_atomically(file, text.encode())
    return path


def _rank_languages(snapshot: Snapshot) -> tuple[str, ...]:
    """Return the languages with a tenth of the source files or more, the most first."""
    counts = Counter(LANGUAGES[end] for path in snapshot.files if (end := path.rpartition(".")[2]) in LANGUAGES)
    least = counts.total() * LEAST_SHARE
    return tuple(name for name, count in counts.most_common() if count >= least)


def _read_scripts(snapshot: Snapshot, managers: list[tuple[str, str, str, str, str]]) -> list[tuple[str, ...]]:
    """Return build, test and run as package.json's scripts have them."""
    try:
        scripts = json.loads(snapshot.read("package.json") or "{}").get("scripts", {})
    except (ValueError, AttributeError, RecursionError):
        return []
    program = next((row[0] for row in managers if row[0] in ("pnpm", "yarn", "bun", "npm")), "npm")
    names = (("build",), ("test",), ("dev", "start"))
    chosen = [next((name for name in choice if isinstance(scripts, dict) and name in scripts), "") for choice in names]
    return [tuple(f"{program} run {name}" if name else "" for name in chosen)]


def _read_targets(snapshot: Snapshot) -> list[tuple[str, ...]]:
    targets = set(TARGET.findall(snapshot.read("Makefile")[:MOST_BYTES]))
    names = (("build", "all"), ("test", "check"), ("run", "serve", "dev"))
    chosen = [next((name for name in choice if name in targets), "") for choice in names]
    return [tuple(f"make {name}" if name else "" for name in chosen)]


def _read_env(top: Path) -> list[str]:
    """Return the names that a checkout's own .env sets; its values stay there."""
    file = top / ".env"
    try:
        return VARIABLE_LINE.findall(file.read_text(encoding="utf-8")) if file.stat().st_size < MOST_BYTES else []
    except (OSError, UnicodeDecodeError):
        return []
