import type { KnownPresence, PresenceView } from '../../core/known-presence.js';
import type { AccountId, DeviceAddress } from '../../protocol/ids.js';
import type { ServerFrame } from '../../protocol/server-frames.js';

/** A session that watches. */
export interface Watcher {
  readonly device: DeviceAddress;
  readonly state: string;
  send(frame: ServerFrame): void;
}

/** What whoever may not see an account is shown: nobody, as of an account that was never there. */
const hidden: PresenceView = { online: false };

/** One session watches one account. */
export class Watch {
  readonly watcher: Watcher;
  readonly accountId: AccountId;
  /** Whether the privacy of both lets it see the account; `undefined` before that was asked. */
  visible: boolean | undefined;
  readonly #known: KnownPresence;
  #told: PresenceView | undefined;

  constructor(watcher: Watcher, accountId: AccountId, known: KnownPresence) {
    this.watcher = watcher;
    this.accountId = accountId;
    this.#known = known;
  }

  /** Whatever it was told before, it is told again. */
  forget(): void {
    this.#told = undefined;
  }

  /** The state as it is now, if that is news. Answers whether a frame was sent. */
  tell(): boolean {
    if (this.visible === undefined) return false;
    const view = this.visible ? this.#known.view : hidden;
    if (view === undefined || (view.online === this.#told?.online && view.lastSeenMs === this.#told.lastSeenMs)) return false;
    this.#told = view;
    this.watcher.send({ type: 'presence', accountId: this.accountId, ...view });
    return true;
  }
}
