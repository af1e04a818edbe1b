-- One row per lead: its values of the dimensions that come from the lead or its account.
-- key: lead_no
-- not null: given_key
-- column given: the value of each dimension, in the order of the configuration; null if history or the cycle has it
-- column given_key: hash of given: the same for leads with the same values
with
leads as (from clean.leads),
accounts as (from clean.accounts),

dimensions as (
    select dimensions.* from waterfall.dimensions as dimensions where dimensions.position > 0
),

delivered_leads as (from raw.leads),
delivered_accounts as (from raw.accounts),

dimension_lists as (
    select
        coalesce(list(dimensions.dimension order by dimensions.position), []) as names,
        coalesce(list(dimensions.source order by dimensions.position), []) as sources
    from dimensions
),

lead_values as (
    select
        leads.lead_no,
        leads.origin,
        leads.account_id,
        delivered_leads.given as lead_given,
        delivered_accounts.given as account_given
    from leads
    left join delivered_leads
        on delivered_leads.load_no = leads.attributes_load_no and delivered_leads.row_number = leads.attributes_row_number
    left join accounts on accounts.account_id = leads.account_id
    left join delivered_accounts
        on delivered_accounts.load_no = accounts.attributes_load_no
        and delivered_accounts.row_number = accounts.attributes_row_number
),

listed as (
    select
        lead_values.lead_no,
        list_transform(
            dimension_lists.names,
            lambda name, place: case
                when dimension_lists.sources[place] = 'account' then lead_values.account_given[place]
                when dimension_lists.sources[place] <> 'lead' then null
                when name = 'origin' then lead_values.origin
                when name = 'account_id' then lead_values.account_id
                else lead_values.lead_given[place]
            end
        ) as given
    from lead_values
    cross join dimension_lists
)

select
    listed.lead_no,
    listed.given,
    hash(listed.given) as given_key
from listed
