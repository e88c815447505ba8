import type { DeviceSnapshot, SeenMessage } from './device-calls.js';

/** A device, and what it was told to send, in order. */
export interface Witness {
  readonly name: string;
  readonly sent: readonly { readonly messageId: string; readonly text: string }[];
  readonly snapshot: DeviceSnapshot;
}

/**
 * What the demo proves. Empty: every message that was sent is accepted, on both devices and in the history exactly once, with one text, in one order, and no receipt is ahead
 * of what the peer has.
 */
export function findViolations(one: Witness, other: Witness): readonly string[] {
  return [
    ...[one, other].flatMap((witness) => [...sentOnce(witness), ...inOrder(witness), ...sameAsHistory(witness)]),
    ...sameOnBoth(one, other),
    ...receiptsBehind(one, other),
    ...receiptsBehind(other, one),
  ];
}

function sentOnce({ name, sent, snapshot }: Witness): string[] {
  return sent.flatMap(({ messageId, text }) => {
    const found = snapshot.messages.filter((message) => message.messageId === messageId);
    if (found.length !== 1) return [`${name}: "${text}" is there ${found.length} times, not once`];
    const [message] = found;
    if (message?.position === undefined) return [`${name}: "${text}" was never accepted`];
    return message.text === text ? [] : [`${name}: "${text}" became "${message.text}"`];
  });
}

function inOrder({ name, sent, snapshot }: Witness): string[] {
  const positions = snapshot.messages.map(({ position }) => position ?? Infinity);
  const rising = positions.every((position, index) => index === 0 || position > (positions[index - 1] ?? 0));
  const mine = snapshot.messages.filter((message) => message.mine).map(({ messageId }) => messageId);
  const asSent = sent.map(({ messageId }) => messageId).join() === mine.join();
  return [
    ...(rising ? [] : [`${name}: positions do not rise one by one`]),
    ...(asSent ? [] : [`${name}: own messages are not in the order in which they were sent`]),
  ];
}

function sameAsHistory({ name, snapshot }: Witness): string[] {
  return compare(`${name}'s store and the server's history`, snapshot.messages, snapshot.history);
}

function sameOnBoth(one: Witness, other: Witness): string[] {
  const mirrored = other.snapshot.messages.map((message) => ({ ...message, mine: !message.mine }));
  return compare(`${one.name}'s and ${other.name}'s stores`, one.snapshot.messages, mirrored);
}

function compare(what: string, one: readonly SeenMessage[], other: readonly SeenMessage[]): string[] {
  const text = ({ messageId, position, text: said, mine }: SeenMessage) => JSON.stringify([position, messageId, mine, said]);
  const [left, right] = [new Set(one.map(text)), new Set(other.map(text))];
  const only = [...left].filter((line) => !right.has(line)).concat([...right].filter((line) => !left.has(line)));
  if (one.length !== other.length)
    return [`${what}: ${one.length} and ${other.length} messages`, ...only.slice(0, 5).map((line) => `  only in one: ${line}`)];
  return only.slice(0, 5).map((line) => `${what} differ: ${line}`);
}

function receiptsBehind(sender: Witness, receiver: Witness): string[] {
  const got = Math.max(0, ...receiver.snapshot.messages.filter(({ mine }) => !mine).map(({ position }) => position ?? 0));
  const { delivered, read } = sender.snapshot;
  return [
    ...(delivered <= got ? [] : [`${sender.name}: told of a delivery that ${receiver.name} has not got`]),
    // A read watermark may cover the reader's own messages too.
    ...(read <= Math.max(0, ...receiver.snapshot.messages.map(({ position }) => position ?? 0))
      ? []
      : [`${sender.name}: told of reading ahead of what ${receiver.name} has`]),
  ];
}
