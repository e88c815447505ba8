import type { MemberRole } from '../../protocol/conversation-event.js';
import { DomainError, errorCodes } from '../../protocol/errors.js';
import type { AccountId, ConversationId, DeviceAddress } from '../../protocol/ids.js';
import { limits } from '../../protocol/limits.js';
import { conversationTable, type ChannelRow } from '../messages/message-tables.js';
import { putKeys } from '../messages/outbox-rows.js';
import { SdkError } from '../sdk-error.js';
import { SerialQueue } from '../serial-queue.js';
import { changeInTurn } from '../store/change-in-turn.js';
import type { ChannelPuller } from './channel-puller.js';
import { changeChannelRow, channelRowOf, hasPresentKey, presentKey, presentKeyMissing } from './channel-rows.js';
import { keyAskTable } from './channel-tables.js';
import { giveKey, giveWantedKey } from './key-exchange.js';
import type { EpochKey } from './keyring.js';
import { lookAtChannel, type LookDependencies } from './look-at-channel.js';
import { renewKey } from './renew-key.js';

/** Whoever was asked may be away, or lack it too: the next one is asked, after twice the time. If all members ask, the last one's turn comes after so long. */
const firstPauseMs = 5_000;
const answerMs = 100;
const leastLongestPauseMs = 15_000;
const longestPauseMs = 5 * 60_000;
/** Turns of all members, from which on the pauses do not grow any more. */
const longestTurns = 8;

export interface ChannelKeysDependencies extends LookDependencies {
  readonly own: DeviceAddress;
  readonly puller: ChannelPuller;
  /** Something waits in the outbox now. */
  readonly onAsked: () => void;
  /** Of work that nobody awaits, and that fails without harm. */
  readonly inBackground: (work: Promise<unknown>) => void;
}

export interface ChannelMember {
  readonly accountId: AccountId;
  readonly role: MemberRole;
}

/**
 * The newest keys of this device's channels: asked for where they are missing, made anew where they are spent. While there is a connection it goes on by itself until that is done: of a channel's staff
 * one after the other is asked, 5 s after the one before (later in a large channel), then 10 s, and so on up to a quarter of a minute, in a large channel up to five minutes.
 */
export class ChannelKeys {
  readonly #dependencies: ChannelKeysDependencies;
  /** No key is made, and taken for the new one, while somebody is being removed. */
  readonly #changes = new SerialQueue();
  readonly #timers = new Map<ConversationId, NodeJS.Timeout>();
  #isConnected = false;

  constructor(dependencies: ChannelKeysDependencies) {
    this.#dependencies = dependencies;
  }

  /** What was begun before, or could not be done, goes on. */
  async connected(): Promise<void> {
    this.#isConnected = true;
    await this.#resume();
  }

  disconnected(): void {
    this.#isConnected = false;
    for (const timer of this.#timers.values()) clearTimeout(timer);
    this.#timers.clear();
  }

  /** Throws SdkError `undecryptable` while it is not here; then it was asked for. */
  async present(conversationId: ConversationId): Promise<EpochKey> {
    await lookAtChannel(this.#dependencies, conversationId);
    const present = presentKey(this.#dependencies.store, conversationId);
    if (present !== undefined) return present;
    await this.ask(conversationId);
    throw presentKeyMissing();
  }

  /** Removes somebody, and makes another one, as soon as it can if not at once. Throws DomainError, or SdkError `offline`: then the removal may have been done. */
  async remove(conversationId: ConversationId, accountId: AccountId): Promise<void> {
    await this.#changes.run(() => this.#remove(conversationId, accountId));
    await this.care(conversationId);
  }

  /** Makes another one, now or as soon as it can. Throws as `present` does, and what the server refuses. */
  async renew(conversationId: ConversationId): Promise<void> {
    await this.#changes.run(() => this.#mark(conversationId, { keyIsSpent: true }));
    try {
      await this.#renewSpent(conversationId);
    } catch (error) {
      this.#careIn(conversationId, firstPauseMs);
      throw error;
    }
  }

  /** Does what is to be done for a channel: what cannot be done now is done later. */
  async care(conversationId: ConversationId): Promise<void> {
    const row = channelRowOf(this.#dependencies.store, conversationId);
    if (row?.role === undefined) return;
    try {
      if (row.keyIsSpent === true) await this.#renewSpent(conversationId);
      else await this.ask(conversationId);
    } catch (error) {
      // It goes on when the key is here, or not at all.
      const isSettled = error instanceof SdkError ? error.code === 'undecryptable' : error instanceof DomainError && isOver(error);
      if (isSettled) return;
      this.#careIn(conversationId, firstPauseMs);
      const failure = Promise.resolve().then(() => {
        throw error;
      });
      this.#dependencies.inBackground(failure);
    }
  }

  /** One came, from one's own device or from somebody else. */
  async came(conversationId: ConversationId): Promise<void> {
    const { store, puller } = this.#dependencies;
    await puller.keyCame(conversationId);
    await changeInTurn(this.#dependencies, (unit) => giveWantedKey(unit, store, conversationId));
    this.#dependencies.onAsked();
    await this.#resume();
  }

  /** Asks for the newest one: whoever wrote what cannot be opened, then the owner and the admins in turn, until it is here. Throws DomainError `not_a_member`, SdkError `offline`. */
  async ask(conversationId: ConversationId, author?: AccountId): Promise<void> {
    const { store, own, puller, onAsked } = this.#dependencies;
    await lookAtChannel(this.#dependencies, conversationId);
    const row = channelRowOf(store, conversationId);
    if (row === undefined) return;
    if (hasPresentKey(row)) {
      // It came by that look, and nothing else goes on with what waited for it.
      if (row.waitsForKey === true) puller.compareSoon();
      return;
    }
    const before = store.get(keyAskTable, conversationId);
    const times = before?.times ?? 0;
    const waitMs = before === undefined ? 0 : before.askedAtMs + pauseAfter(times, row) - Date.now();
    if (waitMs > 0) {
      this.#careIn(conversationId, waitMs);
      return;
    }
    const staff = (await this.staff(conversationId)).map(({ accountId }) => accountId).filter((accountId) => accountId !== own.accountId);
    const asked = times === 0 && author !== undefined ? author : (staff[times % Math.max(1, staff.length)] ?? own.accountId);
    await changeInTurn(this.#dependencies, (unit) => {
      unit.put(keyAskTable, [conversationId], { askedAtMs: Date.now(), times: times + 1, asked: [...new Set([...(before?.asked ?? []), asked])] });
      // Another device of one's own may have it, too.
      for (const toAccount of new Set([asked, own.accountId]))
        putKeys(unit, { conversationId, toAccount, note: { type: 'channel-key-wanted', conversationId } });
    });
    this.#careIn(conversationId, pauseAfter(times + 1, row));
    onAsked();
  }

  /** Somebody is to have the newest key, as far as it is here. */
  async give(conversationId: ConversationId, accountId: AccountId): Promise<void> {
    await changeInTurn(this.#dependencies, (unit) => {
      giveKey(unit, conversationId, [accountId]);
    });
    this.#dependencies.onAsked();
  }

  /** The owner and the admins, who have it. */
  async staff(conversationId: ConversationId): Promise<readonly ChannelMember[]> {
    const query = { who: 'staff', after: undefined, limit: limits.maxChannelStaff } as const;
    return (await this.#dependencies.rest.call('listChannelMembers', { params: { conversationId }, query })).items;
  }

  async #resume(): Promise<void> {
    const { store, puller } = this.#dependencies;
    for (const { key, row } of store.range(conversationTable, [])) {
      const conversationId = key[0] as ConversationId;
      if (row.kind !== 'channel') continue;
      // Another device of the account joined it, perhaps once more.
      if (row.version === 0) await puller.keyCame(conversationId);
      const isLacking = !hasPresentKey(row) && (row.role !== 'member' || store.get(keyAskTable, conversationId) !== undefined);
      if (row.keyIsSpent === true || isLacking) await this.care(conversationId);
    }
  }

  async #remove(conversationId: ConversationId, accountId: AccountId): Promise<void> {
    const { store, rest } = this.#dependencies;
    const wasSpent = channelRowOf(store, conversationId)?.keyIsSpent === true;
    await this.#mark(conversationId, { keyIsSpent: true });
    try {
      await rest.call('removeChannelMember', { params: { conversationId, accountId } });
    } catch (error) {
      const isRefused = error instanceof DomainError && !errorCodes[error.code].retryable;
      if (isRefused && !wasSpent) await this.#mark(conversationId, { keyIsSpent: false });
      // An earlier try may have done it.
      if (!(isRefused && wasSpent && error.code === 'not_found')) throw error;
    }
  }

  #mark(conversationId: ConversationId, change: Pick<ChannelRow, 'keyIsSpent'>): Promise<unknown> {
    return changeInTurn(this.#dependencies, (unit) => changeChannelRow(unit, conversationId, change));
  }

  async #renewSpent(conversationId: ConversationId): Promise<void> {
    const dependencies = {
      ...this.#dependencies,
      present: (of: ConversationId) => this.present(of),
      staff: async (of: ConversationId) => (await this.staff(of)).map(({ accountId }) => accountId),
    };
    await this.#changes.run(() => renewKey(dependencies, conversationId));
    this.#dependencies.onAsked();
  }

  #careIn(conversationId: ConversationId, afterMs: number): void {
    if (!this.#isConnected || this.#timers.has(conversationId)) return;
    const timer = setTimeout(() => {
      this.#timers.delete(conversationId);
      this.#dependencies.inBackground(this.care(conversationId));
    }, afterMs);
    this.#timers.set(conversationId, timer.unref());
  }
}

function pauseAfter(times: number, { memberCount }: ChannelRow): number {
  const turnMs = memberCount * answerMs;
  const longestMs = Math.min(longestPauseMs, Math.max(leastLongestPauseMs, turnMs * longestTurns));
  return Math.min(longestMs, Math.max(firstPauseMs, turnMs) * 2 ** Math.min(times - 1, 10));
}

/** The account is no admin any more, or no member. */
function isOver({ code }: DomainError): boolean {
  return code === 'forbidden' || code === 'not_a_member';
}
