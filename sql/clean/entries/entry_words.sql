-- One row per distinct combination of owner, source system and dimension values in rows of history.
-- Millions of rows share a few hundred combinations, so rows store one key instead of the texts.
-- key: words_key
-- column words_key: description key: hash of the texts; if two combinations ever had the same hash, the key check would stop the run
-- column owner: owner in the row
-- column source_system: system in the row
-- column given_key: hash of given alone
-- column given: the row's value of each dimension, in the order of the configuration; null if history does not have it
with
delivered as (from raw.stage_entries),

wordings as (
    select distinct delivered.owner, delivered.source_system, delivered.given
    from delivered
)

select
    hash(wordings.owner, wordings.source_system, wordings.given) as words_key,
    wordings.owner,
    wordings.source_system,
    wordings.given,
    hash(wordings.given) as given_key
from wordings
