"""Stand-in HubSpot and Salesforce servers over real HTTP, with demo data and a control interface.

Owns: what the two CRMs would answer. Refuses: to share code with the product (it imports nothing from
`crm_sync`, `pipelines` or `reverse_etl`), and to listen anywhere but on loopback.
"""
