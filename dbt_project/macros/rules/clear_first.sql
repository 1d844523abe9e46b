{#
    The marker `clear_first` in a chain of steps: HubSpot's property is cleared and then set, where it was kept.
    It changes no value, so it is taken out of the chain.
#}
{% macro has_marker(chain) -%}
    list_contains(list_transform(string_split({{ chain }}, '|'), lambda step: trim(step)), 'clear_first')
{%- endmacro %}

{% macro steps_but_marker(chain) -%}
    coalesce(
        array_to_string(list_filter(string_split({{ chain }}, '|'), lambda step: trim(step) <> 'clear_first'), '|'), ''
    )
{%- endmacro %}

{# The chain to HubSpot with its marker, which is part of what an analyst edits. Reads `described`. #}
{% macro described_to_hubspot() -%}
    described.to_hubspot || case when described.clears_first then '|clear_first' else '' end
{%- endmacro %}
