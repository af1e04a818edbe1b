"""The line of every key of a TOML text is found."""

from __future__ import annotations

import tomllib

from pipeline.config.locate import Lines


class TestLines:
    def test_every_form_of_a_key_has_its_line(self) -> None:
        """Dotted and quoted keys, inline tables, lists over lines and strings with brackets are all found."""
        text = (
            '# [x]\na.b = 1\n"q [".c = """\n[no]\n"""\n[t]\nl = [ # ]\n  1,\n  { k = "}" },\n]\n'
            "[[s]]\n[[s]]\n[s.u]\nv = 1\n"
        )
        tomllib.loads(text)
        lines = Lines(text)
        paths: list[tuple[str | int, ...]] = [
            ("a", "b"),
            ("q [", "c"),
            ("t",),
            ("t", "l"),
            ("t", "l", 0),
            ("t", "l", 1, "k"),
            ("s", 0),
            ("s", 1, "u", "v"),
        ]
        assert [2, 3, 6, 7, 8, 9, 11, 14] == [lines.line(path) for path in paths]

    def test_an_unknown_path_falls_back_to_its_block(self) -> None:
        """A missing key is reported at the line of its block."""
        assert 2 == Lines("\n[[stages]]\nkey = 'x'\n").line(("stages", 0, "definition"))
