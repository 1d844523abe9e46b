{#
    Names that mean the same company fold to one key: case, accents, punctuation and legal suffixes go.
    'Acme, Inc.' , 'ACME Corp' , 'Acme'  ->  acme
#}
{% macro fold_name(value) -%}
    nullif(
        trim(regexp_replace(
            regexp_replace(
                ' ' || trim(regexp_replace(strip_accents(lower({{ value }})), '[^\p{L}\p{N}]+', ' ', 'g')) || ' ',
                '( (inc|incorporated|corp|corporation|co|company|llc|llp|lp|ltd|limited|gmbh|mbh|ag|kg|sa|sas|sarl|srl|spa|bv|nv|plc|pty|oy|oyj|ab|as|aps|kk|pte))+ $',
                ' ',
                'g'
            ),
            '^ the ',
            ' '
        )),
        ''
    )
{%- endmacro %}
