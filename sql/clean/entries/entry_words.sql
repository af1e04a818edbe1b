-- One row per distinct wording of rows of history: who owned the lead, which system said so, and the row's values of the dimensions.
-- Millions of rows say the same few hundred things: one number stands for them until somebody asks for the words.
-- key: words_key
-- column words_key: hash of the words; were two wordings ever to share one, this key would break and the night stop
-- column owner: owner as the row gives it
-- column source_system: system as the row gives it
-- column given_key: hash of given alone
-- column given: the row's value of each dimension, in the order of the configuration; null where history does not give it
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
