import type { DeviceEvents } from './device-events.js';
import { isEffect } from './encryption/content.js';
import { EventListeners } from './event-listeners.js';
import type { MessageArchive } from './messages/message-archive.js';
import { concernedBy, type Sent } from './messages/outbox.js';

/** Tells listeners what happens to a device. One that fails does not harm the device, but is not kept quiet either. */
export class DeviceTeller {
  readonly #listeners = new EventListeners<DeviceEvents>();

  /** Answers the call that ends it. */
  on<Name extends keyof DeviceEvents>(name: Name, listener: (event: DeviceEvents[Name]) => unknown): () => void {
    return this.#listeners.on(name, listener);
  }

  /** Resolves when the listeners are done. */
  async tell<Name extends keyof DeviceEvents>(name: Name, event: DeviceEvents[Name]): Promise<void> {
    for (const error of await this.#listeners.emit(name, event)) {
      if (name !== 'notice' && this.#listeners.isHeard('notice')) void this.tell('notice', { kind: 'background-failed', error });
      else
        queueMicrotask(() => {
          throw error;
        });
    }
  }

  /** What was sent got further: the message that it is, or that it does something to. */
  tellSent(archive: MessageArchive, sent: Sent): void {
    const { conversationId, content, failure } = sent;
    const messageId = concernedBy(sent);
    const message = archive.message(conversationId, messageId);
    // It was accepted, and the answer came when its time was over.
    if (message === undefined) void this.tell('disappeared', { messages: [{ conversationId, messageId }] });
    else void this.tell(isEffect(content) ? 'message-changed' : 'outgoing', message);
    if (isEffect(content) && failure !== undefined) void this.tell('notice', { kind: 'change-refused', conversationId, messageId, failure });
  }
}
