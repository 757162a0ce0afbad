SELECT round.*
FROM ref.round AS round
INNER JOIN published.release AS release ON release.round_id = round.round_id
