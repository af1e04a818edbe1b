"""Sections about inflow and outflow by stage."""
