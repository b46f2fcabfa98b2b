"""Analyses as tables, sentences, figures and pages."""
