"""The configuration: one module per TOML block, and the frozen values that `load` makes of them."""
