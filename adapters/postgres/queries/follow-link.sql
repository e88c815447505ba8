UPDATE device_link SET followed_at_ms = $2 WHERE link_id = $1
