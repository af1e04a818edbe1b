"""The `[accounts]` block: how leads without an account are matched to one."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, Field

from pipeline.config.block import Block

_DOMAIN = re.compile(r"[\w-]+(\.[\w-]+)+")


def _domain(text: str) -> str:
    if not _DOMAIN.fullmatch(text):
        raise ValueError('must be a domain such as "example.com", without @, https:// or a path')
    return text.lower()


class AccountsBlock(Block):
    """`[accounts]`."""

    match_domains: bool = True
    never_match: list[Annotated[str, AfterValidator(_domain)]] = Field(default_factory=list)
