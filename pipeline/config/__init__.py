"""The configuration: one module per TOML block, and the frozen values that `load` builds from them."""
