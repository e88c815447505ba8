UPDATE device_link SET device_id = $2 WHERE link_id = $1
