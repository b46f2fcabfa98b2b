"""Runs methods: recipes, the plan of a bench, the execution of its stages, and a run's files. Only this package
writes runs.
"""
