"""Connectors: the ways to people and services."""
