"""The text of a first configuration for `funnel init`: a preset, inputs to fill in, and commented options."""

from __future__ import annotations

from pipeline.config import presets
from pipeline.config.toml_text import value_text
from pipeline.waterfall.names import label_of

DEFAULT_PRESET = "mcl-mel-mql-sal-sql"

_TEXT = """\
# A funnel configuration. `funnel check` validates it; `funnel presets {preset}` prints its stages.
# Paths are relative to this file. An unknown key is an error that names the nearest known one.

[funnel]
name = "Our lead waterfall"
preset = "{preset}"                  # {title}; `funnel presets` lists the others
timezone = "UTC"                     # time zone of days, weeks and months: "America/New_York", "Europe/Berlin" …
week_start = "monday"
fiscal_year_start = 1                # month: 1 to 12, or its name
dimensions = ["origin", "lead_source", "owner"]   # slices of every table: built in (origin, qualified_by, entry_stage,
                                     # owner, team) or any column of your inputs
windows = [30, 90]                   # days in which a conversion counts; "ever" is always computed
# as_of = 2025-03-31                 # fixes the report: same inputs, same bytes. A date without a time is the END of that day
                                     # in the time zone above; leave it out to report as of the start of each run.
# entry_at_creation = true           # leads without history get one entry, from created_stage and created_at
# origin_default = "marketing"       # of leads that no [[origins]] rule matches
# headline = {headline}
# unit = "{unit}"                    # what the headline counts: cycle, lead or account
# targets = {{ "{low}>{high}" = 1.0 }}   # 1.0 is 100 %
# headline_windows = {{ "{low}>{high}" = 30 }}   # days within which a conversion counts for the headline rate
# headline_months = 3                # how many final months the headline rate adds up

# ---- Inputs: exports of the CRM, as files or patterns; at least one has stage entries ----

[[inputs]]
name = "crm_history"
table = "stage_entries"              # one row for each time that a lead entered a stage
path = "data/stage_entries*.csv"
# timezone = "America/New_York"      # of times without an offset; default: the one above
# time_format = "%m/%d/%Y %H:%M"     # default: ISO 8601; also epoch_s, epoch_ms, excel
# encoding = "utf-8"
# delimiter = ","
# null_values = ["", "NULL"]
# mode = "append"                    # "snapshot" if each file has all rows
# warn_after = "2 days"              # and the other keys of [checks] below, for this input only
# columns = {{ lead_id = "Lead ID", stage = "New Value", entered_at = "Edit Date" }}   # column = "header in the file"

[[inputs]]
name = "crm_leads"
table = "leads"                      # one row per lead: account_id, origin, lead_source, owner … and any other column
path = "data/leads*.csv"
# columns = {{ lead_id = "Lead ID", account_id = "Account ID", lead_source = "Lead Source" }}

# [[inputs]]
# name = "crm_accounts"
# table = "accounts"                 # also: merges (from_lead_id, into_lead_id, merged_at)
#                                    # and deletions (lead_id, deleted_at; a row without a time cancels a deletion)
# path = "data/accounts*.csv"

# ---- Changing the preset ----
# A block whose key is in the preset changes only the fields that it sets. A new key is a new stage at the end, or `after`
# another one; `rank` makes it parallel to the stages of that rank. `remove = true` removes a stage.

[[stages]]
key = "{stage}"
aliases = {aliases}   # its values in your CRM
# sla = {{ within = "8 hours", clock = "calendar" }}   # clock = "business" needs [calendar]
# definition = "One sentence; every report prints it."

# [[stages]]
# key = "customer_review"
# after = "{stage}"
# definition = "The customer looks at our proposal."
# kind = "path"                      # or hold, detour, exit: see `funnel presets {preset}`

# [[stages]]
# key = "{dropped}"
# remove = true

# [[groups]]                         # stages that report as if they were one
# key = "early"
# label = "Early stages"
# definition = "Everything before the handover."
# stages = {early}

# ---- Who counts, where leads come from, when you work ----

# [calendar]                         # the hours that SLAs with clock = "business" count
# country = "US"                     # its public holidays are off; "US-CA" has those of a part of it
# hours = "09:00-17:00"
# weekdays = ["monday", "tuesday", "wednesday", "thursday", "friday"]
# extra_days_off = [2026-12-24]
# timezone = "America/New_York"      # default: that of [funnel]

# [[scope]]                          # leads that match are not counted; the run and the report show how many
# name = "our_own"
# table = "leads"                    # or accounts: all leads of an account that matches
# where = {{ column = "email", matches = '(?i)@example\\.com$' }}
# reason = "Our own people try the forms."

# [[scope]]
# name = "competitors"
# table = "accounts"
# where = {{ column = "segment", in = ["Competitor", "Rival"] }}   # also equals, is_null; not = true negates it
# reason = "They want to see how we do it."

# [[origins]]                        # the first rule that matches decides the origin of a lead; else origin_default of [funnel]
# origin = "partner"
# where = {{ column = "lead_source", in = ["Partner portal", "Referral"] }}

# [[origins]]
# origin = "sales"
# where = {{ column = "lead_source", is_null = true }}

# [[events]]                         # a day that explains a trend
# date = 2025-09-08
# label = "New SDR team"

[output]
path = "build"                       # database, reports and landing log
keep_runs = 7
keep_reports = 30                    # earlier reports in the archive
# locale = "en-GB"                   # how numbers and days are written; default "en-US": 3,975, 78%, Dec 31, 2025
# memory = "8GB"                     # memory and threads of a run; default: 70 % of the memory and all cores.
# threads = 2                        # FUNNEL_MEMORY and FUNNEL_THREADS in the environment come first

# [checks]                           # checks of each new file; if one fails, the run stops and the last run stays published
# warn_after = "36 hours"            # without a new file the report shows a warning; "never" for no warning
# error_after = "3 days"             # without a new file the run stops; default "never"
# least_rows = 0.5                   # share of the usual rows on that weekday; `funnel run --allow-incomplete` accepts less
# lost_keys = 0.01                   # share of the previous snapshot, for mode = "snapshot"
# max_rejected = 0.05                # share of the rows of a file; `funnel run --accept-rejects` accepts more
# max_unreconciled = 0.05            # share of leads whose current_stage differs from their history; above it a run warns
# unused_stages = ["{high}"]          # stages of a headline pair that no lead has reached yet

# [mail]                             # recipients of `funnel send` and `funnel run --send`
# from = "Lead funnel <funnel@example.com>"
# to = ["revops@example.com"]
# report_url = "https://reports.example.com/funnel/"   # where readers find the folder reports/; the mail links to it
# host = "smtp.example.com"          # user and password: FUNNEL_SMTP_USER, FUNNEL_SMTP_PASSWORD of the environment
"""


def configuration(preset: str = DEFAULT_PRESET) -> str:
    """Return a commented TOML text with `preset` that `config.load` accepts. Raises UsageError for an unknown preset."""
    chosen = presets.load(preset)
    path = [stage for stage in chosen.stages if stage.get("kind", "path") == "path"]
    stage = next((one for one in path if one.get("qualifies")), path[0])
    off_path = [one for one in chosen.stages if one.get("kind", "path") != "path"]
    low, high = chosen.headline[0]
    return _TEXT.format(
        preset=chosen.name,
        title=chosen.title,
        unit=chosen.unit,
        headline=value_text(chosen.headline),
        low=low,
        high=high,
        stage=stage["key"],
        aliases=value_text(stage.get("aliases", [label_of(stage["key"])])),
        dropped=(off_path or path)[-1]["key"],
        early=value_text([one["key"] for one in path[:2]]),
    )
