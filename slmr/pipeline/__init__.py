"""Runs methods: recipes, the plan of a bench, what makes its stages, and what a run keeps. It alone writes runs."""
