-- Guards that a record is kept in step with one other record only: of the living links of an object, none shares a
-- HubSpot or a Salesforce record with another. Of two that did, one would be new or changed in this pass.
with ends as (
    {% for side in ['hubspot', 'salesforce'] %}
    select links.object, '{{ side }}' as side, links.{{ side }}_id as record_id
    from {{ ref('links') }} as links
    where links.status = 'linked'
        and links.{{ side }}_id in (select changed.{{ side }}_id from {{ ref('int_links_changed') }} as changed)
    {% if not loop.last %}union all{% endif %}
    {% endfor %}
)

select object, side, record_id, count(*) as links
from ends
group by object, side, record_id
having count(*) > 1
