"""Every preset that ships is a valid waterfall, described in full, and its starter configuration loads as it is."""

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
"""Of what marketing qualifies, what sales accepts and qualifies; of meetings booked, those held (K9)."""

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
"""What a definition must say, where people in the field mean different things by the same name."""

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
"""The stages that no public page confirms."""


def bare(name: str, folder: Path) -> Configuration:
    """The preset and one input, nothing else."""
    path = folder / "funnel.toml"
    inputs = '[[inputs]]\nname = "history"\ntable = "stage_entries"\npath = "x.csv"\n'
    path.write_text(f'[funnel]\npreset = "{name}"\n{inputs}', encoding="utf-8")
    return load_configuration(path)


def test_all_of_the_contract_ship() -> None:
    """The presets are those that the contract lists."""
    assert EXPECTED == presets.names()


@every_preset
def test_loads_with_its_own_headline(name: str, tmp_path: Path) -> None:
    """A preset alone makes a waterfall, and every headline pair of it is legal."""
    waterfall = bare(name, tmp_path).waterfall
    assert presets.load(name).headline == tuple((pair.from_key, pair.to_key) for pair in waterfall.headline)


@every_preset
def test_headline_pairs_are_those_of_the_field(name: str) -> None:
    """K9: MQL to SAL and to SQL where there are such stages, booked to held in those of meetings."""
    preset = presets.load(name)
    marks = [block["key"] for block in (*preset.stages, *preset.groups)]
    wanted = [("marketing_qualified", "sales_accepted"), ("marketing_qualified", "sales_qualified")]
    wanted += [("meeting_booked", "meeting_held")]
    assert [] == [pair for pair in wanted if set(pair) <= set(marks) and pair not in preset.headline]
    assert HEADLINES[name] == list(preset.headline)


@pytest.mark.parametrize(("name", "key"), [(name, key) for name, stages in MEANT.items() for key in stages])
def test_definitions_say_what_the_field_means(name: str, key: str) -> None:
    """A stage is defined as its source has it, in our words."""
    (definition,) = (stage["definition"] for stage in presets.load(name).stages if stage["key"] == key)
    assert MEANT[name][key] in definition


@every_preset
def test_only_what_no_page_confirms_is_unverified(name: str) -> None:
    """A mark on a stage is a choice; a new one belongs in the list here."""
    stages = presets.load(name).stages
    assert UNVERIFIED.get(name, []) == [stage["key"] for stage in stages if not stage.get("verified", True)]


def test_an_sdr_qualifies_before_sql_comes_before_sal(tmp_path: Path) -> None:
    """The team that turns an AQL into an MQL is the SDRs, and their qualification counts."""
    stage = bare("aql-mql-sql-sal", tmp_path).waterfall.stage("marketing_qualified")
    assert ("sdr", True) == (stage.team, stage.qualifies)


@every_preset
def test_its_starter_loads_as_it_is(name: str, tmp_path: Path) -> None:
    """What `funnel init --preset` writes is a valid configuration with the same stages."""
    path = tmp_path / "funnel.toml"
    path.write_text(starter.configuration(name), encoding="utf-8")
    loaded = load_configuration(path)
    assert bare(name, tmp_path).waterfall.stages == loaded.waterfall.stages


@every_preset
def test_the_comments_of_its_starter_load_too(name: str, tmp_path: Path) -> None:
    """Every setting that the starter shows in a comment is legal when it is switched on."""
    path = tmp_path / "funnel.toml"
    text = re.sub(r"^# (?=[a-z_]+ = |\[)", "", starter.configuration(name), flags=re.MULTILINE)
    path.write_text(text, encoding="utf-8")
    loaded = load_configuration(path)
    assert ("customer_review", "early", 3) == (
        loaded.waterfall.stages[[s.key for s in loaded.waterfall.stages].index("customer_review")].key,
        loaded.waterfall.groups[-1].key,
        len(loaded.inputs),
    )


@pytest.mark.parametrize("position", range(11))
def test_each_block_of_its_starter_loads_alone(position: int, tmp_path: Path) -> None:
    """A reader may switch on any one block and leave the others: eleven are there, and each says something."""
    text = starter.configuration()
    blocks = [found for found in re.findall(r"(?:^# .*\n)+", text, flags=re.MULTILINE) if found.startswith("# [")]
    opened = [re.match(r"# \[+([a-z]+)", found) for found in blocks]
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
        "checks",
        "mail",
    ] == [found[1] for found in opened if found]
    path = tmp_path / "funnel.toml"
    path.write_text(text, encoding="utf-8")
    before = load_configuration(path)
    path.write_text(
        text.replace(blocks[position], re.sub(r"^# ", "", blocks[position], flags=re.MULTILINE)), encoding="utf-8"
    )
    assert before != load_configuration(path)


def test_rules_and_calendar_of_its_starter_mean_what_they_say(tmp_path: Path) -> None:
    """Switched on, the examples give two scope rules, two origin rules and the hours of an office."""
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
def test_says_where_leads_leave_and_who_qualifies(name: str, tmp_path: Path) -> None:
    """Every preset has a way to come back, a way out, a team on each stage and one stage that qualifies."""
    stages = bare(name, tmp_path).waterfall.stages
    assert ({"path", "detour", "exit"}, True, True) == (
        {stage.kind for stage in stages} - {"hold"},
        all(stage.team for stage in stages),
        any(stage.qualifies for stage in stages),
    )


@every_preset
def test_definitions_are_one_sentence(name: str) -> None:
    """A definition is one sentence, since every report prints it."""
    texts = [block["definition"] for block in (*presets.load(name).stages, *presets.load(name).groups)]
    assert [] == [text for text in texts if not text.endswith(".") or re.search(r"[.!?]\s", text)]


@every_preset
def test_what_is_unverified_says_what(name: str) -> None:
    """No stage is marked unverified without a note."""
    assert [] == [
        stage["key"] for stage in presets.load(name).stages if not stage.get("verified", True) and not stage.get("note")
    ]


@every_preset
def test_description_names_everything(name: str) -> None:
    """`funnel presets NAME` prints every stage, label, group and alias, and a mark on what is unverified."""
    preset = presets.load(name)
    text = " ".join(presets.describe(name).split())
    wanted = [preset.title, preset.unit, *(stage["key"] for stage in preset.stages)]
    wanted += [alias for stage in preset.stages for alias in stage.get("aliases", ())]
    wanted += [stage["definition"] for stage in preset.stages] + [group["key"] for group in preset.groups]
    wanted += [f"? {stage['key']}" for stage in preset.stages if not stage.get("verified", True)]
    assert [] == [word for word in wanted if word not in text]


def test_the_overview_names_every_preset() -> None:
    """`funnel presets` lists all of them, each on a line of its own."""
    lines = presets.overview().splitlines()
    assert list(EXPECTED) == [line for line in lines if line and not line.startswith(" ")]


def test_parallel_entries_and_groups_of_2012(tmp_path: Path) -> None:
    """SAL and sales-generated lead are parallel, and MQL is AQL, TQL and TGL together."""
    waterfall = bare("siriusdecisions-2012", tmp_path).waterfall
    assert waterfall.stage("sales_accepted").rank == waterfall.stage("sales_generated").rank
    assert ("automation_qualified", "tele_qualified", "tele_generated") == waterfall.groups[1].stages


def test_sql_before_sal_is_data(tmp_path: Path) -> None:
    """In this preset SQL ranks below SAL, and nothing else knows."""
    waterfall = bare("aql-mql-sql-sal", tmp_path).waterfall
    assert ["AQL", "MQL", "SQL", "SAL"] == [stage.label for stage in waterfall.stages if stage.rank]


def test_the_demand_unit_counts_accounts() -> None:
    """The 2017 waterfall moves buying groups, not people."""
    assert "account" == presets.load("demand-unit-2017").unit


@pytest.mark.parametrize("written", ["hubspot-lifecyle", "hubspot", "HubSpot lifecycle"])
def test_an_unknown_preset_names_the_nearest(written: str) -> None:
    """A slip of the pen, or half a name, is answered with the name that was meant."""
    with pytest.raises(UsageError, match="did you mean `hubspot-lifecycle`"):
        presets.load(written)
