"""Expressions as exact algebra: tokens, a tree, a normal form, values. Knows nothing of completions."""
