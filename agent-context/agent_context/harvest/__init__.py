"""From sessions to candidates: extraction, its answers, its costs and its coverage."""
