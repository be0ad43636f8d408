"""Names for the places of a source file: the innermost definitions that hold some lines, as `Class.method`.

One rule serves every grammar: a node is a definition by its type's words, its name is in a field that nearly all
grammars call alike. What differs stands in the tables. A function without a name has that of what it is bound to, and
where it is bound to nothing it belongs to the definition around it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agent_context.symbols.grammars import load_parser

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tree_sitter import Node

MOST_BYTES = 512_000
MOST_DEPTH = 150
NAME_LENGTH = 80
WORDS = (
    "function|method|class|struct|interface|trait|enum|union|protocol|extension|namespace|module|mod|impl|object|record"
    "|constructor|destructor|init|deinit|macro|subroutine|procedure|proc|func|contract|modifier|message|service|rpc"
    "|mixin|delegate|operator|instance|package_body|enumeration"
)
ENDINGS = "definition|declaration|item|spec|specifier|statement|elem|def|decl|signature|block"
DEFINITION = re.compile(
    rf"(?!\w*(?:member|parameter|import))(?:\w+_)?(?:{WORDS})(?:_\w+)?_(?:{ENDINGS})(?:_signature)?"
)
# Definitions whose type does not say so in the usual words.
MORE = frozenset(
    {
        "class",
        "companion_object",
        "internal_module",
        "method",
        "module",
        "singleton_method",
        "type_alias_declaration",
        "type_definition",
        "type_spec",
        "secondary_constructor",
        "type_item",
    }
)
# Computed properties are definitions, stored ones belong to their class.
COMPUTED = frozenset({"computed_property", "accessor_list", "getter", "setter", "arrow_expression_clause"})
FUNCTION_VALUE = re.compile(
    r"arrow_function|function_expression|function|generator_function|lambda\w*|func_literal|closure_expression"
    r"|anonymous_\w+|object|closure|function_definition|fn_expression|lambda"
)
# What binds a value to a name, and the field that holds the name.
BINDINGS = {
    "assignment": "left",
    "assignment_expression": "left",
    "const_spec": "name",
    "field_definition": "property",
    "init_declarator": "declarator",
    "let_declaration": "pattern",
    "pair": "key",
    "property_declaration": "name",
    "public_field_definition": "name",
    "short_var_declaration": "left",
    "static_item": "name",
    "const_item": "name",
    "var_spec": "name",
    "variable_declarator": "name",
    "val_definition": "pattern",
}
# What may stand between a value and its binding.
THROUGH = frozenset(
    {
        "equals_value_clause",
        "expression_list",
        "expression_statement",
        "parenthesized_expression",
    }
)
FIXED = {"companion_object": "Companion", "deinit_declaration": "deinit", "init_declaration": "init"}
NAME_FIELDS = ("name", "declarator", "type", "property")
NAMES = frozenset({"constant", "field_identifier", "identifier", "simple_identifier", "type_identifier", "user_type"})
WRAPPERS = frozenset({"ambient_declaration", "decorated_definition", "export_statement", "template_declaration"})
DECORATORS = frozenset({"annotation", "attribute_item", "attribute_list", "attribute_declaration", "decorator"})


@dataclass(frozen=True, slots=True)
class _Place:
    """A node, what names around it begin with, the row where it begins with its decorators, and how deep it lies."""

    node: Node
    prefix: str
    row: int
    depth: int


@dataclass(frozen=True, slots=True)
class Symbol:
    """A definition: its name with those around it, and its first and last line (from 1), decorators included."""

    name: str
    start: int
    end: int


def name_symbols(text: bytes, language: str, spans: Iterable[tuple[int, int]]) -> tuple[str, ...]:
    """Return the innermost symbols that the lines of these spans (first and last, from 1) belong to, sorted.

    Lines of no definition have none. Raise MissingExtraError without tree-sitter.
    """
    lines = sorted({line for start, end in spans for line in range(start, end + 1)})
    if not lines:
        return ()
    symbols = find_symbols(text, language, (lines[0], lines[-1]))
    return tuple(sorted({name for line in lines if (name := _innermost(symbols, line))}))


def find_symbols(text: bytes, language: str, within: tuple[int, int] | None = None) -> list[Symbol]:
    """Return the definitions of a file, or those that touch some lines, outer ones before what they hold.

    A file of more than half a megabyte has none. Raise MissingExtraError without tree-sitter.
    """
    if len(text) > MOST_BYTES:
        return []
    first, last = within or (1, text.count(b"\n") + 1)
    found: list[Symbol] = []
    root = load_parser(language).parse(text).root_node
    waiting = [_Place(root, "", root.start_point.row, 0)]
    while waiting:
        place = waiting.pop()
        symbol = _read(place)
        if symbol is not None:
            found.append(symbol)
        if place.depth < MOST_DEPTH:
            prefix = f"{symbol.name}." if symbol is not None else place.prefix
            inner = [_Place(node, prefix, row, place.depth + 1) for node, row in _children(place)]
            waiting += [item for item in reversed(inner) if item.row < last and _end_row(item.node) + 1 >= first]
    return found


def _children(place: _Place) -> Iterator[tuple[Node, int]]:
    """Yield the nodes within one that hold others, each with the row where it begins, its decorators included."""
    leading = None
    for node in place.node.named_children:
        if node.type in DECORATORS:
            leading = node.start_point.row if leading is None else leading
        elif not node.type.endswith("comment"):
            row = node.start_point.row if leading is None else leading
            if place.node.type in WRAPPERS:
                row = place.row
            if node.named_child_count:
                yield node, row
            leading = None


def _innermost(symbols: list[Symbol], line: int) -> str:
    holding = [symbol for symbol in reversed(symbols) if symbol.start <= line <= symbol.end]
    return min(holding, key=lambda symbol: symbol.end - symbol.start).name if holding else ""


def _read(place: _Place) -> Symbol | None:
    """Return the definition that a node is, if it is one with a body or a name of its own."""
    node, row, name = place.node, place.row, ""
    if FUNCTION_VALUE.fullmatch(node.type) or _makes_function(node):
        name, whole = _bound(node)
        row = min(row, whole.start_point.row)
    if not name and _is_definition(node):
        name = _own_name(node)
    name = _tidy(name)
    return Symbol(f"{place.prefix}{_receiver(node)}{name}", row + 1, max(_end_row(node), row) + 1) if name else None


def _makes_function(node: Node) -> bool:
    """Tell whether a call is Ruby's way of writing a function without a name."""
    called = node.child_by_field_name("method") if node.type == "call" else None
    return called is not None and called.text in (b"lambda", b"proc")


def _is_definition(node: Node) -> bool:
    if node.type == "property_declaration":
        return any(child.type in COMPUTED for child in node.named_children)
    if node.type.endswith("_specifier") or node.type in ("namespace_definition", "type_definition"):
        return _has_body(node)
    return node.type in MORE or DEFINITION.fullmatch(node.type) is not None


def _has_body(node: Node) -> bool:
    inner = node.child_by_field_name("type") if node.type == "type_definition" else node
    return inner is not None and inner.child_by_field_name("body") is not None


def _own_name(node: Node) -> str:
    if node.type in FIXED:
        return FIXED[node.type]
    for field in NAME_FIELDS:
        found = node.child_by_field_name(field)
        if found is not None:
            return _text(_declared(found))
    return next((_text(child) for child in node.named_children if child.type in NAMES), "")


def _declared(node: Node) -> Node:
    """Return the name within what C calls a declarator: pointers, parameters and arrays are wrapped around it."""
    while node.type not in NAMES:
        inner = node.child_by_field_name("declarator") or next(
            (child for child in node.named_children if child.type.endswith("declarator")), None
        )
        if inner is None:
            return node
        node = inner
    return node


def _bound(node: Node) -> tuple[str, Node]:
    """Return the name that a value is bound to, and what binds it."""
    inner, parent = node, node.parent
    while parent is not None and parent.type in THROUGH and parent.start_point.row <= node.start_point.row:
        inner, parent = parent, parent.parent
    if parent is None or parent.type not in BINDINGS:
        return "", node
    target = parent.child_by_field_name(BINDINGS[parent.type])
    if target is None:
        target = next(
            (child for child in parent.named_children if child.type in ("variable_declaration", *NAMES)), None
        )
    if target is None or target == inner:
        return "", node
    return _text(_declared(target)), parent


def _receiver(node: Node) -> str:
    """Return the type that a Go method belongs to: it stands beside the type, not in it."""
    receiver = node.child_by_field_name("receiver")
    found = re.search(r"([A-Za-z_]\w*)\s*(?:\[[^\]]*\])?\s*\)", _text(receiver)) if receiver is not None else None
    return f"{found[1]}." if found else ""


def _end_row(node: Node) -> int:
    """Return the last row that has something of the node: some grammars let it end with the line break."""
    return node.end_point.row - (node.end_point.column == 0 and node.end_point.row > node.start_point.row)


def _text(node: Node) -> str:
    return (node.text or b"").decode("utf-8", "replace")


def _tidy(name: str) -> str:
    """Return a name on one line, without type parameters and quotes, its parts joined by dots."""
    plain = re.sub(r"<[^<>]*>", "", name) if re.match(r"[\w:<>, ]+$", name) else name
    return " ".join(plain.replace("::", ".").strip("\"'`$ ").split())[:NAME_LENGTH]
