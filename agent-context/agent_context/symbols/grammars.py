"""Which grammar a file is written in, and the grammars themselves: the one room that loads tree-sitter.

The grammars are those that `tree-sitter-language-pack` carried within it until 0.13; since 1.0 it fetches each one from
a server when it is first used, which this program does not do.
"""

from __future__ import annotations

from functools import cache
from pathlib import PurePath
from typing import TYPE_CHECKING

from agent_context.errors import MissingExtraError

if TYPE_CHECKING:
    from tree_sitter import Parser

# Of the languages that have definitions; markup and settings have none to tell apart.
EXTENSIONS = {
    "ada": "adb ads",
    "agda": "agda",
    "apex": "cls trigger",
    "arduino": "ino",
    "bash": "sh bash",
    "c": "c h",
    "cairo": "cairo",
    "clojure": "clj cljs cljc",
    "cpp": "cc cpp cxx hpp hh hxx ipp",
    "csharp": "cs",
    "cuda": "cu cuh",
    "d": "d",
    "dart": "dart",
    "elisp": "el",
    "elixir": "ex exs",
    "elm": "elm",
    "erlang": "erl hrl",
    "fortran": "f90 f95 f03 f08",
    "fsharp": "fs fsx",
    "gdscript": "gd",
    "gleam": "gleam",
    "glsl": "glsl vert frag",
    "go": "go",
    "graphql": "graphql gql",
    "groovy": "groovy gradle",
    "hack": "hack",
    "hare": "ha",
    "haskell": "hs",
    "haxe": "hx",
    "hcl": "hcl",
    "hlsl": "hlsl",
    "java": "java",
    "javascript": "js mjs cjs jsx",
    "julia": "jl",
    "kotlin": "kt kts",
    "lua": "lua",
    "luau": "luau",
    "matlab": "matlab",
    "nim": "nim",
    "objc": "mm",
    "ocaml": "ml",
    "odin": "odin",
    "pascal": "pas",
    "perl": "pl pm",
    "php": "php",
    "pony": "pony",
    "powershell": "ps1 psm1",
    "proto": "proto",
    "purescript": "purs",
    "python": "py pyi pyw",
    "r": "r R",
    "ruby": "rb rake",
    "rust": "rs",
    "scala": "scala sc",
    "solidity": "sol",
    "squirrel": "nut",
    "starlark": "bzl star",
    "swift": "swift",
    "tcl": "tcl",
    "terraform": "tf",
    "thrift": "thrift",
    "tsx": "tsx",
    "typescript": "ts mts cts",
    "v": "v",
    "verilog": "sv svh",
    "vhdl": "vhd vhdl",
    "vim": "vim",
    "zig": "zig",
}
LANGUAGES = {extension: language for language, extensions in EXTENSIONS.items() for extension in extensions.split()}


def find_language(path: str) -> str:
    """Return the name of the grammar that a file is read with, by its extension; empty where there is none."""
    return LANGUAGES.get(PurePath(path).suffix.removeprefix("."), "")


@cache
def load_parser(language: str) -> Parser:
    """Return the parser of a language. Raise MissingExtraError without the package."""
    try:
        from tree_sitter_language_pack import get_parser  # noqa: PLC0415 - an extra
    except ImportError:
        raise MissingExtraError("tree-sitter-language-pack", "live") from None
    return get_parser(language)  # type: ignore[arg-type]  # a Literal of 173 names
