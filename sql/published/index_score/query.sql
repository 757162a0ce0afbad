SELECT score.*
FROM mart.released_score AS score
INNER JOIN published.release AS release ON release.release_id = score.release_id
