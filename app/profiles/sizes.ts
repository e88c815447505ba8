/** Of the messages topic (core/position.ts). */
export const messagesEpoch = 1;
export const rosterCache = { maxConversations: 100_000, maxAgeMs: 30_000 };
export const workerSlots = { workflowTasks: 40, activities: 40, cachedWorkflows: 200 };
/** How long a row of an inbox is kept. */
export const inboxMaxAgeMs = 30 * 24 * 3_600_000;
/** Of inboxes and bodies, by the drains of one process. A page takes a few ms. */
export const readsAtOnce = { least: 8, most: 32, slowMs: 100 };
/** Of one wave. */
export const devicesDrainedAtOnce = 200;
