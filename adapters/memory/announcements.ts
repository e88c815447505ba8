import type { Announcement, Announcements } from '../../ports/announcements.js';

/** Among the rooms of one process; listeners run after `publish` returned. */
export function createMemoryAnnouncements(): Announcements {
  const listeners = new Set<(announcement: Announcement) => void>();
  return {
    publish: (announcement) => {
      for (const listener of listeners) {
        queueMicrotask(() => {
          listener(announcement);
        });
      }
      return Promise.resolve();
    },
    subscribe: (listener) => {
      // A wrapper of its own, so that one listener may be subscribed twice.
      const subscribed = (announcement: Announcement) => {
        listener(announcement);
      };
      listeners.add(subscribed);
      return () => listeners.delete(subscribed);
    },
  };
}
