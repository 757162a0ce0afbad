SELECT counted.*
FROM mart.released_answer_count AS counted
INNER JOIN published.release AS release ON release.release_id = counted.release_id
