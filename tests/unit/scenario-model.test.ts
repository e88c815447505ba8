import { describe, expect, test } from '@jest/globals';

import type { Content } from '../../sdk/index.js';
import { newMessageId } from '../support/ids.js';
import { findFaults } from '../support/scenario/find-faults.js';
import { countOpen, type Outcome } from '../support/scenario/judging.js';
import { findEarlyReceipts, findUnsettled } from '../support/scenario/receipt-faults.js';
import type { Change, LogEntry, Record, Said, Shown } from '../support/scenario/record.js';

const hello = newMessageId();
const again = newMessageId();
const late = newMessageId();
const removed: Change = { type: 'member-removed', member: 'c' };

/** At 10, 20 ... ms: `hello`, `again`, an edit of `hello` and a reaction; at 60 c is removed; at 70 `late`. a has a second device, linked at 15. */
function run(): Outcome {
  const said: Said[] = [];
  const log: LogEntry[] = [
    { messageId: newMessageId(), position: 1, acceptedAtMs: 1, device: 'a.1', event: { type: 'created', members: ['a', 'b', 'c'] } },
  ];
  const say = (device: string, atMs: number, content: Content, messageId?: Said['messageId']) => {
    said.push({ device, conversation: 'g', atMs, content, messageId, isFleeting: false });
    log.push({ messageId: messageId ?? newMessageId(), position: atMs, acceptedAtMs: atMs + 1, device });
  };
  say('a.1', 10, { type: 'text', text: 'hello' }, hello);
  say('b.1', 20, { type: 'text', text: 'again' }, again);
  say('a.1', 30, { type: 'edit', messageId: hello, text: 'hello!' });
  say('c.1', 40, { type: 'reaction', messageId: again, emoji: '👍' });
  log.push({ messageId: newMessageId(), position: 60, acceptedAtMs: 61, device: 'a.1', event: removed });
  say('a.1', 70, { type: 'text', text: 'late' }, late);
  const record: Record = {
    conversations: [{ kind: 'group', name: 'g', members: ['a', 'b', 'c'] }],
    devices: [
      ...['a', 'b', 'c'].map((account) => ({ name: `${account}.1`, account })),
      { name: 'a.2', account: 'a', linked: { fromMs: 14, toMs: 16 } },
    ],
    said,
    changes: [
      { conversation: 'g', device: 'a.1', change: { type: 'created', members: ['a', 'b', 'c'] }, fromMs: 0, toMs: 1 },
      { conversation: 'g', device: 'a.1', change: removed, fromMs: 59, toMs: 62 },
    ],
    ...{ lives: [], told: [], reads: [], claims: [], notices: [] },
  };
  const [created, , , , , event] = log.map(({ messageId, position, device, event: change }) => ({
    ...{ messageId: messageId as Shown['messageId'], position, device },
    content: { type: 'event', event: change } as Shown['content'],
  })) as Shown[];
  const text = (messageId: Shown['messageId'], position: number, device: string, of: string): Shown => ({
    messageId,
    position,
    device,
    content: { type: 'text', text: of },
  });
  const first: Shown = { ...text(hello, 10, 'a.1', 'hello!'), editedAtMs: 31 };
  const second: Shown = { ...text(again, 20, 'b.1', 'again'), reactions: [{ emoji: '👍', accounts: ['c'] }] };
  const third = text(late, 70, 'a.1', 'late');
  const shownBy = (...messages: readonly (Shown | undefined)[]) =>
    new Map([['g', { messages: messages.filter((of) => of !== undefined), gaps: [] }]]);
  return {
    record,
    logs: new Map([['g', log]]),
    transcripts: new Map([
      ['a.1', shownBy(created, first, second, event, third)],
      ['a.2', shownBy(second, event, third)],
      ['b.1', shownBy(created, first, second, event, third)],
      ['c.1', shownBy(created, first, second, event)],
    ]),
  };
}

/** As if a device showed something else. */
function showing(device: string, change: (messages: readonly Shown[]) => readonly Shown[]): Outcome {
  const outcome = run();
  const messages = change(outcome.transcripts.get(device)?.get('g')?.messages ?? []);
  return { ...outcome, transcripts: new Map([...outcome.transcripts, [device, new Map([['g', { messages, gaps: [] }]])]]) };
}

function recording(change: (record: Record) => Partial<Record>): Outcome {
  const outcome = run();
  return { ...outcome, record: { ...outcome.record, ...change(outcome.record) } };
}

function logged(change: (log: readonly LogEntry[]) => readonly LogEntry[]): Outcome {
  const outcome = run();
  return { ...outcome, logs: new Map([['g', change(outcome.logs.get('g') ?? [])]]) };
}

const shown = (outcome: Outcome, device: string, messageId: string) =>
  (outcome.transcripts.get(device)?.get('g')?.messages ?? []).filter((message) => message.messageId === messageId);

describe('the model of a scenario', () => {
  test('finds nothing where every device shows what it is to show', () => {
    expect(findFaults(run())).toEqual([]);
    expect(findEarlyReceipts(run())).toEqual([]);
  });

  test.each<[string, Outcome]>([
    ['lost', showing('b.1', (messages) => messages.slice(0, -1))],
    ['lost on the device that sent it', showing('a.1', (messages) => messages.filter(({ messageId }) => messageId !== hello))],
    ['doubled', showing('b.1', (messages) => [...messages, ...messages.slice(-1)])],
    [
      'shown in another order',
      showing('b.1', ([created, first, second, ...rest]) => [created, second, first, ...rest].filter((of) => of !== undefined)),
    ],
    [
      'altered',
      showing('b.1', (messages) => messages.map((of) => (of.messageId === late ? { ...of, content: { type: 'text', text: 'later' } } : of))),
    ],
    ['not opened', showing('b.1', (messages) => messages.map((of) => (of.messageId === late ? { ...of, content: { type: 'undecryptable' } } : of)))],
    [
      'shown without its edit',
      showing('b.1', (messages) => messages.map((of) => (of.messageId === hello ? { ...of, content: { type: 'text', text: 'hello' } } : of))),
    ],
    ['shown without a reaction', showing('b.1', (messages) => messages.map((of) => ({ ...of, reactions: undefined })))],
    ['shown to somebody who was removed', showing('c.1', (messages) => [...messages, ...shown(run(), 'a.1', late)])],
    ['shown to a device that was linked later', showing('a.2', (messages) => [...shown(run(), 'a.1', hello), ...messages])],
    ['not shown to a device that was linked before', showing('a.2', (messages) => messages.filter(({ messageId }) => messageId !== again))],
    ['lost by the server', logged((log) => log.filter(({ messageId }) => messageId !== late))],
    ['doubled by the server', logged((log) => [...log, ...log.slice(-1)])],
    ['not known to anybody', logged((log) => [...log, { messageId: newMessageId(), position: 80, acceptedAtMs: 80, device: 'b.1' }])],
    [
      'said in another order',
      recording(({ said: [first, second, ...rest] }) => ({ said: [...rest, second, first].filter((of) => of !== undefined) })),
    ],
    [
      'taken from somebody who was removed',
      recording(({ said }) => ({ said: said.map((of) => (of.messageId === late ? { ...of, device: 'c.1' } : of)) })),
    ],
    [
      'told to somebody who was removed',
      recording(() => ({ told: [{ device: 'c.1', openedAtMs: 0, conversation: 'g', messageId: late, sender: 'a.1', acceptedAtMs: 71 }] })),
    ],
  ])('finds a message that is %s', (_, outcome) => {
    expect(findFaults(outcome)).not.toEqual([]);
  });

  test('leaves open only what was accepted while somebody came or went', () => {
    const meanwhile = (outcome: Outcome): Outcome => {
      const log = (outcome.logs.get('g') ?? []).map((entry) => (entry.messageId === late ? { ...entry, acceptedAtMs: 62 } : entry));
      const said = outcome.record.said.map((of) => (of.messageId === late ? { ...of, atMs: 58 } : of));
      return { ...outcome, record: { ...outcome.record, said }, logs: new Map([['g', log]]) };
    };
    expect(findFaults(meanwhile(run()))).toEqual([]);
    expect(findFaults(meanwhile(showing('c.1', (messages) => [...messages, ...shown(run(), 'a.1', late)])))).toEqual([]);
    expect(findFaults(meanwhile(showing('b.1', (messages) => messages.slice(0, -1))))).not.toEqual([]);
  });

  test('finds a message that an app is not told, and one that it is told twice', () => {
    const told = { device: 'b.1', openedAtMs: 0, conversation: 'g', messageId: late, sender: 'a.1', acceptedAtMs: 71 };
    expect(findUnsettled(run())).toContain(`b.1 in g: ${late} was not told`);
    expect(findUnsettled(recording(() => ({ told: [told] })))).not.toContain(`b.1 in g: ${late} was not told`);
    expect(findFaults(recording(() => ({ told: [told, { ...told, openedAtMs: 5 }] })))).toEqual([]);
    expect(findFaults(recording(() => ({ told: [told, told] })))).toEqual(['b.1 in g: was told 1 messages twice in one life']);
  });

  test('finds a tick that is missing, and one that came before its time', () => {
    const ticked = (state: Shown['state']) => showing('a.1', (messages) => messages.map((of) => (of.messageId === late ? { ...of, state } : of)));
    const reads = [{ device: 'b.1', conversation: 'g', position: 70, atMs: 80 }];
    const read = (state: Shown['state']) => ({ ...ticked(state), record: { ...run().record, reads } });
    const ticks = (outcome: Outcome) => findUnsettled(outcome).filter((fault) => fault.startsWith(`a.1 in g: ${late} is `));
    expect([ticked('delivered'), read('read')].map((outcome) => ticks({ ...outcome, record: { ...outcome.record, said: [] } }))).toEqual([[], []]);
    expect(ticks(ticked('read'))).toEqual([`a.1 in g: ${late} is read, not delivered`]);
    expect(ticks(read('delivered'))).toEqual([`a.1 in g: ${late} is delivered, not read`]);
    const claim = { device: 'a.1', conversation: 'g', account: 'b', atMs: 75 };
    expect(findEarlyReceipts(recording(() => ({ reads, claims: [{ ...claim, read: 70 }] })))).toHaveLength(1);
    expect(findEarlyReceipts(recording(() => ({ reads, claims: [{ ...claim, read: 70, atMs: 80 }] })))).toEqual([]);
  });

  test('finds a delivery that is told while no device of the account had the message', () => {
    const held = (...ids: readonly string[]) => new Map([['g', ids]]);
    const away = (ids: readonly string[]) =>
      recording(({ said }) => ({
        said,
        lives: [
          { device: 'b.1', openedAtMs: 0, closedAtMs: 65, held: held() },
          { device: 'b.1', openedAtMs: 90, held: held(...ids) },
        ],
        claims: [{ device: 'a.1', conversation: 'g', account: 'b', delivered: 70, atMs: 80 }],
      }));
    const before = (run().transcripts.get('b.1')?.get('g')?.messages ?? []).map(({ messageId }) => messageId as string);
    expect(findEarlyReceipts(away(before.slice(0, -1)))).toHaveLength(1);
  });
});

describe('the model of a channel', () => {
  const ids = [newMessageId(), newMessageId(), newMessageId()] as const;
  const change = (type: 'member-joined' | 'member-removed', member: string, atMs: number) => ({
    ...{ conversation: 'c', device: 'a.1', change: { type, member } as Change },
    ...{ fromMs: atMs, toMs: atMs + 1 },
  });

  /** a posts at 10 s, 20 s and 30 s; b, a member from the beginning, goes at 15 s (or as told), c comes at 25 s, its second device at 27 s. */
  function posted(goesAtMs = 15_000): Outcome {
    const texts = ids.map((messageId, index): Shown => ({
      ...{ messageId, position: index + 2, device: 'a.1' },
      content: { type: 'text', text: `post ${index}` },
    }));
    const event: Change = { type: 'created', members: ['a'] };
    const created: Shown = { messageId: newMessageId(), position: 1, device: 'a.1', content: { type: 'event', event } };
    const shows = (...messages: readonly (Shown | undefined)[]) =>
      new Map([['c', { messages: messages.filter((of) => of !== undefined), gaps: [] }]]);
    return {
      record: {
        conversations: [{ kind: 'channel', name: 'c', members: ['a', 'b'] }],
        devices: [
          ...['a', 'b', 'c', 'd'].map((account) => ({ name: `${account}.1`, account })),
          { name: 'c.2', account: 'c', linked: { fromMs: 27_000, toMs: 27_001 } },
        ],
        said: texts.map(({ messageId, content }, index) => ({
          ...{ device: 'a.1', conversation: 'c', atMs: (index + 1) * 10_000, messageId, isFleeting: false },
          content: content as Content,
        })),
        changes: [
          { conversation: 'c', device: 'a.1', change: event, fromMs: 0, toMs: 1 },
          change('member-removed', 'b', goesAtMs),
          change('member-joined', 'c', 25_000),
        ],
        ...{ lives: [], told: [], reads: [], claims: [], notices: [] },
      },
      logs: new Map([
        [
          'c',
          [created, ...texts].map(({ messageId, position = 0, device }, index) => ({
            ...{ messageId, position, device, acceptedAtMs: index * 10_000 + 1 },
            ...(index === 0 ? { event } : {}),
          })),
        ],
      ]),
      transcripts: new Map([
        ...['a.1', 'c.1', 'c.2'].map((name) => [name, shows(created, ...texts)] as const),
        ['b.1', shows(created, texts[0])],
        ['d.1', shows()],
      ]),
    };
  }

  function showingInstead(
    device: string,
    instead: (messages: readonly Shown[], all: readonly Shown[]) => readonly Shown[],
    outcome = posted(),
  ): Outcome {
    const of = (name: string) => outcome.transcripts.get(name)?.get('c')?.messages ?? [];
    return {
      ...outcome,
      transcripts: new Map([...outcome.transcripts, [device, new Map([['c', { messages: instead(of(device), of('a.1')), gaps: [] }]])]]),
    };
  }

  test('finds nothing where members read everything, also what was posted before they came', () => {
    expect(findFaults(posted())).toEqual([]);
    expect(countOpen(posted())).toEqual({ pairs: 20, open: 0 });
  });

  test.each<[string, Outcome]>([
    ['is missing to somebody who came later', showingInstead('c.1', (messages) => messages.slice(1))],
    ['is missing on a device that was linked later', showingInstead('c.2', (messages) => messages.slice(0, -1))],
    ['is missing to somebody who went after it', showingInstead('b.1', (messages) => messages.slice(0, -1))],
    ['is shown to somebody who went before', showingInstead('b.1', (_, all) => all)],
    ['is shown to somebody who was never there', showingInstead('d.1', (_, all) => all)],
    [
      'is not opened',
      showingInstead('c.1', (all) => all.map((of) => (of.messageId === ids[1] ? { ...of, content: { type: 'undecryptable' } } : of))),
    ],
  ])('finds a post that %s', (_, outcome) => {
    expect(findFaults(outcome)).not.toEqual([]);
  });

  test('finds a post of somebody who is no admin, and a notice of a departure that was none', () => {
    const { record, ...rest } = posted();
    const byMember = record.said.map((said, index) => (index === 1 ? { ...said, device: 'c.1' } : said));
    expect(findFaults({ ...rest, record: { ...record, said: byMember } })).not.toEqual([]);
    const notice = (device: string) => ({ ...rest, record: { ...record, notices: [{ device, kind: 'channel-left', text: '' }] } });
    expect([findFaults(notice('b.1')), findFaults(notice('a.1'))]).toEqual([[], [expect.stringContaining('a.1 was given the notice')]]);
  });

  test('leaves open only what was posted while somebody went', () => {
    const went = posted(20_000);
    expect(findFaults(went)).toEqual([]);
    expect(findFaults(showingInstead('b.1', (_, all) => all.slice(0, 3), went))).toEqual([]);
    expect(countOpen(went).open).toBe(1);
  });
});
