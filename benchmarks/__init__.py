"""Measured claims: each benchmark runs beside its reference in one process, and prints ratios."""
