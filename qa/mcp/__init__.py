"""``python -m qa mcp``: the same answers for programs that speak the Model Context Protocol."""
