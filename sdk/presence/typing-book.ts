import type { AccountId, ConversationId } from '../../protocol/ids.js';
import type { ServerFrame } from '../../protocol/server-frames.js';
import type { Connection } from '../transport/connection.js';

export type TypingFrame = Extract<ServerFrame, { type: 'typing' }>;
export type TypingState = TypingFrame['state'];

/** Somebody types in a conversation, or does not any more. */
export type TypingNews = Omit<TypingFrame, 'type'>;

/** Without a repeat nobody is taken to type for longer. */
const holdsMs = 10_000;
/** The server drops what comes more often. */
const repeatAfterMs = 3_000;

interface Said {
  readonly state: TypingState;
  readonly atMs: number;
}

/** Who types where. What is said here is said again at most every 3 s; what is heard ends by itself. */
export class TypingBook {
  readonly #onNews: (news: TypingNews) => void;
  readonly #typing = new Map<string, { readonly news: TypingNews; readonly timer: NodeJS.Timeout }>();
  readonly #said = new Map<ConversationId, Said>();
  #connection: Connection | undefined;

  constructor(onNews: (news: TypingNews) => void) {
    this.#onNews = onNews;
  }

  connected(connection: Connection): void {
    this.#connection = connection;
  }

  disconnected(): void {
    this.#connection = undefined;
    this.#said.clear();
    for (const { news } of [...this.#typing.values()]) this.#ended(news);
  }

  /** Nothing without a connection. */
  say(conversationId: ConversationId, state: TypingState): void {
    const said = this.#said.get(conversationId);
    const nowMs = performance.now();
    const isKnown = state === 'stopped' ? said?.state !== 'started' : said?.state === 'started' && nowMs - said.atMs < repeatAfterMs;
    if (this.#connection === undefined || isKnown) return;
    this.#said.set(conversationId, { state, atMs: nowMs });
    this.#connection.typing(conversationId, state);
  }

  take({ conversationId, accountId, state }: TypingFrame): void {
    if (state === 'started') this.#started({ conversationId, accountId, state });
    else this.#ended({ conversationId, accountId });
  }

  /** Who said it has done with typing. */
  said({ conversationId, accountId }: { readonly conversationId: ConversationId; readonly accountId: AccountId }): void {
    this.#ended({ conversationId, accountId });
  }

  #started(news: TypingNews): void {
    const key = keyOf(news);
    const known = this.#typing.get(key);
    clearTimeout(known?.timer);
    const timer = setTimeout(() => {
      this.#ended(news);
    }, holdsMs);
    this.#typing.set(key, { news, timer });
    if (known === undefined) this.#onNews(news);
  }

  #ended({ conversationId, accountId }: Pick<TypingNews, 'conversationId' | 'accountId'>): void {
    const key = keyOf({ conversationId, accountId });
    const known = this.#typing.get(key);
    if (known === undefined) return;
    clearTimeout(known.timer);
    this.#typing.delete(key);
    this.#onNews({ conversationId, accountId, state: 'stopped' });
  }
}

function keyOf({ conversationId, accountId }: Pick<TypingNews, 'conversationId' | 'accountId'>): string {
  return `${conversationId}/${accountId}`;
}
