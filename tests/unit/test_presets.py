"""Every shipped preset is a valid waterfall with full descriptions, and its starter configuration is valid."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pipeline.config import presets, starter
from pipeline.config.configuration import Configuration
from pipeline.config.load import load_configuration
from pipeline.errors import UsageError

EXPECTED = (
    "aql-mql-sql-sal",
    "bowtie",
    "demand-unit-2017",
    "hubspot-lifecycle",
    "marketo-revenue-cycle",
    "mcl-mel-mql-sal-sql",
    "mperativ",
    "salesforce-lead-opportunity",
    "siriusdecisions-2006",
    "siriusdecisions-2012",
)

every_preset = pytest.mark.parametrize("name", EXPECTED)

HEADLINES = {
    "aql-mql-sql-sal": [
        ("marketing_qualified", "sales_qualified"),
        ("marketing_qualified", "sales_accepted"),
        ("sales_qualified", "sales_accepted"),
    ],
    "bowtie": [("education", "selection"), ("selection", "commit"), ("commit", "impact")],
    "demand-unit-2017": [("prioritized_demand", "qualified_demand"), ("qualified_demand", "pipeline")],
    "hubspot-lifecycle": [("marketing_qualified", "sales_qualified"), ("sales_qualified", "opportunity")],
    "marketo-revenue-cycle": [("lead", "sales_lead"), ("lead", "opportunity")],
    "mcl-mel-mql-sal-sql": [("marketing_qualified", "sales_accepted"), ("marketing_qualified", "sales_qualified")],
    "mperativ": [
        ("marketing_qualified", "meeting_booked"),
        ("meeting_booked", "meeting_held"),
        ("meeting_held", "opportunity"),
    ],
    "salesforce-lead-opportunity": [("open_not_contacted", "converted"), ("converted", "closed_won")],
    "siriusdecisions-2006": [("marketing_qualified", "sales_accepted"), ("marketing_qualified", "sales_qualified")],
    "siriusdecisions-2012": [("marketing_qualified", "sales_accepted"), ("marketing_qualified", "sales_qualified")],
}
"""The headline pairs: marketing qualified to sales accepted and qualified; meetings booked to held (K9)."""

MEANT = {
    "mperativ": {
        "engaged": "completed a form and is registered",
        "marketing_qualified": "whatever the source",
        "sdr_working": "accepted the lead and decided to reach out",
        "meeting_booked": "is booked",
        "meeting_held": "took place",
        "nurturing": "nobody could reach the person",
    },
    "mcl-mel-mql-sal-sql": {
        "marketing_created": "Marketing has created the lead",
        "marketing_engaged": "responded to a marketing activity",
        "sales_accepted": "spoken with the person, found that fit and score meet the bar, and agreed on a meeting",
    },
    "aql-mql-sql-sal": {
        "automation_qualified": "without a person having looked",
        "marketing_qualified": "An SDR has looked",
        "sales_qualified": "booked a meeting",
        "sales_accepted": "The meeting was held",
    },
}
"""Words that a definition must have, because the name has several meanings in the field."""

UNVERIFIED = {
    "aql-mql-sql-sal": ["marketing_qualified", "sales_accepted"],
    "bowtie": ["lost", "churned"],
    "demand-unit-2017": [
        "engaged_demand",
        "prioritized_demand",
        "qualified_demand",
        "pipeline",
        "closed_won",
        "closed_lost",
    ],
    "mcl-mel-mql-sal-sql": ["on_hold"],
    "mperativ": ["no_show"],
    "siriusdecisions-2006": ["lost"],
    "siriusdecisions-2012": ["lost"],
}
"""The stages without a public source."""


def load_preset_only(name: str, folder: Path) -> Configuration:
    """A configuration with only the preset and one input."""
    path = folder / "funnel.toml"
    inputs = '[[inputs]]\nname = "history"\ntable = "stage_entries"\npath = "x.csv"\n'
    path.write_text(f'[funnel]\npreset = "{name}"\n{inputs}', encoding="utf-8")
    return load_configuration(path)


def test_the_documented_presets_are_shipped() -> None:
    """The presets are those of the documentation."""
    assert EXPECTED == presets.names()


@every_preset
def test_a_preset_loads_with_its_own_headline(name: str, tmp_path: Path) -> None:
    """A preset alone is a valid waterfall, and each of its headline pairs is legal."""
    waterfall = load_preset_only(name, tmp_path).waterfall
    assert presets.load(name).headline == tuple((pair.from_key, pair.to_key) for pair in waterfall.headline)


@every_preset
def test_headline_pairs_are_those_of_the_field(name: str) -> None:
    """K9: The pairs are MQL to SAL and to SQL if these stages exist, and booked to held for meetings."""
    preset = presets.load(name)
    marks = [block["key"] for block in (*preset.stages, *preset.groups)]
    expected_pairs = [("marketing_qualified", "sales_accepted"), ("marketing_qualified", "sales_qualified")]
    expected_pairs += [("meeting_booked", "meeting_held")]
    assert [] == [pair for pair in expected_pairs if set(pair) <= set(marks) and pair not in preset.headline]
    assert HEADLINES[name] == list(preset.headline)


@pytest.mark.parametrize(("name", "key"), [(name, key) for name, stages in MEANT.items() for key in stages])
def test_definitions_follow_their_sources(name: str, key: str) -> None:
    """A definition has the meaning of its source, in our words."""
    (definition,) = (stage["definition"] for stage in presets.load(name).stages if stage["key"] == key)
    assert MEANT[name][key] in definition


@every_preset
def test_only_listed_stages_are_unverified(name: str) -> None:
    """A new unverified stage must be added to the list of this test."""
    stages = presets.load(name).stages
    assert UNVERIFIED.get(name, []) == [stage["key"] for stage in stages if not stage.get("verified", True)]


def test_an_sdr_qualifies_before_sql_comes_before_sal(tmp_path: Path) -> None:
    """The SDR team turns an AQL into an MQL, and its qualification counts."""
    stage = load_preset_only("aql-mql-sql-sal", tmp_path).waterfall.stage("marketing_qualified")
    assert ("sdr", True) == (stage.team, stage.qualifies)


@every_preset
def test_its_starter_is_valid(name: str, tmp_path: Path) -> None:
    """`funnel init --preset` writes a valid configuration with the same stages."""
    path = tmp_path / "funnel.toml"
    path.write_text(starter.configuration(name), encoding="utf-8")
    loaded = load_configuration(path)
    assert load_preset_only(name, tmp_path).waterfall.stages == loaded.waterfall.stages


@every_preset
def test_the_comments_of_its_starter_are_valid_too(name: str, tmp_path: Path) -> None:
    """Every commented setting of the starter is valid."""
    path = tmp_path / "funnel.toml"
    text = re.sub(r"^# (?=[a-z_]+ = |\[)", "", starter.configuration(name), flags=re.MULTILINE)
    path.write_text(text, encoding="utf-8")
    loaded = load_configuration(path)
    assert ("customer_review", "early", 3) == (
        loaded.waterfall.stages[[s.key for s in loaded.waterfall.stages].index("customer_review")].key,
        loaded.waterfall.groups[-1].key,
        len(loaded.inputs),
    )


@pytest.mark.parametrize("position", range(12))
def test_each_block_of_its_starter_loads_alone(position: int, tmp_path: Path) -> None:
    """Each of the twelve commented blocks may be used without the others."""
    text = starter.configuration()
    blocks = [comment for comment in re.findall(r"(?:^# .*\n)+", text, flags=re.MULTILINE) if comment.startswith("# [")]
    block_names = [re.match(r"# \[+([a-z]+)", comment) for comment in blocks]
    assert [
        "inputs",
        "stages",
        "stages",
        "groups",
        "calendar",
        "scope",
        "scope",
        "origins",
        "origins",
        "events",
        "checks",
        "mail",
    ] == [match[1] for match in block_names if match]
    path = tmp_path / "funnel.toml"
    path.write_text(text, encoding="utf-8")
    before = load_configuration(path)
    path.write_text(
        text.replace(blocks[position], re.sub(r"^# ", "", blocks[position], flags=re.MULTILINE)), encoding="utf-8"
    )
    assert before != load_configuration(path)


def test_rules_and_calendar_of_its_starter_are_loaded(tmp_path: Path) -> None:
    """The commented examples give two scope rules, two origin rules and office hours."""
    path = tmp_path / "funnel.toml"
    path.write_text(re.sub(r"^# (?=[a-z_]+ = |\[)", "", starter.configuration(), flags=re.MULTILINE), encoding="utf-8")
    waterfall = load_configuration(path).waterfall
    assert ["our_own", "competitors"] == [rule.name for rule in waterfall.scope]
    assert r"(?i)@example\.com$" == waterfall.scope[0].where.values[0]
    assert ["partner", "sales"] == [rule.origin for rule in waterfall.origins]
    assert waterfall.calendar is not None
    assert ("US", 540, 1020, (1, 2, 3, 4, 5)) == (
        waterfall.calendar.country,
        waterfall.calendar.opens_minute,
        waterfall.calendar.closes_minute,
        waterfall.calendar.weekdays,
    )


@every_preset
def test_a_preset_has_exits_teams_and_a_qualifying_stage(name: str, tmp_path: Path) -> None:
    """Every preset has a detour, an exit, a team for each stage and a stage that qualifies."""
    stages = load_preset_only(name, tmp_path).waterfall.stages
    assert ({"path", "detour", "exit"}, True, True) == (
        {stage.kind for stage in stages} - {"hold"},
        all(stage.team for stage in stages),
        any(stage.qualifies for stage in stages),
    )


@every_preset
def test_definitions_are_one_sentence(name: str) -> None:
    """A definition is one sentence, because every report prints it."""
    texts = [block["definition"] for block in (*presets.load(name).stages, *presets.load(name).groups)]
    assert [] == [text for text in texts if not text.endswith(".") or re.search(r"[.!?]\s", text)]


@every_preset
def test_an_unverified_stage_has_a_note(name: str) -> None:
    """The note says what is unverified."""
    assert [] == [
        stage["key"] for stage in presets.load(name).stages if not stage.get("verified", True) and not stage.get("note")
    ]


@every_preset
def test_the_description_has_every_stage_group_and_alias(name: str) -> None:
    """`funnel presets NAME` prints every stage, label, group and alias, and marks unverified stages."""
    preset = presets.load(name)
    text = " ".join(presets.describe(name).split())
    expected_pairs = [preset.title, preset.unit, *(stage["key"] for stage in preset.stages)]
    expected_pairs += [alias for stage in preset.stages for alias in stage.get("aliases", ())]
    expected_pairs += [stage["definition"] for stage in preset.stages] + [group["key"] for group in preset.groups]
    expected_pairs += [f"? {stage['key']}" for stage in preset.stages if not stage.get("verified", True)]
    assert [] == [word for word in expected_pairs if word not in text]


def test_the_overview_names_every_preset() -> None:
    """`funnel presets` has one line per preset."""
    lines = presets.overview().splitlines()
    assert list(EXPECTED) == [line for line in lines if line and not line.startswith(" ")]


def test_parallel_entries_and_groups_of_2012(tmp_path: Path) -> None:
    """SAL and sales-generated lead are parallel, and MQL is the group of AQL, TQL and TGL."""
    waterfall = load_preset_only("siriusdecisions-2012", tmp_path).waterfall
    assert waterfall.stage("sales_accepted").rank == waterfall.stage("sales_generated").rank
    assert ("automation_qualified", "tele_qualified", "tele_generated") == waterfall.groups[1].stages


def test_sql_before_sal_is_data(tmp_path: Path) -> None:
    """In this preset SQL ranks below SAL, and only the data says so."""
    waterfall = load_preset_only("aql-mql-sql-sal", tmp_path).waterfall
    assert ["AQL", "MQL", "SQL", "SAL"] == [stage.label for stage in waterfall.stages if stage.rank]


def test_the_demand_unit_counts_accounts() -> None:
    """The 2017 waterfall counts buying groups, not people."""
    assert "account" == presets.load("demand-unit-2017").unit


@pytest.mark.parametrize("preset_name", ["hubspot-lifecyle", "hubspot", "HubSpot lifecycle"])
def test_an_unknown_preset_names_the_nearest(preset_name: str) -> None:
    """For a misspelt or incomplete name the message has the nearest preset."""
    with pytest.raises(UsageError, match="did you mean `hubspot-lifecycle`"):
        presets.load(preset_name)
