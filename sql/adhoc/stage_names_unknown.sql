-- Which stage names does the CRM use that the waterfall doesn't know, and how many rows does that cost?
from quality.unknown_stages
