"""Stores: where personas, actors, acts and state live."""
