{#
    The direction of a mapping row, corrected where one CRM computes the field itself: a deal's probability, forecast
    category and closed flags come from its stage. Whoever computes is never written, and the other side follows.
#}
{% macro following_direction() -%}
    case
        when objects.salesforce_object = 'Opportunity'
            and salesforce_field in (
                'Probability', 'ForecastCategory', 'ForecastCategoryName', 'IsClosed', 'IsWon', 'ExpectedRevenue'
            )
            then 'always_salesforce'
        when objects.hubspot_object = 'deals'
            and hubspot_property in (
                'hs_deal_stage_probability', 'hs_forecast_probability', 'hs_forecast_amount', 'hs_projected_amount',
                'hs_is_closed', 'hs_is_closed_won', 'hs_is_closed_lost'
            )
            then 'always_hubspot'
        else direction
    end
{%- endmacro %}
