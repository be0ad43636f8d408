"""One lesson, said once: decisions on candidates and on the whole knowledge base."""
