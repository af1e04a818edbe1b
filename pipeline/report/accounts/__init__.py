"""Sections about leads per account, personas and account depth."""
