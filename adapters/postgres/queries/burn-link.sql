UPDATE device_link SET device_id = $2, history = $3 WHERE link_id = $1
