SELECT unit.*
FROM ref.round_unit AS unit
INNER JOIN published.round AS round ON round.round_id = unit.round_id
