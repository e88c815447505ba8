/** As a server uses it that is told nothing else. */
export const drainTaskQueue = 'inbox-drain';
