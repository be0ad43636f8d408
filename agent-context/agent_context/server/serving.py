"""Build the server from its tool modules and serve it: what is the same for all tools is here, once."""

from __future__ import annotations

import asyncio
import inspect
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from agent_context import __version__
from agent_context.errors import AgentContextError, MissingExtraError
from agent_context.server import handoff_tools, knowledge_tools, session_tools
from agent_context.server.desk import MOST_CHARACTERS, one_line

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from mcp.server.mcpserver import MCPServer

    from agent_context.server.desk import Desk

NAME = "agent-context"
# Each has READS and WRITES, functions of a desk and of what the model gives, and INSTRUCTIONS for when to use them.
MODULES = (knowledge_tools, session_tools, handoff_tools)


def make_server(desk: Desk) -> MCPServer[object]:
    """Return the server with every tool at this desk. Raise MissingExtraError without the package mcp."""
    try:
        from mcp.server.mcpserver import MCPServer  # noqa: PLC0415 - an extra, and a second to import
        from mcp.types import ToolAnnotations  # noqa: PLC0415 - the same
    except ImportError:
        raise MissingExtraError("mcp", "mcp") from None
    instructions = "\n".join(module.INSTRUCTIONS for module in MODULES)
    server: MCPServer[object] = MCPServer(NAME, instructions=instructions, version=__version__, log_level="WARNING")
    thread = ThreadPoolExecutor(1)  # one call at a time: what tools keep open belongs to one thread
    for module in MODULES:
        for tool in (*module.READS, *module.WRITES):
            about = ToolAnnotations(read_only_hint=tool in module.READS, destructive_hint=False, open_world_hint=False)
            server.add_tool(_bind(tool, desk, thread), annotations=about, structured_output=False)
    return server


def serve(desk: Desk) -> None:
    """Serve over stdin and stdout until stdin closes."""
    make_server(desk).run("stdio")


def _bind(tool: Callable[..., str], desk: Desk, thread: ThreadPoolExecutor) -> Callable[..., Awaitable[str]]:
    """Return the tool as the server calls it: without its desk, in the one thread, known errors in words."""
    from mcp.server.mcpserver.exceptions import ToolError  # noqa: PLC0415 - an extra

    async def call(**arguments: object) -> str:
        try:
            answer = await asyncio.wrap_future(thread.submit(tool, desk, **arguments))
        except AgentContextError as error:
            raise ToolError(one_line(error.advice, most=MOST_CHARACTERS)) from None
        return answer[:MOST_CHARACTERS]

    signature = inspect.signature(tool, eval_str=True)
    call.__name__, call.__doc__ = tool.__name__, inspect.cleandoc(tool.__doc__ or "")
    call.__signature__ = signature.replace(parameters=[*signature.parameters.values()][1:])  # type: ignore[attr-defined]
    return call
