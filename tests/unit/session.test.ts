/* eslint-disable max-lines -- the rules of one state machine */
import { beforeEach, describe, expect, test } from '@jest/globals';

import { Session } from '../../gateway/websocket/session.js';
import type { SessionContext } from '../../gateway/websocket/session-context.js';
import type { PushAnswer } from '../../ports/gateway-link.js';
import type { CloseReason } from '../../protocol/close-codes.js';
import type { ConversationId, DeviceAddress, MessageId } from '../../protocol/ids.js';
import type { DeliverItem, ServerFrame } from '../../protocol/server-frames.js';
import { newDevice } from '../support/drain-fixtures.js';

const limits = {
  windowItems: 2,
  windowBytes: 100_000,
  ackTimeoutMs: 5_000,
  drainSilenceMs: 15_000,
  drainSilenceWhenAwayMs: 5_000,
  maxBufferedBytes: 1_000,
};

const device = newDevice();
const other = newDevice();
let nowMs = 0;
let leaseHeld = true;
let workflowsAway = false;
let buffered = 0;
let frames: ServerFrame[] = [];
let closed: CloseReason[] = [];
let drains: number[] = [];
let localDrains: number[] = [];
let receiptsDurable: Promise<void> = Promise.resolve();

const context: SessionContext = {
  limits,
  nowMs: () => nowMs,
  leaseHeld: () => leaseHeld,
  recordDelivered: () => receiptsDurable,
  requestDrain: (_session, token) => drains.push(token),
  drainLocally: (_session, token) => localDrains.push(token),
  workflowsAreAway: () => workflowsAway,
  watch: () => undefined,
  closed: () => undefined,
  turned: () => undefined,
};

function item(position: number, sender: DeviceAddress = other): DeliverItem {
  return {
    conversationId: '00000000-0000-5000-8000-000000000001' as ConversationId,
    position,
    messageId: `m${position}` as MessageId,
    kind: 'message',
    sender,
    acceptedAtMs: 0,
  };
}

function welcome(inbox: 'empty' | 'draining'): ServerFrame {
  return { type: 'welcome', ...device, sessionEpoch: 1, gatewayId: 'g', heartbeatMs: 1, limits: {}, inbox, serverTimeMs: 0 };
}

function newSession(): Session {
  return new Session(
    device,
    1,
    { send: (frame) => frames.push(frame), bufferedBytes: () => buffered, close: (reason) => closed.push(reason) },
    context,
  );
}

function liveSession(): Session {
  const session = newSession();
  session.registered = true;
  session.opened(true, welcome);
  frames = [];
  return session;
}

/** Pushes an item and answers with what the session says to it, once it does. */
function push(session: Session, position: number, stream = 0, linkId = 'link'): { answer: PushAnswer | undefined } {
  const result: { answer: PushAnswer | undefined } = { answer: undefined };
  session.push({ linkId, partition: 0, item: item(position), index: 0, answer: (_, answer) => (result.answer = answer) }, stream);
  return result;
}

/** Lets promises that are settled already run their continuations. */
const settled = () => new Promise((resolve) => setImmediate(resolve));
const lastToken = () => drains.at(-1) ?? 0;

beforeEach(() => {
  nowMs = 0;
  leaseHeld = true;
  workflowsAway = false;
  buffered = 0;
  frames = [];
  closed = [];
  drains = [];
  localDrains = [];
  receiptsDurable = Promise.resolve();
});

describe('a session that opens', () => {
  test('refuses pushes, and never answers that it is gone', () => {
    expect(push(newSession(), 1).answer).toBe('refused');
  });

  test('is live at once when it is registered and its inbox is empty', () => {
    const session = newSession();
    session.registered = true;
    session.opened(true, welcome);
    expect([session.state, frames.at(-1)]).toEqual(['live', welcome('empty')]);
  });

  test.each([
    ['its inbox holds something', (session: Session) => session.opened(false, welcome)],
    ['it is not registered', (session: Session) => ((session.registered = false), session.opened(true, welcome))],
    ['it was nudged meanwhile', (session: Session) => (session.nudge('link', 0), session.opened(true, welcome))],
    [
      'it was registered again since the inbox was read',
      (session: Session) => (session.lapse('once-registered'), session.reRegistered(), session.opened(true, welcome)),
    ],
    ['the gateway holds no lease', (session: Session) => ((leaseHeld = false), session.opened(true, welcome))],
  ])('drains first when %s', (_, open) => {
    const session = newSession();
    session.registered = true;
    open(session);
    expect([session.state, frames.at(-1), drains]).toEqual(['draining', welcome('draining'), [1]]);
  });
});

describe('a live session', () => {
  test('answers delivered only once the receipt is durable', async () => {
    let durable: () => void = () => undefined;
    receiptsDurable = new Promise((resolve) => (durable = resolve));
    const session = liveSession();
    const pushed = push(session, 1);
    session.ack(1);
    await settled();
    expect(pushed.answer).toBeUndefined();
    durable();
    await settled();
    expect(pushed.answer).toBe('delivered');
  });

  test('acks cumulatively, and refuses an ack beyond what was sent', async () => {
    const session = liveSession();
    const pushes = [push(session, 1), push(session, 2)];
    expect(session.ack(3)).toBe(false);
    expect(session.ack(2)).toBe(true);
    await settled();
    expect(pushes.map(({ answer }) => answer)).toEqual(['delivered', 'delivered']);
  });

  test('refuses everything un-acked when its window overflows, and what was sent behind under the old stream number', () => {
    const session = liveSession();
    const pushes = [push(session, 1), push(session, 2), push(session, 3), push(session, 4)];
    expect(pushes.map(({ answer }) => answer)).toEqual(['refused', 'refused', 'refused', 'refused']);
    expect([session.state, session.nudge('link', 0)]).toEqual(['draining', 3]);
  });

  test('counts stream numbers anew for a new link', () => {
    const session = liveSession();
    push(session, 1);
    push(session, 2);
    push(session, 3);
    session.linkLost('link');
    expect([session.nudge('link', 0), session.nudge('other link', 0)]).toEqual([0, 0]);
  });

  test('turns to draining when the device does not ack in time', () => {
    const session = liveSession();
    const pushed = push(session, 1);
    nowMs = limits.ackTimeoutMs - 1;
    session.tick(nowMs);
    expect(session.state).toBe('live');
    nowMs += 1;
    session.tick(nowMs);
    expect([session.state, pushed.answer]).toEqual(['draining', 'refused']);
  });

  test('takes no push while the socket holds too much back', () => {
    const session = liveSession();
    buffered = limits.maxBufferedBytes + 1;
    expect([push(session, 1).answer, session.state]).toEqual(['refused', 'draining']);
  });

  test('drains after a nudge, and still takes the acks of what it had sent before', async () => {
    const session = liveSession();
    const pushed = push(session, 1);
    session.nudge('link', 0);
    session.ack(1);
    await settled();
    expect([session.state, pushed.answer]).toEqual(['draining', 'delivered']);
  });

  test('refuses what is un-acked, registers, then drains when its registration is in doubt', () => {
    const session = liveSession();
    const pushed = push(session, 1);
    session.lapse('once-registered');
    expect([session.state, session.registered, pushed.answer, drains]).toEqual(['draining', false, 'refused', []]);
    session.reRegistered();
    expect([session.registered, drains.length]).toEqual([true, 1]);
  });

  test('answers gone for everything open when it closes', () => {
    const session = liveSession();
    const pushed = push(session, 1);
    session.close('goingAway');
    expect([pushed.answer, push(session, 2).answer, closed]).toEqual(['gone', 'gone', ['goingAway']]);
  });
});

describe('a draining session', () => {
  function draining(): { session: Session; sub: number } {
    const session = newSession();
    session.registered = true;
    session.opened(false, welcome);
    const opened = session.openDrain(lastToken());
    frames = [];
    return { session, sub: opened.outcome === 'open' ? opened.sub : -1 };
  }

  test('is live once its inbox was read empty, and says how much it drained', async () => {
    const { session, sub } = draining();
    const page = session.drainPage(lastToken(), sub, { items: [item(1), item(2)], short: true });
    session.ack(1);
    expect(await page).toBe('acked');
    expect(session.finishDrain(lastToken(), sub)).toBe('live');
    expect(frames.at(-1)).toEqual({ type: 'inbox.empty', drained: 2 });
  });

  test('wants the inbox read again when a nudge came since that read began', () => {
    const { session, sub } = draining();
    session.nudge('link', 0);
    expect(session.finishDrain(lastToken(), sub)).toBe('more');
    expect(session.finishDrain(lastToken(), sub)).toBe('live');
  });

  test('stays draining while it is not registered or the gateway has no lease', () => {
    const { session, sub } = draining();
    leaseHeld = false;
    expect(session.finishDrain(lastToken(), sub)).toBe('unleased');
    leaseHeld = true;
    session.registered = false;
    expect(session.finishDrain(lastToken(), sub)).toBe('unleased');
  });

  test('holds pushes after a short page and sends them in order once live', () => {
    const { session, sub } = draining();
    void session.drainPage(lastToken(), sub, { items: [item(1)], short: true });
    const pushes = [push(session, 2), push(session, 3)];
    session.ack(1);
    session.finishDrain(lastToken(), sub);
    expect(pushes.map(({ answer }) => answer)).toEqual([undefined, undefined]);
    expect(frames.slice(-3).map((frame) => (frame.type === 'deliver' ? frame.items.map(({ position }) => position) : frame.type))).toEqual([
      'inbox.empty',
      [2],
      [3],
    ]);
  });

  test('refuses all held pushes when more come than the window takes', () => {
    const { session, sub } = draining();
    void session.drainPage(lastToken(), sub, { items: [item(1)], short: true });
    const pushes = [push(session, 2), push(session, 3), push(session, 4)];
    expect(pushes.map(({ answer }) => answer)).toEqual(['refused', 'refused', 'refused']);
  });

  test('refuses all held pushes when they are larger than the window', () => {
    const { session, sub } = draining();
    void session.drainPage(lastToken(), sub, { items: [item(1)], short: true });
    const answers: PushAnswer[] = [];
    for (const position of [2, 3]) {
      const large = { ...item(position), body: new Uint8Array(limits.windowBytes / 2) };
      session.push({ linkId: 'link', partition: 0, item: large, index: 0, answer: (_, answer) => answers.push(answer) }, 0);
    }
    expect(answers).toEqual(['refused', 'refused']);
  });

  test('knows only its newest attempt: older ones are superseded', async () => {
    const { session, sub } = draining();
    const page = session.drainPage(lastToken(), sub, { items: [item(1)], short: false });
    const newer = session.openDrain(lastToken());
    expect(await page).toBe('superseded');
    expect(newer).toEqual({ outcome: 'open', sub: sub + 1, sessionEpoch: 1 });
    expect(await session.drainPage(lastToken(), sub, { items: [item(1)], short: false })).toBe('superseded');
    expect(session.openDrain(lastToken() + 1)).toEqual({ outcome: 'superseded' });
  });

  describe('when the device left a page un-acked, answers, and does not ack the next one either', () => {
    const leaveUnacked = (session: Session, ...items: readonly DeliverItem[]) => {
      const opened = session.openDrain(lastToken());
      if (opened.outcome !== 'open') throw new Error('the drain did not open');
      const page = session.drainPage(lastToken(), opened.sub, { items: [...items], short: false });
      nowMs += limits.ackTimeoutMs;
      session.tick(nowMs);
      return page;
    };

    test('is stuck: alone if that is one item, the same, and all before was acked', async () => {
      const { session } = draining();
      expect(await leaveUnacked(session, item(1))).toBe('parked');
      session.heard();
      expect(await leaveUnacked(session, item(1))).toBe('stuck-alone');
      session.heard();
      expect(await leaveUnacked(session, item(2))).toBe('stuck');
    });

    test('is not stuck when it said nothing in between, or acked late', async () => {
      const { session } = draining();
      expect(await leaveUnacked(session, item(1))).toBe('parked');
      session.nudge('link', 0);
      expect(await leaveUnacked(session, item(1))).toBe('parked');
      session.ack(2);
      expect(await leaveUnacked(session, item(1))).toBe('parked');
      session.heard();
      expect(await leaveUnacked(session, item(1), item(2))).toBe('stuck');
    });

    test('is stuck with others when what was pushed to it is un-acked too', async () => {
      const session = liveSession();
      push(session, 7);
      nowMs += limits.ackTimeoutMs;
      session.tick(nowMs);
      expect(await leaveUnacked(session, item(1))).toBe('parked');
      session.heard();
      expect(await leaveUnacked(session, item(1))).toBe('stuck');
    });
  });

  test('parks when the device does not ack a page, and drains anew at its next frame', async () => {
    const { session, sub } = draining();
    const page = session.drainPage(lastToken(), sub, { items: [item(1)], short: false });
    nowMs += limits.ackTimeoutMs;
    session.tick(nowMs);
    expect([await page, session.isDraining]).toEqual(['parked', false]);
    const before = lastToken();
    session.heard();
    expect(session.isDraining).toBe(true);
    expect(lastToken()).toBe(before + 1);
    session.heard();
    expect(lastToken()).toBe(before + 1);
  });

  test('is drained in this process after 15 s without a drain call, after 5 s while the workflows are away', () => {
    const session = newSession();
    session.opened(false, welcome);
    session.tick(limits.drainSilenceMs - 1);
    expect(localDrains).toEqual([]);
    nowMs = limits.drainSilenceMs;
    session.tick(nowMs);
    expect(localDrains).toEqual([2]);
    workflowsAway = true;
    nowMs += limits.drainSilenceWhenAwayMs;
    session.tick(nowMs);
    expect(localDrains).toEqual([2, 3]);
  });

  test('is given up only under its present token', () => {
    const { session } = draining();
    expect(session.giveUpDrain(lastToken() - 1)).toBe('superseded');
    expect(session.giveUpDrain(lastToken())).toBe('closed');
    expect([closed, session.giveUpDrain(lastToken())]).toEqual([['internal'], 'gone']);
  });
});
