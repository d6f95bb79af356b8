"""Measures the answers of questions whose answers are known."""
