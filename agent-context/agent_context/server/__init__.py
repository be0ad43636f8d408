"""The MCP server: what an agent can ask of the knowledge base while it works, over stdio, one process a session."""
