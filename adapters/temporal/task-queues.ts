/** Where drain waves and their activities wait for a worker. */
export const inboxDrainTaskQueue = 'inbox-drain';
