"""Which function, method or class a line of a source file belongs to, found in the syntax tree of some 60 languages."""

from agent_context.symbols.grammars import find_language
from agent_context.symbols.naming import Symbol, find_symbols, name_symbols

__all__ = ["Symbol", "find_language", "find_symbols", "name_symbols"]
