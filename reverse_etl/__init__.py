"""Reverse ETL: carries the differences that dbt decided to each CRM, and keeps a journal of every attempt.

Owns the push protocol and schema `journal`. Decides nothing about values: what is written, and where, is read from
`reverse_etl.diff_hubspot` and `reverse_etl.diff_salesforce`.
"""
