SELECT shown.*
FROM mart.released_change AS shown
INNER JOIN published.release AS release ON release.release_id = shown.release_id
