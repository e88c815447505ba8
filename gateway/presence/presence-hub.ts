import { KnownPresence } from '../../core/known-presence.js';
import { MicroBatcher } from '../../core/micro-batcher.js';
import type { Devices } from '../../ports/accounts.js';
import type { Clock } from '../../ports/clock.js';
import type { Presence, PresenceChange } from '../../ports/presence.js';
import type { Privacy, Viewing } from '../../ports/privacy.js';
import type { SessionRegistry } from '../../ports/session-registry.js';
import { DomainError } from '../../protocol/errors.js';
import type { AccountId } from '../../protocol/ids.js';
import { limits } from '../../protocol/limits.js';
import type { PresenceEvents } from '../../telemetry/presence-events.js';
import { Demand } from '../demand.js';
import { FramePacer } from '../frame-pacer.js';
import { runTurns } from '../run-turns.js';
import { InTurn } from './in-turn.js';
import { Watch, type Watcher } from './watch.js';

/** How often somebody's turn comes. */
const turnMs = 100;
const framesPerSecond = 2_000;
/** Everything that is watched is looked at again within it, whatever was told. */
const roundMs = 30_000;
const accountsPerLook = 1_000;
const lookAgainAfterMs = 1_000;
/** After the registry was away sessions register again: until then nobody counts as gone. */
const registryReturnsMs = 30_000;
/** Of each second: what was decided about privacy is asked again, for whoever missed a change. */
const askedAgain = 500;
const turnsPerSecond = 1_000 / turnMs;

export interface PresenceHubDependencies {
  readonly presence: Presence;
  readonly registry: SessionRegistry;
  readonly privacy: Privacy;
  readonly devices: Devices;
  readonly clock: Clock;
  readonly events: PresenceEvents;
}

interface Watched {
  readonly accountId: AccountId;
  readonly known: KnownPresence;
  readonly watches: Set<Watch>;
  readonly end: () => void;
}

/**
 * Who watches whom at this gateway. It hears of each account that somebody here watches, once for all of them, and looks at it every 30 s for what it did not hear of; the watchers are told in
 * their turn, 2,000 frames a second at most.
 */
export class PresenceHub {
  readonly #dependencies: PresenceHubDependencies;
  readonly #accounts = new Map<AccountId, Watched>();
  readonly #demand = new Demand();
  readonly #watchers = new Map<Watcher, Map<AccountId, Watch>>();
  /** Accounts to be looked at, and when. */
  readonly #due = new Map<AccountId, number>();
  readonly #pacer = new FramePacer<Watch>((framesPerSecond * turnMs) / 1_000);
  /** One after the other, so that the later answer counts. */
  readonly #visible: MicroBatcher<Viewing, boolean>;
  readonly #round = new InTurn(() => this.#accounts.keys());
  readonly #asking = new InTurn(() => this.#all());
  #looking = false;
  #returnsUntilMs = 0;
  #isAsking = false;
  #turns = 0;

  constructor(dependencies: PresenceHubDependencies) {
    const { privacy, presence } = dependencies;
    this.#dependencies = dependencies;
    this.#visible = new MicroBatcher((pairs) => privacy.mayView(pairs), { maxWaiting: 1_000_000, maxBatch: 500, retryAfterMs: 1_000 });
    presence.onResumed(() => {
      this.#resumed();
    });
  }

  /** Watches of all sessions. */
  get size(): number {
    let count = 0;
    for (const own of this.#watchers.values()) count += own.size;
    return count;
  }

  run(signal: AbortSignal): Promise<void> {
    return runTurns({ clock: this.#dependencies.clock, everyMs: turnMs, demand: this.#demand, signal }, () => {
      this.#turn();
    });
  }

  /** What the accounts are is told after it resolved, also of those that were watched before. Throws DomainError `too_large`, `unavailable`: then it is as it was. */
  async watch(watcher: Watcher, accounts: readonly AccountId[]): Promise<void> {
    const own = this.#watchers.get(watcher) ?? new Map<AccountId, Watch>();
    const wanted = [...new Set(accounts)];
    const fresh = wanted.filter((accountId) => !own.has(accountId));
    if (own.size + fresh.length > limits.maxWatches) {
      const detail = { field: 'accounts', limit: limits.maxWatches };
      throw new DomainError('too_large', `accounts: a session watches at most ${limits.maxWatches}`, { detail });
    }
    if (watcher.state === 'closed') return;
    this.#watchers.set(watcher, own);
    for (const accountId of wanted) {
      const known = own.get(accountId);
      known?.forget();
      if (known !== undefined) this.#pacer.add(known);
    }
    const made = fresh.map((accountId) => this.#begin(own, watcher, accountId));
    try {
      await this.#ask(made);
    } catch (error) {
      for (const watch of made) this.#end(watch);
      throw error;
    }
  }

  unwatch(watcher: Watcher, accounts: readonly AccountId[]): void {
    const own = this.#watchers.get(watcher);
    for (const accountId of accounts) {
      const watch = own?.get(accountId);
      if (watch !== undefined) this.#end(watch);
    }
  }

  /** The session is over. */
  left(watcher: Watcher): void {
    for (const watch of [...(this.#watchers.get(watcher)?.values() ?? [])]) this.#end(watch);
    this.#watchers.delete(watcher);
  }

  /** An account shows itself to others now, or sees others; with `other` those two to each other. */
  privacyChanged(accountId: AccountId, other?: AccountId): void {
    const seeing = [...(this.#accounts.get(accountId)?.watches ?? [])];
    const concerned = seeing.filter(({ watcher }) => other === undefined || watcher.device.accountId === other);
    for (const [watcher, own] of this.#watchers) {
      if (watcher.device.accountId !== accountId) continue;
      concerned.push(...[...own.values()].filter((watch) => other === undefined || watch.accountId === other));
    }
    this.#ask(concerned).catch(() => undefined);
  }

  #begin(own: Map<AccountId, Watch>, watcher: Watcher, accountId: AccountId): Watch {
    const watched = this.#accounts.get(accountId) ?? this.#listen(accountId);
    const watch = new Watch(watcher, accountId, watched.known);
    watched.watches.add(watch);
    own.set(accountId, watch);
    return watch;
  }

  #listen(accountId: AccountId): Watched {
    const known = new KnownPresence();
    const end = this.#dependencies.presence.listen(accountId, (change) => {
      this.#heard(change);
    });
    const watched: Watched = { accountId, known, watches: new Set(), end };
    this.#accounts.set(accountId, watched);
    this.#demand.set(true);
    this.#due.set(accountId, 0);
    return watched;
  }

  #end(watch: Watch): void {
    const { watcher, accountId } = watch;
    const watched = this.#accounts.get(accountId);
    this.#pacer.remove(watch);
    this.#watchers.get(watcher)?.delete(accountId);
    watched?.watches.delete(watch);
    if (watched === undefined || watched.watches.size > 0) return;
    this.#accounts.delete(accountId);
    this.#due.delete(accountId);
    this.#demand.set(this.#accounts.size > 0);
    watched.end();
  }

  *#all(): Generator<Watch, undefined> {
    for (const own of this.#watchers.values()) yield* own.values();
    return undefined;
  }

  async #ask(watches: readonly Watch[]): Promise<void> {
    const answers = watches.map(async (watch) => {
      const { watcher, accountId } = watch;
      watch.visible = await this.#visible.add({ viewer: watcher.device.accountId, accountId });
      if (this.#watchers.get(watcher)?.get(accountId) === watch) this.#pacer.add(watch);
    });
    await Promise.all(answers);
  }

  #heard({ accountId, came }: PresenceChange): void {
    const watched = this.#accounts.get(accountId);
    if (watched === undefined) return;
    this.#dependencies.events.presenceHeard();
    if (came) this.#here(watched);
    else {
      const lookAtMs = watched.known.leaving(this.#dependencies.clock.nowMs());
      if (lookAtMs !== undefined) this.#due.set(accountId, lookAtMs);
    }
  }

  #here(watched: Watched): void {
    if (watched.known.here()) this.#news(watched);
  }

  #news({ watches }: Watched): void {
    for (const watch of watches) this.#pacer.add(watch);
  }

  #resumed(): void {
    this.#returnsUntilMs = this.#dependencies.clock.nowMs() + registryReturnsMs;
    for (const accountId of this.#accounts.keys()) this.#due.set(accountId, 0);
    this.#ask([...this.#all()]).catch(() => undefined);
  }

  #turn(): void {
    this.#turns += 1;
    const sent = this.#pacer.turn();
    if (sent > 0) this.#dependencies.events.presenceTold(sent);
    if (this.#turns % turnsPerSecond === 0 && !this.#isAsking) void this.#askAgain();
    if (!this.#looking) void this.#look();
  }

  async #askAgain(): Promise<void> {
    this.#isAsking = true;
    await this.#ask(this.#asking.take(askedAgain)).catch(() => undefined);
    this.#isAsking = false;
  }

  /** Those that are due, and some of the others in turn. */
  #nextToLookAt(nowMs: number): Set<AccountId> {
    const accounts = new Set<AccountId>();
    for (const [accountId, atMs] of this.#due) {
      if (accounts.size === accountsPerLook) break;
      if (atMs <= nowMs) accounts.add(accountId);
    }
    for (const accountId of accounts) this.#due.delete(accountId);
    const inTurn = Math.min(accountsPerLook, Math.ceil((this.#accounts.size * turnMs) / roundMs));
    for (const accountId of this.#round.take(inTurn)) accounts.add(accountId);
    return accounts;
  }

  async #look(): Promise<void> {
    const { registry, devices, clock } = this.#dependencies;
    const accounts = [...this.#nextToLookAt(clock.nowMs())];
    if (accounts.length === 0) return;
    this.#looking = true;
    try {
      const sessions = await registry.lookup(accounts);
      const gone = accounts.filter((accountId, index) => {
        const watched = this.#accounts.get(accountId);
        if (watched === undefined) return false;
        if (sessions[index]?.length !== 0) this.#here(watched);
        return watched.known.view?.online !== false && sessions[index]?.length === 0;
      });
      if (gone.length > 0) this.#gone(gone, await devices.lastSeen(gone));
    } catch {
      const nowMs = clock.nowMs();
      this.#returnsUntilMs = nowMs + registryReturnsMs;
      for (const accountId of accounts) if (this.#accounts.has(accountId)) this.#due.set(accountId, nowMs + lookAgainAfterMs);
    }
    this.#looking = false;
  }

  #gone(accounts: readonly AccountId[], lastSeen: readonly (number | undefined)[]): void {
    const nowMs = this.#dependencies.clock.nowMs();
    accounts.forEach((accountId, index) => {
      const watched = this.#accounts.get(accountId);
      if (watched === undefined) return;
      if (watched.known.view?.online === true && nowMs < this.#returnsUntilMs) return;
      const news = watched.known.gone(nowMs, lastSeen[index]);
      if (news === true) this.#news(watched);
      else if (news !== false) this.#due.set(accountId, news.againAtMs);
    });
  }
}
