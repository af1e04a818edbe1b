"""A configuration based on a preset changes only what it names."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline.config.configuration import Configuration
from pipeline.waterfall.definition import Pair
from tests.unit.configurations import INPUT, ranks


class TestOverridingAPreset:
    def load_with(self, load: Any, blocks: str) -> Configuration:
        loaded: Configuration = load(f'[funnel]\npreset = "siriusdecisions-2012"\n{blocks}{INPUT}')
        return loaded

    def test_the_title_is_the_default_name(self, load: Any) -> None:
        """Without a name the title of the preset is used."""
        loaded = self.load_with(load, "")
        assert ("Demand waterfall, rearchitected", "siriusdecisions-2012") == (
            loaded.waterfall.name,
            loaded.waterfall.preset,
        )

    def test_a_block_replaces_only_its_fields(self, load: Any) -> None:
        """A block with a key of the preset changes its fields and keeps the position."""
        before = self.load_with(load, "").waterfall
        after = self.load_with(load, '[[stages]]\nkey = "tele_accepted"\nlabel = "T-A"\n').waterfall
        changed = [
            (old.key, old.rank, new.label, new.definition == old.definition)
            for old, new in zip(before.stages, after.stages, strict=True)
            if old != new
        ]
        assert [("tele_accepted", 3, "T-A", True)] == changed

    def test_after_inserts_a_stage_with_its_own_rank(self, load: Any) -> None:
        """A new stage `after` a parallel one has its own rank between that rank and the next."""
        loaded = self.load_with(load, '[[stages]]\nkey = "review"\nafter = "tele_qualified"\ndefinition = "x"\n')
        ranks_found = {key: rank for key, rank in ranks(loaded).items() if rank and 4 <= rank <= 6}
        expected = {"tele_qualified": 4, "tele_generated": 4, "review": 5, "sales_accepted": 6, "sales_generated": 6}
        assert expected == ranks_found

    def test_a_configured_rank_is_the_printed_one(self, load: Any) -> None:
        """`rank` is the number that `funnel presets` prints, independent of other new stages."""
        blocks = (
            '[[stages]]\nkey = "review"\nafter = "inbound_inquiry"\ndefinition = "x"\n'
            '[[stages]]\nkey = "partner_referred"\nrank = 5\ndefinition = "x"\n'
        )
        ranks_found = ranks(self.load_with(load, blocks))
        assert ranks_found["sales_accepted"] == ranks_found["partner_referred"] == 6

    def test_a_new_stage_is_the_last(self, load: Any) -> None:
        """A new path stage without `after` or `rank` is above all others."""
        loaded = self.load_with(load, '[[stages]]\nkey = "renewed"\ndefinition = "x"\n')
        assert ("renewed", 8) == (loaded.waterfall.stages[-1].key, ranks(loaded)["renewed"])

    def test_removed_stages_leave_the_groups(self, load: Any) -> None:
        """A removed stage is removed from the preset's groups and headline too."""
        waterfall = self.load_with(
            load,
            '[[stages]]\nkey = "tele_generated"\nremove = true\n[[stages]]\nkey = "sales_accepted"\nremove = true\n',
        ).waterfall
        groups = {group.key: group.stages for group in waterfall.groups}
        assert ("automation_qualified", "tele_qualified") == groups["marketing_qualified"]
        assert (Pair("marketing_qualified", "sales_qualified", 1.0),) == waterfall.headline

    def test_groups_are_overridden_by_key(self, load: Any) -> None:
        """A group of the preset can be changed or removed."""
        waterfall = self.load_with(
            load,
            '[[groups]]\nkey = "inquiry"\nremove = true\n'
            '[[groups]]\nkey = "marketing_qualified"\nstages = ["automation_qualified"]\n',
        ).waterfall
        assert [("marketing_qualified", "MQL", ("automation_qualified",))] == [
            (group.key, group.label, group.stages) for group in waterfall.groups
        ]

    def test_a_stage_off_the_path_has_no_rank_and_no_milestone(self, load: Any) -> None:
        """A path stage of the preset may become another kind without other settings."""
        loaded = self.load_with(load, '[[stages]]\nkey = "tele_generated"\nkind = "hold"\n')
        stage = loaded.waterfall.stage("tele_generated")
        assert (None, False) == (stage.rank, stage.qualifies)

    @pytest.mark.parametrize(
        ("block", "expected"),
        [
            (
                'key = "recycled"\nkind = "path"',
                "5: stages.recycled.kind: `recycled` is off the path in the preset; give "
                "its `rank`, or `after` a stage",
            ),
            (
                'key = "recycld"\nremove = true',
                "4: stages.recycld.key: there is no such stage to remove; did you mean `recycled`?",
            ),
            (
                'key = "x"\ndefinition = "x"\nafter = "sales_acepted"',
                "6: stages.x.after: there is no stage `sales_acepted` above this one; did you mean `sales_accepted`?",
            ),
            (
                'key = "won"\naliases = ["MQL!", "sql"]',
                '5: stages.won.aliases: "sql" names both `won` and '
                "`sales_qualified` of the preset; a stage name must match one stage",
            ),
        ],
    )
    def test_an_invalid_change_has_its_line(self, problems: Any, block: str, expected: str) -> None:
        """The message has the line of the user's configuration."""
        text = f'[funnel]\npreset = "siriusdecisions-2012"\n[[stages]]\n{block}\n{INPUT}'
        assert [f"funnel.toml:{expected}"] == problems(text)
